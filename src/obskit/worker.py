"""
The one kind of background thread: it processes items that a caller does not wait for.

Alert delivery, trace writers and queued line sinks are built on it. It knows
nothing of what an item is. The thread starts with the first item, never at
import; a forked child begins without it and without the parent's items; where
the interpreter starts no more threads, `flush` and `close` work in the caller.
"""

from __future__ import annotations

import atexit
import heapq
import itertools
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, NamedTuple, Protocol, TypeVar
from weakref import WeakSet

from .clock import Clock, Deadline

T = TypeVar("T")

#: Seconds that an exiting process spends on what is still pending, all owners together.
EXIT_TIMEOUT: Final = 5.0


class Worker(Generic[T]):
    """
    Hands items to *process*, one at a time and in order, in a thread of its own.

    Args:
        process: Called with each item and without any lock held. It returns the
            seconds after which it wants to see the item again, or None when the
            item is done. An exception, of whatever kind, ends the item.
        capacity: Items that may wait; what would exceed it is refused.
        clock: Drives the delays. How long `flush` and `close` block is real time,
            because they keep a caller waiting.
        name: Of the thread.
    """

    def __init__(
        self, process: Callable[[T], float | None], *, capacity: int, clock: Clock, name: str
    ) -> None:
        self._process = process
        self._capacity = capacity
        self._clock = clock
        self._name = name
        self.start_anew()
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Forget items and thread, as a forked child must: they belong to the parent."""
        # Re-entrant, because a signal handler or a finaliser may submit while its thread holds it.
        self._changed = threading.Condition(threading.RLock())
        self._queue: list[_Entry[T]] = []
        self._numbers = itertools.count()
        self._busy: set[int] = set()  # threads inside *process*; at most one but for shutdown
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def pending(self) -> int:
        """Items waiting or being processed."""
        with self._changed:
            return len(self._queue) + len(self._busy)

    def is_running(self) -> bool:
        """Tell whether there is a thread; where none can be started, items wait for `flush` and `close`."""
        thread = self._thread  # another caller may have failed to start one just now
        return thread is not None and thread.is_alive()

    def submit(self, item: T, delay: float = 0.0) -> bool:
        """Take *item* and return at once, to process it after *delay* seconds; False if full or closed."""
        with self._changed:
            if self._closed:
                return False
            has_room = len(self._queue) < self._capacity
            if has_room:
                self._put(item, delay)
            self._ensure_thread()  # also where it is full: perhaps since none could be started
        return has_room

    def flush(self, timeout: float) -> bool:
        """
        Wait until nothing is pending, for at most *timeout* seconds.

        Returns:
            False if something is left. Called from inside *process* it does not wait.
        """
        deadline = Deadline(timeout)
        with self._changed:
            while self._queue or self._busy:
                left = deadline.left()
                if not left or threading.get_ident() in self._busy:
                    return False
                if self._queue and not self._ensure_thread():
                    self._help(left)
                else:
                    self._changed.wait(left)
        return True

    def close(self, timeout: float) -> list[T]:
        """
        Refuse new items, wait as `flush` does, then stop the thread; idempotent.

        Returns:
            The items that nobody will process any more, oldest first. One that is
            being processed right now is not among them.
        """
        with self._changed:
            self._closed = True
        self.flush(timeout)
        with self._changed:
            left = [entry.item for entry in sorted(self._queue)]
            self._queue.clear()
            self._changed.notify_all()
        return left

    def _put(self, item: T, delay: float) -> None:
        due = self._clock.monotonic_ns() + int(delay * 1e9)
        heapq.heappush(self._queue, _Entry(due, next(self._numbers), item))
        self._changed.notify_all()

    def _ensure_thread(self) -> bool:
        """Have a live thread; False where it cannot be started: the next `submit` tries again."""
        if self.is_running():
            return True
        try:  # a subinterpreter may refuse the very constructor of a daemon
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        except RuntimeError:
            self._thread = None
            return False
        return True

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            self._handle(entry)

    def _next(self) -> _Entry[T] | None:
        """Wait for an item that is due; None when this thread is to end."""
        with self._changed:
            # A child forked inside *process* comes back here without being the worker's thread.
            while self._thread is threading.current_thread():
                if (entry := self._take()) is not None:
                    return entry
                if self._closed and not self._queue:
                    return None
                self._clock.wait(self._changed, self._seconds_to_next())
        return None

    def _take(self) -> _Entry[T] | None:
        if not self._queue or self._queue[0].due_ns > self._clock.monotonic_ns():
            return None
        self._busy.add(threading.get_ident())
        return heapq.heappop(self._queue)

    def _seconds_to_next(self) -> float | None:
        return (self._queue[0].due_ns - self._clock.monotonic_ns()) / 1e9 if self._queue else None

    def _handle(self, entry: _Entry[T]) -> None:
        again: float | None = None
        with suppress(BaseException):  # also SystemExit from somebody's sink: the thread goes on
            again = self._process(entry.item)
        with self._changed:
            self._busy.discard(threading.get_ident())
            if again is not None:
                self._put(entry.item, again)
            self._changed.notify_all()

    def _help(self, seconds: float) -> None:
        """Process one item in the calling thread, which holds the lock once, or wait for it."""
        entry = self._take()
        if entry is None:
            self._changed.wait(min(seconds, self._seconds_to_next() or 0.0))
            return
        self._changed.release()
        try:
            self._handle(entry)
        finally:
            self._changed.acquire()


class _Entry(NamedTuple, Generic[T]):
    """An item in the queue; entries of equal time keep their order."""

    due_ns: int
    number: int
    item: T


# --- fork and exit ---


class Restartable(Protocol):
    """Something whose locks and pending work must not be taken over by a forked child."""

    def start_anew(self) -> None:
        """Forget what the parent's threads were doing."""


class Closable(Protocol):
    """Something that has work to finish before the process exits."""

    def close(self, timeout: float) -> object:
        """Finish within *timeout* seconds; idempotent."""


_restarted: WeakSet[Restartable] = WeakSet()
_closed_at_exit: WeakSet[Closable] = WeakSet()


def restart_after_fork(part: Restartable) -> None:
    """Let *part* start anew in every forked child, for as long as it lives."""
    _restarted.add(part)


def close_at_exit(part: Closable) -> None:
    """Close *part* when the process exits, unless it is gone by then."""
    _closed_at_exit.add(part)


def _restart_all() -> None:
    for part in list(_restarted):
        part.start_anew()


def _close_all() -> None:
    deadline = Deadline(EXIT_TIMEOUT)
    for part in list(_closed_at_exit):
        part.close(deadline.left())


# With the import, since the last to be registered is the first to be called: what the program itself does at
# its exit comes before, and an alert or a trace from there has somebody who waits for it.
atexit.register(_close_all)
if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=_restart_all)
