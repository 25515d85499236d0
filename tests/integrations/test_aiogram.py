"""A bot on aiogram is observed by one line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.types import CallbackQuery, ErrorEvent, Message, Update

from obskit.errors import ConfigError
from obskit.integrations.aiogram import observe
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

ANSWERS = {
    "/getMe": {"ok": True, "result": BOT},
    "/sendMessage": {"ok": True, "result": {"message_id": 2, "date": 0, "chat": CHAT, "from": BOT}},
}


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What comes out of the bot."""
    with observed("debug") as seen:
        yield seen


@pytest.fixture
def dispatcher() -> Dispatcher:
    """A dispatcher that is observed before it has any handler."""
    dispatcher = Dispatcher()
    observe(dispatcher)
    observe(dispatcher)  # once more changes nothing
    return dispatcher


def play(dispatcher: Dispatcher, *updates: dict[str, Any]) -> list[str]:
    """Let *dispatcher* take *updates* as polling does; returns the paths that the bot asked for."""

    async def run() -> list[str]:
        async with fake_api(ANSWERS) as (url, asked):
            session = AiohttpSession(api=TelegramAPIServer.from_base(url))
            async with Bot(TOKEN, session=session) as bot:
                for update in updates:
                    parsed = Update.model_validate(update, context={"bot": bot})
                    await dispatcher._process_update(bot, parsed)
            return asked

    return asyncio.run(run())


def test_the_example(seen: Observed) -> None:
    """Commands have context and trace, errors one traceback, and repeats no second alert."""
    asked = play(example("aiogram_bot").dispatcher, message("/status@some_bot"), *[message("/deploy")] * 3)
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
    assert any(line["logger"] == "aiohttp.access" for line in seen.lines())
    seen.shows_none_of(TOKEN)


def test_steps_are_kept_for_the_user(seen: Observed) -> None:
    """The trace of a command says what it did."""
    play(example("aiogram_bot").dispatcher, message("/status"))
    assert (last().command, last().status, shape(last())) == ("/status", "ok", [("Look", None)])


def test_error_handlers_still_get_the_error(seen: Observed, dispatcher: Dispatcher) -> None:
    """Handled there, or raised again, it is not logged a second time."""
    taken: list[str] = []

    @dispatcher.message()
    async def fail(message: Message) -> None:
        raise LookupError("no")

    @dispatcher.error()
    async def on_error(event: ErrorEvent) -> None:
        taken.append(str(event.exception))
        if len(taken) == 2:
            raise event.exception

    play(dispatcher, message("one"), message("two"))
    assert taken == ["no", "no"]
    assert [line["error"] for line in seen.stacks()] == ["LookupError: no"] * 2
    assert seen.ends() == [("fail", "error")] * 2


def test_handlers_of_routers_give_the_name(seen: Observed, dispatcher: Dispatcher) -> None:
    """Of what is no command; skipping to the next handler is no error."""
    router = Router()
    dispatcher.include_router(router)

    @router.callback_query()
    async def skip(query: CallbackQuery) -> None:
        raise SkipHandler

    async def vote(query: CallbackQuery, answer: str) -> None:
        logging.getLogger("mine").info(answer)

    router.callback_query.register(partial(vote, answer="yes"))
    play(dispatcher, callback_query("1"))
    assert seen.ends() == [("skip", "ok"), ("vote", "ok")]
    assert [line["cmd"] for line in seen.lines(msg="yes")] == ["vote"]
    assert seen.stacks() == []


def test_what_no_handler_takes_leaves_no_trace(seen: Observed, dispatcher: Dispatcher) -> None:
    """A group that talks does not fill the store; an error in a filter is logged all the same."""

    async def is_wanted(message: Message) -> bool:
        if message.text == "bad":
            raise LookupError("filter")
        return False

    dispatcher.message.register(lambda message: None, is_wanted)
    play(dispatcher, message("hello"), message("bad"))
    assert seen.ends() == []
    assert [(line["msg"], line["error"]) for line in seen.stacks()] == [
        ("update failed", "LookupError: filter")
    ]


def test_updates_of_a_kind_that_aiogram_does_not_know_pass(seen: Observed, dispatcher: Dispatcher) -> None:
    """Telegram adds some; aiogram warns of them and goes on."""
    with pytest.warns(RuntimeWarning, match="unknown update type"):
        play(dispatcher, {"update_id": 3, "brand_new": {}})
    assert (seen.ends(), seen.stacks()) == ([], [])


def test_only_dispatchers_are_observed() -> None:
    """What cannot be observed is refused when it is given."""
    with pytest.raises(ConfigError, match="got Router"):
        observe(Router())  # type: ignore[arg-type]
