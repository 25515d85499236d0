"""Remember which failures people know about, in this process."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock
from ...settings import whole_number
from ...worker import restart_after_fork
from ..window import ABSENT, NO_REPEATS, Mark, Repeats
from ._marks import MarkDedupe
from ._protocol import Granted, Held

R = TypeVar("R")

#: What the wall clock must gain on the monotonic one at once to mean that the machine slept.
_ASLEEP_NS: Final = 1_000_000_000


class MemoryDedupe(MarkDedupe):
    """
    Keeps the marks in memory; they are gone with the process.

    Args:
        capacity: Keys remembered; beyond it the ones used least recently go.
        clock: Where the time comes from.
    """

    def __init__(self, *, capacity: int = 10_000, clock: Clock | None = None) -> None:
        self._capacity = whole_number("capacity", capacity)
        self._clock = clock or SYSTEM_CLOCK
        self._marks: OrderedDict[str, Mark] = OrderedDict()
        self._lock = threading.RLock()
        self._lead_ns = self._clock.time_ns() - self._clock.monotonic_ns()
        self._asleep_ns = 0
        self.forgotten = 0  #: repeats that were never reported because their key had to go
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Keep, in a forked child, the windows; what is being sent or reported is the parent's."""
        self._lock = threading.RLock()
        windows = ((key, Mark(mark.until_ns)) for key, mark in self._marks.items() if mark.token is None)
        self._marks = OrderedDict(windows)

    # As it would be done anyway, without a function for each call: every alert comes by here.
    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """See `Dedupe.lease`."""
        with self._lock:
            now = self._now_ns()
            mark = self._marks.get(key, ABSENT)
            if not mark.may_send(token, now):
                self._set(key, mark.counted(occurred))
                return Held((mark.until_ns - now) / 1e9)
            mark = mark.leased(token, now + int(seconds * 1e9))
            self._set(key, mark)
            return Granted(mark.carried)

    def _change(self, key: str, step: Callable[[Mark, int], tuple[Mark, R]]) -> R:
        """See `MarkDedupe`."""
        with self._lock:
            mark, answer = step(self._marks.get(key, ABSENT), self._now_ns())
            self._set(key, mark)
            return answer

    def next_end(self) -> float:
        """Return the seconds until a window is over, or was over with repeats that nobody has reported."""
        with self._lock:
            now = self._now_ns()
            ends = [
                mark.until_ns
                for mark in self._marks.values()
                if not mark.token and (mark.repeats.count or mark.is_held(now))
            ]
            return max(0.0, (min(ends) - now) / 1e9) if ends else math.inf

    def over(self) -> list[str]:
        """Return the keys whose window is over and whose repeats nobody has reported."""
        with self._lock:
            now = self._now_ns()
            return [key for key, mark in self._marks.items() if mark.repeats.count and not mark.is_held(now)]

    def take(self, key: str, /) -> Repeats:
        """Return the repeats for the next message, and leave the window as it is."""
        with self._lock:
            mark = self._marks.get(key, ABSENT)
            self._set(key, mark._replace(repeats=NO_REPEATS))
            return mark.repeats

    def unreported(self) -> dict[str, Repeats]:
        """Return, by key, the repeats that no message has reported."""
        with self._lock:
            return {key: mark.unreported for key, mark in self._marks.items() if mark.unreported.count}

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _now_ns(self) -> int:
        """
        Return monotonic time that goes on while the machine sleeps.

        The monotonic clock may stand still in a frozen Lambda environment. The wall
        clock tells when that was so; set back, it makes no window longer.
        """
        now = self._clock.monotonic_ns()
        lead = self._clock.time_ns() - now
        if lead - self._lead_ns > _ASLEEP_NS:
            self._asleep_ns += lead - self._lead_ns
        self._lead_ns = lead
        return now + self._asleep_ns

    def _set(self, key: str, mark: Mark) -> None:
        if mark == ABSENT:
            self._marks.pop(key, None)
            return
        self._marks[key] = mark
        self._marks.move_to_end(key)
        if len(self._marks) > self._capacity:
            self.forgotten += self._marks.popitem(last=False)[1].unreported.count
