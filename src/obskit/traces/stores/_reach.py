"""Leave a place alone for a while that has failed, each time for longer."""

from __future__ import annotations

from typing import Final

from ...clock import Clock

#: Seconds from one attempt to the next.
FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


class Reach:
    """
    Tells when it is worth asking a place.

    Args:
        clock: Drives the pauses.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._failures = 0  #: in a row
        self._pause_ends_ns = 0

    @property
    def is_lost(self) -> bool:
        """Tell whether the last attempt has failed."""
        return self._failures > 0

    def seconds_left(self) -> float:
        """Return how long the pause lasts; 0 or less where none is needed."""
        return (self._pause_ends_ns - self._clock.monotonic_ns()) / 1e9 if self._failures else 0.0

    def failed(self) -> None:
        """Begin a pause, twice as long as the one before."""
        pause = min(_LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        self._failures += 1
        self._pause_ends_ns = self._clock.monotonic_ns() + int(pause * 1e9)

    def answered(self) -> None:
        """Begin from the start."""
        self._failures = 0
