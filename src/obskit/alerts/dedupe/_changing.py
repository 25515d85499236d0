"""The methods of a place whose every step is the same: turn the mark of a key into the next one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from ..window import ABSENT, Mark, Repeats, counted, delivered, ended, leased, may_send, released, renewed
from ._protocol import Granted, Held

R = TypeVar("R")


class ChangingDedupe(ABC):
    """What each method of `Dedupe` makes of a mark; a place says how a mark is changed."""

    @abstractmethod
    def _change(self, key: str, step: Callable[[Mark, int], tuple[Mark, R]]) -> R:
        """
        Let *step* turn the mark of *key* into the next one, as if nobody else did the same.

        Args:
            key: May hold any characters.
            step: Takes the mark and the wall-clock time; returns the next mark and the answer.
        """

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """See `Dedupe.lease`."""

        def change(mark: Mark, now: int) -> tuple[Mark, Granted | Held]:
            """Lease the mark, or count what is held."""
            if not may_send(mark, token, now):
                return counted(mark, occurred), Held((mark.until_ns - now) / 1e9)
            mark = leased(mark, token, now + int(seconds * 1e9))
            return mark, Granted(mark.carried)

        return self._change(key, change)

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """See `Dedupe.renew`."""
        return self._change(
            key, lambda mark, now: (renewed(mark, token, now + int(seconds * 1e9)), mark.token == token)
        )

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """See `Dedupe.delivered`."""
        self._change(key, lambda mark, now: (delivered(mark, token, now + int(window * 1e9)), None))

    def release(self, key: str, token: str, /) -> None:
        """See `Dedupe.release`."""
        self._change(key, lambda mark, now: (released(mark, token), None))

    def count(self, key: str, repeats: Repeats, /) -> None:
        """See `Dedupe.count`."""
        self._change(key, lambda mark, now: (counted(mark, repeats), None))

    def end(self, key: str, /) -> Repeats:
        """See `Dedupe.end`."""
        return self._change(key, lambda mark, now: (ABSENT, ended(mark)))
