"""The rules of line sinks, and one to look at what they are given."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeAlias, TypeVar

from ..clock import SYSTEM_CLOCK
from ..errors import SinkError
from ..sinks import Sink
from . import rules
from .rules import closes_twice, complain, complaint, complaints, in_threads, starts_nothing

T = TypeVar("T")
MakeSink: TypeAlias = Callable[[], Sink[bytes]]
Check: TypeAlias = Callable[[MakeSink], str | None]

_LINE: Final = b'{"level":"info","msg":"obskit checks this sink"}\n'
_THREADS: Final = 8
_LINES: Final = 50


class RecordingSink(Generic[T]):
    """
    Keeps every item it gets, for a test to look at.

    Args:
        error: Raised by each `emit` instead, while it is set.
    """

    def __init__(self, *, error: Exception | None = None) -> None:
        self.items: list[T] = []
        self.error = error
        self.closed = 0  #: how often `close` was called

    def emit(self, item: T, /) -> None:
        """Keep *item*, or raise `error`."""
        if self.error is not None:
            raise self.error
        self.items.append(item)

    def close(self) -> None:
        """Count the call."""
        self.closed += 1


def check_sink(make_sink: MakeSink, *, received: Callable[[], bytes] | None = None) -> None:
    """
    Check that the sinks which *make_sink* builds keep the rules of `obskit.sinks.Sink`.

    Args:
        make_sink: Builds a working sink; called once for each rule.
        received: Returns all that has arrived where the sinks deliver to. Without it
            nobody can tell whether lines arrive whole.

    Raises:
        AssertionError: If a rule is broken; names each, what it is for, and what happened.
    """
    broken = complaints(RULES, make_sink)
    if received is not None and (fault := _lines_lost(make_sink, received)):
        broken.append(complaint("Each line arrives once and in one piece.", fault))
    complain("sink", "obskit.sinks.Sink", broken)


# --- the rules ---


def _takes_a_line(make_sink: MakeSink) -> str | None:
    sink = make_sink()
    sink.emit(_LINE)
    sink.close()
    return None


def _raises_sink_error_only(make_sink: MakeSink) -> str | None:
    sink = make_sink()
    for line in (b"\n", '{"msg":"\u00fc\u20ac"}\n'.encode(), b'"' + b"x" * 256_000 + b'"\n'):
        with suppress(SinkError):
            sink.emit(line)
    sink.close()
    return None


def _takes_late_lines(make_sink: MakeSink) -> str | None:
    sink = make_sink()
    sink.close()
    with suppress(SinkError):
        sink.emit(_LINE)
    return None


def _serves_threads(make_sink: MakeSink) -> str | None:
    return _emit_from_threads(make_sink, lambda thread, number: _LINE)


def _flushes(make_sink: MakeSink) -> str | None:
    sink = make_sink()
    sink.emit(_LINE)
    flush = getattr(sink, "flush", None)
    answer = flush(rules.PATIENCE / 2) if flush is not None else True
    sink.close()
    return None if answer is True else f"flush({rules.PATIENCE / 2:g}) returned {answer!r}"


def _survives_signals(make_sink: MakeSink) -> str | None:
    sink = make_sink()

    def check() -> None:  # pragma: no cover - runs in the child
        """Log while a signal handler does the same."""
        signal.signal(signal.SIGALRM, lambda *_: _emit(sink))
        signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
        end = SYSTEM_CLOCK.monotonic_ns() + 300_000_000
        while SYSTEM_CLOCK.monotonic_ns() < end:
            _emit(sink)
        signal.setitimer(signal.ITIMER_REAL, 0)

    fault = _in_child(check)
    sink.close()
    return fault


def _survives_fork(make_sink: MakeSink) -> str | None:
    sink = make_sink()
    ended = threading.Event()

    def log() -> None:
        """Log until the end."""
        while not ended.is_set():
            with suppress(Exception):  # other rules look at what this thread gets
                sink.emit(_LINE)

    threads = [threading.Thread(target=log, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        children = (_in_child(lambda: _emit(sink)) for _ in range(10))
        fault = next(filter(None, children), None)
    finally:
        ended.set()
    for thread in threads:
        thread.join()
    sink.close()
    return fault


#: What obskit relies on, and why: each function says what is wrong, or raises it.
RULES: Final[dict[Check, str]] = {
    starts_nothing: "Building a sink starts no thread: imports and forks stay harmless.",
    _takes_a_line: "emit delivers a line without an error: the sink is set up and working.",
    _raises_sink_error_only: "emit raises SinkError only, whatever the line: its text is the reason counted.",
    closes_twice: "close is idempotent: a program may close twice, for instance at exit.",
    _takes_late_lines: "After close a line is a SinkError or goes nowhere: some code logs until the end.",
    _serves_threads: "emit may be called from several threads at once: obskit holds no lock around it.",
    _flushes: "flush(timeout), where there is one, is True once nothing is held back, else False.",
    _survives_signals: "emit may interrupt itself, as a signal handler does: use a re-entrant lock.",
    _survives_fork: "A forked child can log, whatever lock a thread of the parent held: renew locks at fork.",
}


def _lines_lost(make_sink: MakeSink, received: Callable[[], bytes]) -> str | None:
    fault = _emit_from_threads(make_sink, _long_line)
    arrived = received().splitlines(keepends=True)
    sent = [_long_line(thread, number) for thread in range(_THREADS) for number in range(_LINES)]
    missing = [line for line in sent if arrived.count(line) != 1]
    return fault or (
        f"{len(missing)} of {len(sent)} lines did not arrive once and whole" if missing else None
    )


def _long_line(thread: int, number: int) -> bytes:
    return b'{"thread":%d,"number":%d,"text":"%s"}\n' % (thread, number, b"x" * 10_000)


def _emit_from_threads(make_sink: MakeSink, line: Callable[[int, int], bytes]) -> str | None:
    sink = make_sink()

    def log(thread: int) -> None:
        """Log until the end."""
        for number in range(_LINES):
            sink.emit(line(thread, number))

    fault = in_threads(_THREADS, log)
    sink.close()
    return fault


def _emit(sink: Sink[bytes]) -> None:  # pragma: no cover - runs in the child
    with suppress(SinkError):
        sink.emit(_LINE)


def _in_child(check: Callable[[], None]) -> str | None:
    """Run *check* in a forked child, which is killed if it hangs; not on Windows."""
    if not hasattr(os, "fork"):  # pragma: no cover
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is the point
        child = os.fork()
    if child == 0:  # pragma: no cover - measured only where the child lives long enough to write it down
        with suppress(BaseException):
            check()
            os._exit(0)
        os._exit(1)
    deadline = SYSTEM_CLOCK.monotonic_ns() + int(rules.PATIENCE / 4 * 1e9)
    while SYSTEM_CLOCK.monotonic_ns() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return None if status == 0 else "an error other than SinkError was raised"
        threading.Event().wait(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "emit did not come back"
