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

    - Methods may be called from any thread and, but for `MemoryDedupe`, wait for I/O.
    - A place that is out of reach raises `obskit.errors.StoreError`; the alert is sent then.
    - A *token* names one delivery. What was leased to another token is left alone.
    - All durations are seconds.
    """

    def lease(self, key: str, token: str, seconds: float, /) -> Granted | Held:
        """Ask to be the only one who sends, until delivered, released or the time is over."""

    def renew(self, key: str, token: str, seconds: float, /) -> None:
        """Hold the lease *seconds* longer, from now."""

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """Start the window of *window* seconds; the repeats handed out were reported."""

    def release(self, key: str, token: str, /) -> None:
        """Give the lease up, and the repeats handed out with it back."""

    def count(self, key: str, repeats: Repeats, /) -> None:
        """Keep *repeats* for the next message."""

    def end(self, key: str, /) -> Repeats:
        """Forget *key*, its window included; returns the repeats nobody has reported."""

    def close(self) -> None:
        """Release everything; idempotent."""
