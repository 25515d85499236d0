"""
Leave a service alone that fails again and again.

Rule 1: nothing here sends or waits; it says how long not to try.
Rule 2: after that time one try tells: each lane sends one message at a time.
"""

from __future__ import annotations

from typing import Final

#: Failures in a row that open the breaker.
_FAILURES: Final = 5
#: Seconds that it stays open: at first, and at most after trying in vain again and again.
_FIRST_REST: Final = 30.0
_LONGEST_REST: Final = 600.0


class Breaker:
    """Counts failures in a row; times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until_ns = 0

    def rest(self, now_ns: int) -> float:
        """Return the seconds until the service may be tried; 0 or less is now."""
        return (self._open_until_ns - now_ns) / 1e9

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def let_one_try(self) -> None:
        """Let the next message find out; where it fails, the breaker opens again."""
        self._open_until_ns = 0

    def failed(self, now_ns: int) -> None:
        """Count a failure; the fifth in a row, and each one after it, opens the breaker."""
        self._failures += 1
        if self._failures >= _FAILURES:
            rest = min(_LONGEST_REST, _FIRST_REST * 2 ** (self._failures - _FAILURES))
            self._open_until_ns = now_ns + int(rest * 1e9)
