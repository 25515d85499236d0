"""
Change marks in a place that machines share, where nobody can be kept waiting by a lock.

A mark is read, the next one is worked out here, and it takes the place of the one
that was read only if that is still there; else it begins again. So the life of a
mark is told once, in `window`, and a place only needs to keep text by key.
"""

from __future__ import annotations

import json
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock
from ...errors import StoreError
from ...ids import jitter
from ..window import ABSENT, Mark, Repeats, released
from ._changing import ChangingDedupe

R = TypeVar("R")

#: Seconds after which a place may forget a mark that nothing has changed.
KEPT: Final = 7 * 24 * 3600
#: How far ahead another clock may be; beyond, it was our clock that was set back.
_SKEW_NS: Final = 60 * 10**9
#: Seconds until a change is given up that others are always faster than.
_PATIENCE: Final = 2.0


class SharedDedupe(ChangingDedupe):
    """
    Keeps each mark as a text; see `Dedupe` for what the methods do.

    Args:
        clock: Its wall clock counts; those of all machines should agree to some seconds.
    """

    def __init__(self, clock: Clock | None) -> None:
        self._clock: Final = clock or SYSTEM_CLOCK

    @abstractmethod
    def _read(self, key: str) -> str | None:
        """Return what is kept under *key*."""

    @abstractmethod
    def _exchange(self, key: str, before: str | None, after: str | None) -> bool:
        """Keep *after* in place of *before*; False if *before* is not there any more. None is nothing."""

    def _change(self, key: str, step: Callable[[Mark, int], tuple[Mark, R]]) -> R:
        """See `ChangingDedupe`."""
        key = key.encode("utf-8", "backslashreplace").decode()  # no place has lone surrogates
        deadline = SYSTEM_CLOCK.monotonic_ns() + int(_PATIENCE * 1e9)
        longest = 0.01
        while True:
            text, now = self._read(key), self._clock.time_ns()
            before = read(text, now)
            after, answer = step(before, now)
            if after == before or self._exchange(key, text, written(after, now)):
                return answer
            if SYSTEM_CLOCK.monotonic_ns() > deadline:
                raise StoreError("others have changed the same mark all the time")
            threading.Event().wait(jitter(longest))
            longest *= 2


def written(mark: Mark, now: int) -> str | None:
    """Write *mark*; None for one that says nothing."""
    if mark == ABSENT:
        return None
    times = [[side.count, side.first_ns, side.last_ns] for side in (mark.carried, mark.repeats)]
    return json.dumps([now, mark.until_ns, mark.token, *times], separators=(",", ":"))


def read(text: str | None, now: int, *, skew_ns: int = _SKEW_NS) -> Mark:
    """Read what `written` wrote; what seems to come from more than *skew_ns* ahead holds nobody off."""
    if text is None:
        return ABSENT
    try:
        changed, until, token, carried, repeats = json.loads(text)
        mark = Mark(int(until), token, _repeats(*carried), _repeats(*repeats))
        is_ahead = int(changed) > now + skew_ns
    except (TypeError, ValueError, RecursionError):
        raise StoreError("what is kept there is no mark") from None
    return released(mark, token or "")._replace(until_ns=0) if is_ahead else mark


def _repeats(count: float, first_ns: float, last_ns: float) -> Repeats:
    return Repeats(int(count), int(first_ns), int(last_ns))
