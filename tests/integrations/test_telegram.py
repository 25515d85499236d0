"""A bot on python-telegram-bot is observed by the class of its application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from telegram import Update
from telegram.ext import ApplicationHandlerStop, CallbackQueryHandler, ContextTypes, TypeHandler

from obskit.integrations.telegram import ObservedApplication
from tests.integrations.bots import (
    BOT,
    CHAT,
    TOKEN,
    Observed,
    callback_query,
    example,
    fake_api,
    message,
    observed,
)
from tests.traces.recorded import last, shape

Script = Callable[[ObservedApplication], Coroutine[Any, Any, None]]
ANSWERS = {
    "/getMe": {"ok": True, "result": BOT},
    "/sendMessage": {"ok": True, "result": {"message_id": 2, "date": 0, "chat": CHAT, "from": BOT}},
}


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What comes out of the bot."""
    with observed("debug") as seen:
        yield seen


def play(script: Script, *handlers: TypeHandler[Any, Any, Any] | CallbackQueryHandler[Any, Any]) -> list[str]:
    """Run *script* with the example's bot and *handlers*; returns the paths that it asked for."""

    async def run() -> list[str]:
        async with fake_api(ANSWERS) as (url, asked):
            application = example("telegram_bot").build(TOKEN, url.rstrip("/"))
            application.add_handlers(handlers)
            async with application:
                await script(application)
            return asked

    return asyncio.run(run())


async def feed(application: ObservedApplication, payload: dict[str, Any]) -> None:
    """Let *application* take an update, as Telegram sends it."""
    await application.process_update(Update.de_json(payload, application.bot))


def test_the_example(seen: Observed) -> None:
    """Commands have context and trace, errors one traceback, and repeats no second alert."""

    async def script(application: ObservedApplication) -> None:
        await feed(application, message("/status@some_bot now"))
        for _ in range(3):
            await feed(application, message("/deploy"))

    asked = play(script)
    assert f"/bot{TOKEN}/sendMessage" in asked
    assert seen.ends() == [("/status", "ok"), *[("/deploy", "error")] * 3]
    (looked,) = seen.lines(msg="looking")
    assert (looked["cmd"], looked["user_id"], looked["chat_id"]) == ("/status", "42", "7")
    (failed, _, _) = seen.stacks()
    assert (failed["msg"], failed["error"], failed["user_id"]) == (
        "/deploy failed", "ConnectionError: the host is down", "42",
    )  # fmt: skip
    (alert,) = seen.alerts()
    assert (alert.message, alert.trace_id) == ("/deploy failed", failed["trace_id"])
    assert last().duration_ms > 0
    assert any(line["logger"] == "httpx" and "sendMessage" in line["msg"] for line in seen.lines())
    assert any(line["logger"] == "aiohttp.access" for line in seen.lines())
    seen.shows_none_of(TOKEN)


def test_steps_are_kept_for_the_user(seen: Observed) -> None:
    """The trace of a command says what it did."""

    async def script(application: ObservedApplication) -> None:
        await feed(application, message("/status"))

    play(script)
    assert (last().command, last().status, shape(last())) == ("/status", "ok", [("Look", None)])


def test_error_handlers_get_the_error_inside_the_trace(seen: Observed) -> None:
    """What they log has the id that the user can be told; raised again, it is not logged again."""
    taken: list[object] = []

    async def on_error(update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        taken.append(context.error)
        logging.getLogger("mine").info("sorry")
        assert context.error is not None
        raise context.error

    async def script(application: ObservedApplication) -> None:
        application.add_error_handler(on_error)
        await feed(application, message("/deploy"))

    play(script)
    (failed,) = seen.stacks()
    (sorry,) = seen.lines(msg="sorry")
    assert [type(error) for error in taken] == [ConnectionError]
    assert failed["trace_id"] == sorry["trace_id"] == last().trace_id


def test_other_updates_are_named_for_their_kind(seen: Observed) -> None:
    """Buttons, plain messages, and what the bot itself puts into the queue; stopping is no error."""

    async def stop(update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        raise ApplicationHandlerStop

    async def script(application: ObservedApplication) -> None:
        await feed(application, callback_query("yes"))
        await feed(application, message("hello"))
        await application.process_update({"mine": 1})

    play(script, CallbackQueryHandler(stop), TypeHandler(dict, stop))
    assert seen.ends() == [("callback_query", "ok"), ("message", "ok"), ("dict", "ok")]
    assert seen.stacks() == []
    assert last().attributes == {"chat_id": "7"}


def test_a_handler_that_does_not_block_keeps_the_context(seen: Observed) -> None:
    """It goes on when the trace of the update has ended; its lines and its error have the trace's id."""
    wait = asyncio.Event()

    async def later(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        await wait.wait()
        raise LookupError("later")

    async def script(application: ObservedApplication) -> None:
        await application.start()
        await feed(application, message("/later"))
        wait.set()
        await application.stop()

    play(script, TypeHandler(Update, later, block=False))
    (failed,) = seen.stacks()
    assert (failed["msg"], failed["user_id"]) == ("/later failed", "42")
    assert seen.lines(event="command.end")[0]["trace_id"] == failed["trace_id"]


def test_errors_of_jobs_and_tasks_are_logged_once(seen: Observed) -> None:
    """They have no update and no trace."""

    async def fail() -> None:
        raise LookupError("task")

    async def script(application: ObservedApplication) -> None:
        await application.start()
        with pytest.raises(LookupError):
            await application.create_task(fail())
        await application.process_error(None, LookupError("job"), job=Job())
        await application.stop()

    class Job:
        name = "refresh"

    play(script)
    assert [(line["msg"], line["error"]) for line in seen.stacks()] == [
        ("a task failed", "LookupError: task"),
        ("refresh failed", "LookupError: job"),
    ]
    assert seen.ends() == []
