"""
Decide whether an alert is news: the life of a mark, each of whose steps makes a new one.

Rule 1: nothing here sends, waits, locks or asks the time.
Rule 2: a window starts when a message was *delivered*. A failed delivery leaves
no silence behind, and no repeat is forgotten before a message has reported it.

    absent --lease--> leased --delivered--> delivered --window over--> absent
                        |
                        +--released, or the lease expires--> absent
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often something happened again without a message of its own."""

    count: int = 0
    first_ns: int = 0  #: wall clock of the first of them
    last_ns: int = 0  #: ... and of the last

    def plus(self, other: Repeats) -> Repeats:
        """Return both together."""
        if not self.count or not other.count:
            return self if self.count else other
        # Not min() and max(), which take half of the time: every repeat comes by here.
        first = self.first_ns if self.first_ns < other.first_ns else other.first_ns  # noqa: FURB136
        last = self.last_ns if self.last_ns > other.last_ns else other.last_ns  # noqa: FURB136
        return Repeats(self.count + other.count, first, last)


NO_REPEATS: Final = Repeats()


class Mark(NamedTuple):
    """What is remembered of one failure at one sink."""

    until_ns: int = 0  #: nobody else may send before this time
    token: str | None = None  #: who is sending right now
    carried: Repeats = NO_REPEATS  #: what the message being sent reports
    repeats: Repeats = NO_REPEATS  #: what the next one will report

    @property
    def unreported(self) -> Repeats:
        """All repeats that no delivered message has reported."""
        return self.carried.plus(self.repeats)

    @property
    def left(self) -> Repeats:
        """What is left to report when the mark goes; a message on its way has the carried ones."""
        return self.unreported if self.token is None else self.repeats

    def is_held(self, now_ns: int) -> bool:
        """Tell whether a message is on its way or was delivered within the window."""
        return now_ns < self.until_ns

    def may_send(self, token: str, now_ns: int) -> bool:
        """Tell whether the owner of *token* may send: nobody else holds the mark."""
        return now_ns >= self.until_ns or self.token == token

    def leased(self, token: str, until_ns: int) -> Mark:
        """Let the owner of *token* send; its message carries all repeats so far."""
        if self.token == token:
            return self._replace(until_ns=until_ns)
        return Mark(until_ns, token, carried=self.unreported)

    def renewed(self, token: str, until_ns: int) -> Mark:
        """Give the owner of *token* more time."""
        return self._replace(until_ns=until_ns) if self.token == token else self

    def delivered(self, token: str, until_ns: int) -> Mark:
        """Start the window, and forget the repeats that the message has reported."""
        return Mark(until_ns, repeats=self.repeats) if self.token == token else self

    def released(self, token: str) -> Mark:
        """Let the next occurrence be sent: the owner of *token* gave up."""
        return Mark(repeats=self.unreported) if self.token == token else self

    def counted(self, repeats: Repeats) -> Mark:
        """Add *repeats* to what the next message will report."""
        return Mark(self.until_ns, self.token, self.carried, self.repeats.plus(repeats))


ABSENT: Final = Mark()
