"""Remember which failures people know about, in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ...clock import SYSTEM_CLOCK, Clock
from ...errors import ConfigError
from ...worker import restart_after_fork
from ..window import ABSENT, Mark, Repeats, counted, delivered, ended, is_held, leased, released, renewed
from ._protocol import Granted, Held


class MemoryDedupe:
    """
    Keeps the marks in memory; they are gone with the process.

    Args:
        capacity: Keys remembered; beyond it the ones used least recently go.
        clock: Where the time comes from.
    """

    def __init__(self, *, capacity: int = 10_000, clock: Clock | None = None) -> None:
        if capacity < 1:
            raise ConfigError(f"capacity must be 1 or more, got {capacity}")
        self._capacity = capacity
        self._clock = clock or SYSTEM_CLOCK
        self._marks: OrderedDict[str, Mark] = OrderedDict()
        self._lock = threading.RLock()
        self.forgotten = 0  #: repeats that were never reported because their key had to go
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Keep, in a forked child, the windows; what is being sent or reported is the parent's."""
        self._lock = threading.RLock()
        windows = ((key, Mark(mark.until_ns)) for key, mark in self._marks.items() if mark.token is None)
        self._marks = OrderedDict(windows)

    def lease(self, key: str, token: str, seconds: float, /) -> Granted | Held:
        """See `Dedupe.lease`."""
        now = self._clock.monotonic_ns()
        with self._lock:
            mark = self._marks.get(key, ABSENT)
            if is_held(mark, now):
                return Held((mark.until_ns - now) / 1e9)
            mark = self._set(key, leased(mark, token, now + int(seconds * 1e9)))
            return Granted(mark.carried)

    def renew(self, key: str, token: str, seconds: float, /) -> None:
        """See `Dedupe.renew`."""
        until = self._clock.monotonic_ns() + int(seconds * 1e9)
        with self._lock:
            self._set(key, renewed(self._marks.get(key, ABSENT), token, until))

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """See `Dedupe.delivered`."""
        until = self._clock.monotonic_ns() + int(window * 1e9)
        with self._lock:
            self._set(key, delivered(self._marks.get(key, ABSENT), token, until))

    def release(self, key: str, token: str, /) -> None:
        """See `Dedupe.release`."""
        with self._lock:
            self._set(key, released(self._marks.get(key, ABSENT), token))

    def count(self, key: str, repeats: Repeats, /) -> None:
        """See `Dedupe.count`."""
        with self._lock:
            self._set(key, counted(self._marks.get(key, ABSENT), repeats))

    def end(self, key: str, /) -> Repeats:
        """See `Dedupe.end`."""
        with self._lock:
            return ended(self._marks.pop(key, ABSENT))

    def unreported(self) -> dict[str, Repeats]:
        """Return, by key, the repeats that no message has reported."""
        with self._lock:
            return {key: mark.unreported for key, mark in self._marks.items() if mark.unreported.count}

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _set(self, key: str, mark: Mark) -> Mark:
        if mark == ABSENT:
            self._marks.pop(key, None)
            return mark
        self._marks[key] = mark
        self._marks.move_to_end(key)
        if len(self._marks) > self._capacity:
            self.forgotten += self._marks.popitem(last=False)[1].unreported.count
        return mark
