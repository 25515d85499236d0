"""
Leave a service alone that asks for it, or that fails again and again.

Rule 1: nothing here sends or waits; it says how long not to try.
Rule 2: after that time one try tells: each lane sends one message at a time.
"""

from __future__ import annotations

from typing import Final

#: Failures in a row that open the breaker.
_FAILURES: Final = 5
#: Seconds that it stays open: at first, and after trying in vain again; an alert may wait for it to close.
_FIRST_REST: Final = 30.0
_LONGEST_REST: Final = 60.0


class Breaker:
    """Counts failures in a row; times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self._open_until_ns = 0
        self.succeeded()

    def rest(self, now_ns: int) -> float:
        """Return the seconds until the service may be tried; 0 or less is now."""
        return (self._open_until_ns - now_ns) / 1e9

    def leave_alone(self, now_ns: int, seconds: float) -> None:
        """Stay open for *seconds*."""
        self._open_until_ns = now_ns + int(seconds * 1e9)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0
        self._next_rest = _FIRST_REST

    def failed(self, now_ns: int) -> None:
        """Count a failure; the fifth in a row, and each one after it, opens the breaker."""
        self._failures += 1
        if self._failures >= _FAILURES:
            self.leave_alone(now_ns, self._next_rest)
            self._next_rest = min(_LONGEST_REST, 2 * self._next_rest)
