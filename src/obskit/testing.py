"""What tests of programs that use obskit need: a clock that stands still, and the events of a block."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, cast
from weakref import WeakSet

from . import runtime
from .encoding import schemas
from .event import SafeEvent
from .logs import Pipeline

__all__ = ["FakeClock", "capture"]


class FakeClock:
    """
    A clock that moves only when it is told to.

    Args:
        start: Wall-clock time to begin with: seconds since 1970-01-01 UTC, or an
            aware `datetime`. Monotonic time begins at zero.

    >>> clock = FakeClock()
    >>> clock.advance(300)
    >>> clock.monotonic_ns()
    300000000000
    """

    def __init__(self, start: float | datetime = 1_700_000_000.0) -> None:
        seconds = start.timestamp() if isinstance(start, datetime) else start
        self._start_ns = round(seconds * 1e9)
        self._elapsed_ns = 0
        self._waiting: WeakSet[threading.Condition] = WeakSet()

    def time_ns(self) -> int:
        """Return wall-clock time in nanoseconds."""
        return self._start_ns + self._elapsed_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds since the clock was made."""
        return self._elapsed_ns

    def advance(self, seconds: float) -> None:
        """Make *seconds* pass and wake everything that waits on this clock."""
        self._elapsed_ns += round(seconds * 1e9)
        for condition in list(self._waiting):
            with condition:
                condition.notify_all()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until somebody notifies *condition* or the clock is advanced."""
        self._waiting.add(condition)
        # The clock may have been advanced just before this, unseen: look again now and then.
        condition.wait(None if seconds is None else 0.05)


@contextmanager
def capture() -> Iterator[list[dict[str, Any]]]:
    """
    Collect the events of a block instead of writing them.

    Yields:
        A list that grows by one dict for each event: the fields of its line in the
        ``default`` schema. Only the levels that would be written are there.

    Captures in several threads or tasks at once each get their own events. An
    event of a thread that belongs to none of them goes to all.

    >>> import obskit
    >>> with capture() as events:
    ...     obskit.get_logger("bot").info("ready", guilds=2)
    >>> events[0]["msg"], events[0]["guilds"]
    ('ready', 2)
    """
    mine: list[dict[str, Any]] = []
    pipeline = cast("Pipeline", runtime.current().logs)
    outer = _capturing.get()
    _capturing.set((*outer, mine))
    _CAPTURES.add(pipeline, mine)
    try:
        yield mine
    finally:
        _CAPTURES.remove(pipeline, mine)
        _capturing.set(outer)


class _Captures:
    """Takes the place of the line sink while at least one capture is open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[tuple[Pipeline, list[dict[str, Any]]], ...] = ()

    def add(self, pipeline: Pipeline, events: list[dict[str, Any]]) -> None:
        with self._lock:
            self._open = (*self._open, (pipeline, events))
            pipeline.divert(self)

    def remove(self, pipeline: Pipeline, events: list[dict[str, Any]]) -> None:
        with self._lock:
            self._open = tuple(entry for entry in self._open if entry[1] is not events)
            if not any(entry[0] is pipeline for entry in self._open):
                pipeline.divert(None)

    def emit(self, event: SafeEvent, /) -> None:
        line = schemas.default(event, runtime.current().service)
        wanted = _capturing.get()
        for _, events in self._open:
            if not wanted or any(events is mine for mine in wanted[-1:]):
                events.append(dict(line))

    def close(self) -> None:
        """Nothing is held back."""


_CAPTURES: Final = _Captures()
_capturing: ContextVar[tuple[list[dict[str, Any]], ...]] = ContextVar("obskit_capturing", default=())
