"""A trace that fails shows what it logged below the level; one that goes well shows nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from enum import StrEnum
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.errors import ConfigError
from obskit.event import Bound, Event
from obskit.gate import Gate
from obskit.levels import DEBUG
from obskit.logs import Logger, flight
from obskit.logs.flight import FlightRecorder, Recording, _packed, current_recording
from obskit.logs.pipeline import secured
from obskit.testing import FakeClock, capture
from tests.strategies import Hostile, any_text, any_value

SECRET = "ghp_" + "fake" * 9
log = obskit.get_logger("bot")


def configured(**choices: Any) -> obskit.Runtime:
    """Set up a program that installs nothing, with a known clock."""
    choices = {"output": io.BytesIO(), "clock": FakeClock(), **choices}
    return obskit.configure(capture_logging=False, hooks=False, **choices)


@pytest.fixture(autouse=True)
def _set_up() -> Iterator[None]:
    """A program whose level is info."""
    with configured():
        yield


@contextlib.contextmanager
def failing(command: str = "/order", **attributes: Any) -> Iterator[None]:
    """Run a block as a trace that fails."""
    with obskit.trace(command, **attributes) as trace:
        yield
        trace.fail("broken")


def recorded(events: list[dict[str, Any]]) -> list[str]:
    """Return the messages of the recorded lines."""
    return [event["msg"] for event in events if event.get("_recorded")]


def test_a_failing_trace_writes_out_its_lines_before_its_summary() -> None:
    """In the order they came, marked, behind a line that counts them, and else intact."""
    with capture() as events, contextlib.suppress(ValueError), obskit.trace("/order", user_id="42"):
        log.debug("looked up", article="lamp")
        log.info("ordered")
        log.debug("stored")
        raise ValueError("broken")
    assert [event["msg"] for event in events] == [
        "ordered",
        "recorded lines below the level: 2 follow, 0 were evicted",
        "looked up",
        "stored",
        "/order ended: error",
    ]
    note, first = events[1], events[2]
    assert (note["event"], note["kept"], note["evicted"]) == ("obskit.recorded", 2, 0)
    assert (first["level"], first["cmd"], first["article"]) == ("debug", "/order", "lamp")
    assert (first["fn"], first["_recorded"]) == (
        "test_a_failing_trace_writes_out_its_lines_before_its_summary",
        True,
    )


def test_a_trace_that_goes_well_or_is_cancelled_keeps_its_lines_to_itself() -> None:
    """Only failures are worth them."""
    with capture() as events:
        with obskit.trace("/order"):
            log.debug("looked up")
        with contextlib.suppress(asyncio.CancelledError), obskit.trace("/order"):
            log.debug("looked up")
            raise asyncio.CancelledError
    assert [event["event"] for event in events] == ["command.end", "command.end"]


def test_a_failing_trace_without_such_lines_says_nothing_of_them() -> None:
    """No line tells of nothing."""
    with capture() as events, failing():
        pass
    assert [event["event"] for event in events] == ["command.end"]


def test_nothing_is_kept_outside_a_trace() -> None:
    """Neither before, nor after, nor in a block that only binds fields."""
    with capture() as events, obskit.bound_context(guild="g"):
        log.debug("before")
        with failing():
            log.debug("inside")
        log.debug("after")
        assert obskit.logs.write_recorded() == 0
    assert recorded(events) == ["inside"]


def test_a_kept_line_is_a_snapshot() -> None:
    """What changes after the call, be it a value or the context, does not change the line."""
    items = ["lamp"]
    with capture() as events, failing():
        with obskit.bound_context(step="first"):
            log.debug("looked up", items=items)
        items.append("table")
    line = next(event for event in events if event.get("_recorded"))
    assert (line["items"], line["step"]) == (["lamp"], "first")


def test_a_kept_line_is_safe_in_memory_already() -> None:
    """A secret does not wait in the recording."""
    with failing():
        log.debug(f"using {SECRET}", token=SECRET, exc_info=ValueError(SECRET))
        recording = current_recording()
        assert recording is not None
        assert len(recording.events()) == 1
        assert SECRET not in repr(recording.events())


def test_a_name_of_ours_in_the_fields_is_the_users() -> None:
    """A field called `recorded` stays what it is."""
    with capture() as events, failing():
        log.debug("voice", recorded=False)
    assert next(event for event in events if event["msg"] == "voice")["recorded"] is False


def test_the_latest_lines_stay_and_the_others_are_counted() -> None:
    """What was evicted is told honestly."""
    with configured(flight_recorder=3), capture() as events, failing():
        for number in range(10):
            log.debug("%d", number)
    assert recorded(events) == ["7", "8", "9"]
    assert (events[0]["kept"], events[0]["evicted"]) == (3, 7)


def test_a_line_larger_than_the_recording_evicts_only_itself() -> None:
    """One dump of everything does not cost the rest."""
    with capture() as events, failing():
        log.debug("small")
        log.debug("huge", text=" ." * 32_000)
    assert recorded(events) == ["small"]
    assert (events[0]["kept"], events[0]["evicted"]) == (1, 1)


def test_the_recorder_can_be_switched_off() -> None:
    """Then nothing is kept, and a failing trace writes its summary only."""
    with configured(flight_recorder=False), capture() as events, failing():
        log.debug("looked up")
        assert current_recording() is None
    assert [event["event"] for event in events] == ["command.end"]


@pytest.mark.parametrize("setting", [-1, "yes", 1.5])
def test_a_wrong_number_of_lines_is_a_clear_error(setting: Any) -> None:
    """The error says what is possible."""
    with pytest.raises(ConfigError, match="flight_recorder must be True, False or a number of lines, got"):
        obskit.configure(flight_recorder=setting)


def test_lines_are_written_on_request_and_only_once() -> None:
    """A trace that is odd without failing can show what it has; what comes later is kept anew."""
    with capture() as events, failing():
        log.debug("first")
        assert obskit.logs.write_recorded() == 1
        log.debug("second")
        assert obskit.logs.write_recorded() == 1
        assert obskit.logs.write_recorded() == 0
    assert recorded(events) == ["first", "second"]


def test_a_trace_inside_a_trace_has_its_own_lines() -> None:
    """Each failing one shows its own; the summary of one inside is a line of the one around."""
    with configured(level="warn"), capture() as events, failing("/outer"):
        log.debug("outer")
        with obskit.trace("/inner"):
            log.debug("inner")
        with failing("/second"):
            log.debug("second")
    assert recorded(events) == ["second", "outer", "/inner ended: ok"]


def test_traces_of_one_loop_do_not_mix() -> None:
    """A hundred commands at once, also with the same trace id: each writes what its own tasks logged."""
    shared = "0af7651916cd43dd8448eb211c80319c"

    async def part(number: int) -> None:
        await asyncio.sleep(0)
        log.debug("part", number=number)

    async def command(number: int) -> None:
        with obskit.trace(f"/{number}", trace_id=shared if number % 2 else None) as trace:
            log.debug("begun", number=number)
            await asyncio.gather(part(number), part(number))
            if number % 3 == 0:
                trace.fail("broken")

    async def main() -> None:
        await asyncio.gather(*map(command, range(100)))

    with capture() as events:
        asyncio.run(main())
    lines = [event for event in events if event.get("_recorded")]
    assert len(lines) == 34 * 3
    assert all(event["cmd"] == f"/{event['number']}" and event["number"] % 3 == 0 for event in lines)


def test_threads_of_one_trace_share_its_recording() -> None:
    """No line is lost or doubled, however many log at once."""

    def count(worker: int) -> None:
        for number in range(30):
            log.debug("%d-%d", worker, number)

    with configured(flight_recorder=5_000), capture() as events, failing(), ThreadPoolExecutor(8) as pool:
        for worker in range(8):
            pool.submit(copy_context().run, count, worker)
        pool.shutdown()
    assert sorted(recorded(events)) == sorted(f"{worker}-{n}" for worker in range(8) for n in range(30))


def test_a_task_that_outlives_its_trace_is_not_recorded() -> None:
    """It logs as it would outside."""

    async def main() -> None:
        done = asyncio.Event()

        async def straggler() -> None:
            await done.wait()
            log.debug("late")

        with obskit.trace("/order"):
            task = asyncio.create_task(straggler())
        assert current_recording() is None
        done.set()
        await task

    with capture() as events:
        asyncio.run(main())
    assert recorded(events) == []


def test_a_waiting_generator_does_not_record_its_caller() -> None:
    """While it is suspended, the caller's lines are the caller's."""

    @obskit.traced
    def pages() -> Iterator[int]:
        log.debug("inside")
        yield 1
        raise ValueError("broken")

    with capture() as events, contextlib.suppress(ValueError):
        for _ in pages():
            log.debug("caller")
    assert recorded(events) == ["inside"]


def test_a_trace_that_ends_in_another_thread_is_written_under_its_own_name() -> None:
    """Frameworks enter and leave in different contexts; its lines still know whose they are."""
    trace = obskit.trace("/order", user_id="42")

    def begin() -> None:
        trace.__enter__()
        log.debug("inside")
        trace.fail("broken")

    copy_context().run(begin)
    with capture() as events:
        trace.__exit__(None, None, None)
    assert [event["cmd"] for event in events] == ["/order"] * 3
    assert [event["user_id"] for event in events] == ["42"] * 3


def test_a_new_set_up_inside_a_trace_gets_what_was_recorded() -> None:
    """The lines go where the program writes by then."""
    later = io.BytesIO()
    with failing():
        log.debug("before")
        configured(output=later)
    lines = [json.loads(line) for line in later.getvalue().splitlines()]
    assert recorded(lines) == ["before"]
    assert lines[-1]["event"] == "command.end"


def test_a_trace_whose_recording_could_not_begin_has_nothing_to_write() -> None:
    """Whatever kept it from that, its end is as ever."""
    trace: Any = SimpleNamespace(block=obskit.bound_context(), status="error")
    with capture() as events:
        FlightRecorder(Gate(obskit.Redactor())).trace_ended(trace)
    assert events == []


@given(st.lists(st.tuples(any_text, st.dictionaries(any_text, any_value, max_size=3)), max_size=5))
def test_recorded_lines_are_what_would_have_been_written(calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever is logged, the recorded line differs from the written one by its mark only."""
    lines = {}
    for level in ("info", "debug"):
        with (
            configured(level=level),
            capture() as events,
            failing(trace_id="0af7651916cd43dd8448eb211c80319c"),
        ):
            for msg, fields in calls:
                log._log(DEBUG, msg, (), dict(fields))
        lines[level] = [event for event in events if event.get("event") != "obskit.recorded"]
    assert [{k: v for k, v in event.items() if k != "_recorded"} for event in lines["info"]] == lines["debug"]


