"""What tests of programs that use obskit need: a clock that stands still, and the events of a block."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, Generic, TypeAlias, TypeVar
from weakref import WeakSet

from .conformance import check_alert_sink, check_dedupe, check_sink, check_trace_store
from .encoding import schemas
from .event import SafeEvent
from .redaction import Literals, Redactor
from .runtime import CELL
from .settings import wrong

__all__ = [
    "FakeClock",
    "RecordingSink",
    "assert_no_secret",
    "capture",
    "check_alert_sink",
    "check_dedupe",
    "check_sink",
    "check_trace_store",
]

T = TypeVar("T")
_Events: TypeAlias = list[dict[str, Any]]

#: The captures that are open, which take the place of the lines, and the innermost one of the running task.
_OPEN: Final[list[_Events]] = []
_LOCK: Final = threading.Lock()
_MINE: Final[ContextVar[_Events | None]] = ContextVar("obskit_capture", default=None)


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
        if type(seconds) not in (int, float) or not math.isfinite(seconds):
            raise wrong("start", "seconds since 1970-01-01 or a datetime", start)
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


@contextmanager
def capture() -> Iterator[_Events]:
    """
    Collect the events of a block instead of writing them.

    Yields:
        A list that grows by one dict for each event: the fields of its line in the
        ``default`` schema. Only the levels that would be written are there.

    Loggers need not be made in any order, and `obskit.configure` may be called inside
    the block. Captures in several threads or tasks at once each get their own
    events. An event of a thread that belongs to none of them goes to all.

    >>> import obskit
    >>> with capture() as events:
    ...     obskit.get_logger("bot").info("ready", guilds=2)
    >>> events[0]["msg"], events[0]["guilds"]
    ('ready', 2)
    """
    mine: _Events = []
    outer = _MINE.get()
    _MINE.set(mine)
    with _LOCK:
        _OPEN.append(mine)
        CELL.diverted = _take
    try:
        yield mine
    finally:
        with _LOCK:
            _OPEN[:] = [events for events in _OPEN if events is not mine]
            if not _OPEN:
                CELL.diverted = None
        _MINE.set(outer)


def _take(event: SafeEvent) -> None:
    line = schemas.default(event, CELL.current().service)
    mine = _MINE.get()
    for events in tuple(_OPEN):
        if mine is None or events is mine:
            events.append(dict(line))


def assert_no_secret(output: object, *secrets: str | bytes, redactor: Redactor | None = None) -> None:
    """
    Fail where *output* shows a secret: one of *secrets* in any spelling, or what a redactor would hide.

    Args:
        output: What a program gave out: text, bytes, decoded lines, any value.
        secrets: Values that must not be there, of at least 4 characters.
        redactor: The rules to look with, `Redactor()` by default.

    Raises:
        AssertionError: Tells where and by which rule, and never quotes the secret.

    >>> assert_no_secret({"msg": "logged in", "api_key": "***"}, "correct-horse")
    """
    literals = Literals()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about short ones: here they hide nothing
        for secret in secrets:
            literals.register(secret)
    found = Redactor(literals=literals).explain(output)
    if redactor is not None:
        found = redactor.explain(output) + [one for one in found if one.rule == "literal"]
    if found:
        told = (f"  {one.path or '(no name)'}: {one.rule} ({one.kind}), {one.count}" for one in found)
        raise AssertionError("\n".join(("secrets are shown, by place, rule and number:", *told)))
