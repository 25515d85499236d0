"""However a command ends, one line says how."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import obskit
from obskit.testing import FakeClock, capture


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture(autouse=True)
def _set_up(clock: FakeClock) -> Iterator[None]:
    """A program that installs nothing."""
    with obskit.configure(output=io.BytesIO(), clock=clock, capture_logging=False, hooks=False):
        yield


def ends(events: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Return command, outcome and failure of each summary line."""
    return [(e["cmd"], e["outcome"], e["failed"]) for e in events if e.get("event") == "command.end"]


def test_the_line_says_who_what_how_long_and_how(clock: FakeClock) -> None:
    """All that a dashboard counts is there, as numbers where it is numbers."""
    with capture() as events, obskit.trace("/order", user_id="42") as trace, trace.step("Check stock"):
        clock.advance(0.25)
    (line,) = events
    wanted: dict[str, object] = {"event": "command.end", "cmd": "/order", "user_id": "42"}
    wanted |= {"trace_id": trace.trace_id, "level": "info", "outcome": "ok", "failed": 0}
    wanted |= {"duration_ms": 250.0, "steps": 1}
    assert line.items() >= wanted.items()


@pytest.mark.parametrize(
    ("error", "outcome", "level"),
    [
        (ValueError("broken"), "error", "error"),
        (TimeoutError(), "error", "error"),
        (asyncio.CancelledError(), "cancelled", "info"),
        (KeyboardInterrupt(), "cancelled", "info"),
        (SystemExit(1), "cancelled", "info"),
        (GeneratorExit(), "ok", "info"),
    ],
)
def test_whatever_escapes_there_is_one_line(error: BaseException, outcome: str, level: str) -> None:
    """And only what is a failure counts as one."""
    with capture() as events, contextlib.suppress(BaseException), obskit.trace("/order"):
        raise error
    assert ends(events) == [("/order", outcome, int(outcome == "error"))]
    assert events[-1]["level"] == level


def test_a_cancelled_task_gets_its_line() -> None:
    """The loop cancels it while it waits, as at shutdown."""

    async def command() -> None:
        async with obskit.trace("/order"):
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(command())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with capture() as events:
        asyncio.run(main())
    assert ends(events) == [("/order", "cancelled", 0)]


def test_a_timeout_around_a_command_cancels_it_and_one_inside_fails_it() -> None:
    """What the trace sees is what the line says."""

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0), obskit.trace("/around"):
                await asyncio.sleep(60)
        with contextlib.suppress(TimeoutError), obskit.trace("/inside"):
            async with asyncio.timeout(0):
                await asyncio.sleep(60)

    with capture() as events:
        asyncio.run(main())
    assert ends(events) == [("/around", "cancelled", 0), ("/inside", "error", 1)]


def test_an_abandoned_async_generator_gets_its_line() -> None:
    """It ends when the loop closes it, in a context of the loop's."""

    @obskit.traced("/pages")
    async def pages() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        async for _ in pages():
            break
        await asyncio.sleep(0.01)

    with capture() as events:
        asyncio.run(main())
    assert ends(events) == [("/pages", "ok", 0)]


def test_the_context_cannot_rename_the_command() -> None:
    """A line of a dashboard stays under the trace's own names."""
    with capture() as events, obskit.trace("/order") as trace:
        obskit.set_context(cmd="/other", trace_id="other", shop="lamps")
    assert ends(events) == [("/order", "ok", 0)]
    assert (events[0]["trace_id"], events[0]["shop"]) == (trace.trace_id, "lamps")


def test_a_high_level_leaves_only_failures_unless_told_otherwise() -> None:
    """The lines of obskit have a logger of their own, and so a level of their own."""
    for levels, wanted in (None, ["/bad"]), ({"obskit": "info"}, ["/good", "/bad"]):
        with (
            obskit.configure(
                output=io.BytesIO(), level="warn", levels=levels, capture_logging=False, hooks=False
            ),
            capture() as events,
        ):
            with obskit.trace("/good"):
                pass
            with obskit.trace("/bad") as trace:
                trace.fail("broken")
        assert [cmd for cmd, _, _ in ends(events)] == wanted
