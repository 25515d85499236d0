"""
Hold alerts back that come faster than people can read, and remember what they were.

Rule 1: nothing here sends or asks the time.
Rule 2: whatever the storm, what is remembered of it stays small.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from .model import Severity
from .window import NO_REPEATS, Repeats

#: Different messages that are remembered; the rest is a number.
_TOLD: Final = 10
#: Characters of each; they are not safe to show before they have passed the gate.
_LENGTH: Final = 4_000


class Bucket:
    """
    Tokens, of which each message takes one; times are monotonic nanoseconds.

    >>> bucket = Bucket(burst=2, per_minute=60.0)
    >>> [bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(1_000_000_000)]
    [True, True, False, True]
    """

    __slots__ = ("_burst", "_per_ns", "_since_ns", "_tokens")

    def __init__(self, *, burst: int, per_minute: float) -> None:
        self._burst = burst
        self._per_ns = per_minute / 60e9
        self._tokens = float(burst)
        self._since_ns = 0

    def take(self, now_ns: int) -> bool:
        """Take a token; False if there is none."""
        self._tokens = min(self._burst, self._tokens + (now_ns - self._since_ns) * self._per_ns)
        self._since_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Storm:
    """The buckets of one sink, one for each severity, and what did not get a token."""

    def __init__(self, *, burst: int, per_minute: float) -> None:
        self._buckets = {severity: Bucket(burst=burst, per_minute=per_minute) for severity in Severity}
        self.start_anew()

    def start_anew(self) -> None:
        """Forget, in a forked child, what its parent will tell of."""
        self._lock = threading.RLock()
        self._repeats = NO_REPEATS
        self._worst = Severity.WARNING
        self._messages: Counter[str] = Counter()

    def lets_pass(self, severity: Severity, now_ns: int) -> bool:
        """Tell whether one more message is bearable now."""
        with self._lock:
            return self._buckets[severity].take(now_ns)

    def hold_back(self, severity: Severity, message: object, time_ns: int) -> bool:
        """Remember an alert that did not pass; True for the first one since `take`."""
        with self._lock:
            is_first = not self._repeats.count
            self._repeats = self._repeats.plus(Repeats(1, time_ns, time_ns))
            self._worst = max(self._worst, severity, key=lambda one: one.rank)
            text = message[:_LENGTH] if type(message) is str else type(message).__name__
            if text in self._messages or len(self._messages) < _TOLD:
                self._messages[text] += 1
            return is_first

    def take(self) -> tuple[Repeats, Severity, list[tuple[str, int]]] | None:
        """
        Forget what was held back since the last time; None if nothing was.

        Returns:
            How much it was, the worst severity, and the first different messages, which
            are not yet safe to show, with how often each came.
        """
        with self._lock:
            if not self._repeats.count:
                return None
            taken = self._repeats, self._worst, self._messages.most_common()
            self._repeats, self._worst, self._messages = NO_REPEATS, Severity.WARNING, Counter()
            return taken