def test_hostile_calls_are_kept_and_never_raise() -> None:
    """A value that fails, and a name that is no plain text."""

    class Name(StrEnum):
        BOT = "bot"

    with capture() as events, failing():
        log.debug("value", value=Hostile(ValueError("no")))
        obskit.get_logger(Name.BOT).debug("name")
    assert recorded(events) == ["value", "name"]


def test_what_cannot_be_kept_counts_as_evicted() -> None:
    """The line that tells of the recording admits it."""
    with capture() as events, failing():
        Logger(Hostile(RecursionError("no")), Bound({})).debug("lost")  # type: ignore[arg-type]
    assert (events[0]["kept"], events[0]["evicted"]) == (0, 1)


def event_of(msg: str) -> Event:
    """Make an event that is nothing but a message."""
    return Event(time_ns=1, level=DEBUG, msg=msg, fn="f", logger=None, bound=(), fields={})


def new_recording(lines: int) -> Recording:
    """Make a recording that belongs to no trace and looks for no secrets."""
    return Recording(obskit.bound_context(), Gate(obskit.Redactor(detectors=[])), lines)


@given(st.integers(1, 8), st.lists(st.integers(0, 700), max_size=12))
def test_a_recording_keeps_the_latest_within_its_bounds(lines: int, sizes: list[int]) -> None:
    """It behaves as a list that is cut at the front; a hundredth of the bytes will do for that."""
    recording = new_recording(lines)
    model: list[tuple[str, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flight, "_MAX_BYTES", 640)
        for number, size in enumerate(sizes):
            event = event_of(f"{number:03}" + "." * size)
            recording.keep(event)
            packed = len(_packed(secured(event, recording._gate)))
            if packed <= 640:
                model = [*model, (event.msg, packed)][-lines:]
            while sum(packed for _, packed in model) > 640:
                model.pop(0)
            assert [event.msg for event in recording.events()] == [msg for msg, _ in model]
            assert recording._bytes == sum(packed for _, packed in model)


def test_lines_that_another_thread_is_taking_off_are_not_waited_for() -> None:
    """It has not yet said so, and the bytes still seem to be there."""
    recording = new_recording(10)
    recording._bytes = 100_000
    recording.keep(event_of("early"))
    recording._bytes = 0
    recording.keep(event_of("next"))
    assert [event.msg for event in recording.events()] == ["next"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
def test_signals_that_log_while_lines_are_kept_do_not_hang() -> None:
    """A real signal handler logs into the same trace a thousand times a second."""

    def handler(number: int, frame: FrameType | None) -> None:
        log.debug("signal")
        if on:  # only now: on a slow machine handlers would nest without end
            signal.setitimer(signal.ITIMER_REAL, 0.001)

    on = True
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with failing():
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            for _ in range(2_000):
                log.debug("line")
            on = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            recording = current_recording()
            assert recording is not None
            assert len(recording.events()) == 200
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_calls(number: int) -> int:
    """Log below the level in one trace; return the bytes of memory that it held at most."""
    tracemalloc.start()
    try:
        with obskit.trace("/order"):
            for n in range(number):
                log.debug("line", number=n, text="x" * 100)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_stays_flat() -> None:
    """Ten times the calls take no more memory."""
    run_calls(300)
    assert run_calls(3_000) < run_calls(300) + 50_000


@pytest.mark.slow
def test_memory_stays_flat_over_many_calls() -> None:
    """A command that logs all day takes no more than one that logs for a second."""
    run_calls(1_000)
    with obskit.trace("/order"):
        for n in range(30_000):
            log.debug("line", number=n)
        recording = current_recording()
        assert recording is not None
        assert sys.getsizeof(recording._kept) < 10_000
        assert recording._bytes <= 64_000


def test_calls_below_the_level_are_looked_at_only_while_a_trace_is_open() -> None:
    """However traces end, and whatever is configured meanwhile, the cheap way out is there again."""
    code = """
import obskit
from obskit.runtime import CELL

def lowest():
    return CELL.lowest

def configured(**choices):
    return obskit.configure(capture_logging=False, hooks=False, **choices)

def left_open():
    with obskit.trace("/c"):
        yield

with configured():
    seen = [lowest()]
    with obskit.trace("/a"):
        seen.append(lowest())
        with obskit.trace("/b") as failing:
            failing.fail("broken")
        seen.append(lowest())
        with configured(flight_recorder=0):
            seen.append(lowest())
generator = left_open()
with configured():
    seen.append(lowest())
    next(generator)
    seen.append(lowest())
    obskit.clear_context()
    del generator
    seen.append(lowest())
print(seen)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[20, 0, 0, 0, 20, 0, 20]"
