"""What a signal handler raises is told from what a value raises."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

import obskit
from obskit.errors import SinkError
from obskit.interrupts import is_interruption, let_pass
from obskit.sinks import FilteredSink, MemorySink, Sink, TeeSink, flush_sink, sink_stats
from obskit.testing import capture


class Handlers:
    """Handlers as programs write them."""

    def exit(self, number: int, frame: FrameType | None) -> None:
        """Leave the program, as a method."""
        sys.exit(3)


def time_out(number: int, frame: FrameType | None) -> None:
    """Give up."""
    raise TimeoutError


class Interrupted:
    """A value during whose repr() a signal arrives."""

    def __repr__(self) -> str:
        signal.raise_signal(signal.SIGTERM)
        return "fine"


class Exiting:
    """A value whose own code wants to leave the program."""

    def __repr__(self) -> str:
        raise SystemExit(4)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [(time_out, TimeoutError), (Handlers().exit, SystemExit), (lambda *_: sys.exit(5), SystemExit)],
)
def test_what_a_signal_handler_raises_reaches_the_program(
    handler: signal.Handlers, expected: type[BaseException]
) -> None:
    """A timeout or an exit that comes while a line is made is not swallowed."""
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(expected):
            obskit.get_logger().info("%s", Interrupted(), value=Interrupted())
        with pytest.raises(expected):
            obskit.redact([Interrupted()])
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_a_value_raises_does_not() -> None:
    """Not even when it is SystemExit."""
    obskit.get_logger().info("fine", value=Exiting())


@pytest.mark.parametrize(
    ("error", "passes"), [(KeyboardInterrupt(), True), (GeneratorExit(), True), (ValueError(), False)]
)
def test_ctrl_c_passes_in_any_case(error: BaseException, passes: bool) -> None:
    """Some exceptions are never a value's."""
    assert is_interruption(error) is passes


class Late(Exception):
    """What the handlers below raise."""


def give_up(number: int, frame: FrameType | None) -> None:
    """Be a timeout of the program's own."""
    raise Late


@pytest.fixture
def handler() -> Iterator[None]:
    """Handle SIGALRM by `give_up`."""
    before = signal.signal(signal.SIGALRM, give_up)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def strike(*_: object) -> bool:
    """Have the signal arrive now, in the middle of somebody's code."""
    signal.raise_signal(signal.SIGALRM)
    return True


class Struck(Sink[bytes]):
    """A sink in which the signal arrives."""

    def emit(self, line: bytes, /) -> None:
        """Be struck."""
        strike()

    def close(self) -> None:
        """Keep nothing."""


class Answering:
    """A sink that is struck when it is asked something."""

    flush = stats = strike


class Translating(Sink[bytes]):
    """A sink that makes its own error of whatever it meets, as sinks do."""

    def emit(self, line: bytes, /) -> None:
        """Fail."""
        try:
            strike()
        except Exception as error:
            raise SinkError("no") from error

    def close(self) -> None:
        """Keep nothing."""


class StruckStream(io.StringIO):
    """A stream without a descriptor in whose write the signal arrives."""

    write = strike


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(
    "output",
    [
        Struck(),
        Translating(),
        StruckStream(),
        TeeSink(Struck(), MemorySink()),
        FilteredSink(MemorySink[bytes](), strike),
    ],
    ids=lambda output: type(output).__name__,
)
def test_a_timeout_that_strikes_in_a_sink_reaches_the_program(output: Sink[bytes]) -> None:
    """Also where the sink makes an error of its own of it; nothing counts as lost that did not fail."""
    with obskit.configure(output=output, hooks=False) as runtime:
        with pytest.raises(Late):
            obskit.get_logger().info("x")
        assert runtime.stats()["logs_dropped"] == 0


@pytest.mark.usefixtures("handler")
def test_a_timeout_that_strikes_in_a_flush_or_a_count_reaches_the_program() -> None:
    """What a sink cannot answer is not asked about instead."""
    with pytest.raises(Late):
        flush_sink(Answering(), 1.0)
    with pytest.raises(Late):
        sink_stats(Answering())


