"""
Keep marks: what each question makes of a mark, and how a mark is kept as text.

The life of a mark is told once, in `window`. A place only says how the mark of a key
is changed, as if nobody else did the same.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock, Deadline
from ...errors import StoreError
from ...ids import jitter
from ..window import ABSENT, Mark, Repeats
from ._protocol import Granted, Held

R = TypeVar("R")

#: Seconds after which a place may forget a mark that nothing has changed.
KEPT: Final = 7 * 24 * 3600
#: How far ahead the clock that wrote a mark may be; beyond, it was our clock that was set back.
_SKEW_NS: Final = 60 * 10**9
#: Seconds until a change is given up that others are always faster than.
_PATIENCE: Final = 2.0


class MarkDedupe(ABC):
    """Changes marks, one step at a time."""

    @abstractmethod
    def _change(self, key: str, step: Callable[[Mark, int], tuple[Mark, R]]) -> R:
        """
        Let *step* turn the mark of *key* into the next one.

        It takes the mark and the time, and returns the next mark and the answer.
        """

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """See `Dedupe.lease`."""

        def change(mark: Mark, now: int) -> tuple[Mark, Granted | Held]:
            """Lease the mark, or count what is held."""
            if not mark.may_send(token, now):
                return mark.counted(occurred), Held((mark.until_ns - now) / 1e9)
            mark = mark.leased(token, now + int(seconds * 1e9))
            return mark, Granted(mark.carried)

        return self._change(key, change)

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """See `Dedupe.renew`."""
        return self._change(
            key, lambda mark, now: (mark.renewed(token, now + int(seconds * 1e9)), mark.token == token)
        )

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """See `Dedupe.delivered`."""
        self._change(key, lambda mark, now: (mark.delivered(token, now + int(window * 1e9)), None))

    def release(self, key: str, token: str, /) -> None:
        """See `Dedupe.release`."""
        self._change(key, lambda mark, _: (mark.released(token), None))

    def count(self, key: str, repeats: Repeats, /) -> None:
        """See `Dedupe.count`."""
        self._change(key, lambda mark, _: (mark.counted(repeats), None))

    def end(self, key: str, /) -> Repeats:
        """See `Dedupe.end`."""
        return self._change(key, lambda mark, _: (ABSENT, mark.left))


class SharedDedupe(MarkDedupe):
    """
    Keeps each mark as a text in a place of many machines, where nobody can be kept waiting by a lock.

    The next mark is worked out here, and takes the place of the one that was read only
    if that is still there; else it begins again.

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
        """See `MarkDedupe`."""
        deadline = Deadline(_PATIENCE)
        longest = 0.01
        while True:
            text, now = self._read(key), self._clock.time_ns()
            before = read(text, now)
            after, answer = step(before, now)
            if after == before or self._exchange(key, text, written(after, now)):
                return answer
            if not deadline.left():
                raise StoreError("others have changed the same mark all the time")
            threading.Event().wait(min(jitter(longest), deadline.left()))
            longest *= 2


def written(mark: Mark, now: int) -> str | None:
    """Write *mark*; None for one that says nothing."""
    if mark == ABSENT:
        return None
    times = [[side.count, side.first_ns, side.last_ns] for side in (mark.carried, mark.repeats)]
    return json.dumps([now, mark.until_ns, mark.token, *times], separators=(",", ":"))


def read(text: str | None, now: int) -> Mark:
    """Read what `written` wrote; what seems to come from far ahead holds nobody off."""
    if text is None:
        return ABSENT
    try:
        changed, until, token, carried, repeats = json.loads(text)
        mark = Mark(int(until), token, _repeats(*carried), _repeats(*repeats))
        is_ahead = int(changed) > now + _SKEW_NS
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise StoreError("what is kept there is no mark") from None
    return mark.released(token or "")._replace(until_ns=0) if is_ahead else mark


def _repeats(count: float, first_ns: float, last_ns: float) -> Repeats:
    return Repeats(int(count), int(first_ns), int(last_ns))
