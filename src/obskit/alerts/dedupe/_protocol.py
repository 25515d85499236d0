"""What the alerter asks of a place that remembers which failures people know about."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..window import NO_REPEATS, Repeats


class Granted(NamedTuple):
    """The caller is the one to send, and reports *repeats*."""

    repeats: Repeats = NO_REPEATS


class Held(NamedTuple):
    """Somebody else is sending or has sent; the answer holds for *seconds*."""

    seconds: float


class Dedupe(Protocol):
    """
    Remembers, per key, who is sending and when a message was last delivered.

    `obskit.testing.check_dedupe` tries every rule.

    - Each method is one atomic step, whoever else asks at the same time.
    - Methods may be called from any thread and, but for `MemoryDedupe`, wait for I/O,
      a second or two at most. A place that is out of reach raises
      `obskit.errors.StoreError`; the alert is sent then.
    - A *token* names one delivery. What was leased to another token is left alone.
    - Repeats outlive the window in which they were counted: whoever leases next
      reports them. A mark may go a week after it was last changed.
    - All durations are seconds, and all times in `Repeats` wall-clock nanoseconds, of
      which a place may drop what is less than a microsecond.
    """

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """
        Ask to be the only one who sends, until delivered, released or the time is over.

        Args:
            key: Names the window, in at most 300 characters.
            token: Of this delivery. The token that holds the lease is granted it again.
            seconds: How long the lease holds.
            occurred: Kept for the next message where the answer is `Held`.
        """

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """Hold the lease *seconds* longer, from now; False if *token* does not hold it."""

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """Start the window of *window* seconds; the repeats handed out were reported."""

    def release(self, key: str, token: str, /) -> None:
        """Give the lease up, and the repeats handed out with it back."""

    def count(self, key: str, repeats: Repeats, /) -> None:
        """Keep *repeats* for the next message."""

    def end(self, key: str, /) -> Repeats:
        """
        Forget *key*, its window included; returns the repeats nobody has reported.

        Those that a message on its way reports are not among them.
        """

    def close(self) -> None:
        """Release everything; idempotent. What is remembered stays."""