_STRIKING = """
import contextvars, gc, io, signal, sys, time
import obskit

class Late(TimeoutError):
    pass

def late(number, frame):
    raise Late

def write():
    obskit.get_logger().info("x", d={"a": [1, 2]})

def keep():
    obskit.get_logger().debug("x", d={"a": [1, 2]})

def record():
    with obskit.trace("/t") as trace, trace.step("s", a=1) as step:
        step.add(b=2)

def times_reached(work, strikes):
    with obskit.trace("/around"):
        for number in range(strikes):
            end = time.monotonic() + 5
            try:
                signal.setitimer(signal.ITIMER_REAL, 2e-4 + number * 7e-6)
                while time.monotonic() < end:
                    work()
            except Late:
                continue
            return number
    return strikes

output, name = sys.argv[1:]
work = globals()[name]
signal.signal(signal.SIGALRM, late)
with obskit.configure(output=output or io.StringIO(), hooks=False):
    for _ in range(150):
        work()  # all that is loaded at first need is there
    gc.collect()
    gc.disable()  # what a finaliser raises, nobody gets
    # In a context of its own: a trace whose end was struck before it began stays in it.
    print(contextvars.copy_context().run(times_reached, work, 100), file=sys.stderr)
"""


@pytest.mark.parametrize("work", ["write", "keep", "record"])
@pytest.mark.parametrize("output", ["file", ""])
def test_timeouts_at_any_moment_reach_the_program(output: str, work: str, tmp_path: Path) -> None:
    """
    A hundred timers run out while lines are written and traces recorded: none is swallowed.

    In a process that nobody measures: what a handler raises in the middle of that would leave it locked.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", _STRIKING, str(tmp_path / output) if output else "", work]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.split() == ["100"]


@pytest.mark.usefixtures("handler")
def test_a_trace_that_is_struck_at_its_end_is_over() -> None:
    """A timeout in the store keeps no observer from being told, and nothing stays current."""
    told = []

    class Observer:
        def trace_started(self, trace: object, /) -> None:
            told.append("start")
            strike()

        def trace_ended(self, trace: object, /) -> None:
            told.append("end")
            strike()

    with capture(), obskit.trace("/around") as around:
        trace = obskit.trace("/t")
        trace._observers = (Observer(), Observer())  # type: ignore[misc]
        with pytest.raises(Late), trace:
            pytest.fail("the block must not run")
        assert told == ["start", "start", "end", "end"]
        assert obskit.current_trace() is around
    assert (trace.status, trace.is_running) == ("error", False)


def rebound(*args: object) -> None:
    """Put something else in the place of the arguments, as database drivers do."""
    args = args[1]  # type: ignore[assignment]
    raise ValueError("rebound")


@pytest.mark.parametrize("other", [None, 7, itertools.count(), [signal.SIGALRM]])
def test_a_function_that_rebinds_its_arguments_is_no_handler(other: object) -> None:
    """What came into their place is not asked, and not read to its end."""
    with pytest.raises(ValueError, match="rebound") as raised:
        rebound("", other)
    assert not is_interruption(raised.value)


def test_a_timeout_that_the_program_handles_already_is_not_raised_again() -> None:
    """A value that fails while the program tells of its timeout is only a value that fails."""
    with capture() as events:
        try:
            give_up(14, sys._getframe())
        except Late:
            obskit.get_logger().exception("late", value=Failing())
    assert events[0]["value"] == "[unreadable Failing: OSError]"


class Failing:
    """A value that cannot be read."""

    def __repr__(self) -> str:
        raise OSError


def test_only_the_end_of_a_generator_that_obskit_runs_in_passes() -> None:
    """One that ended inside of somebody's code is no business of the program's."""
    error = ValueError()
    try:
        raise GeneratorExit
    except GeneratorExit as inner:
        error.__context__ = inner
    let_pass(error)


def test_a_long_chain_of_errors_is_looked_at_only_in_part() -> None:
    """Code that fails in handling a failure, again and again, takes no time for that."""

    def fail(times: int) -> None:
        try:
            if times:
                fail(times - 1)
        finally:
            raise ValueError(times)

    try:
        fail(20)
    except ValueError as error:
        let_pass(error)
