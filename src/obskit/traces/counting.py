"""Count what threads of one process leave out, without a lock that a forked child could find held."""

from __future__ import annotations

from threading import RLock
from typing import Final

from ..worker import restart_after_fork


class Counting:
    """Adds to counts; one lock serves all of them, since it is seldom taken."""

    def __init__(self) -> None:
        self.start_anew()
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Forget who held the lock, as a forked child must."""
        # Reentrant, since a signal handler may record as well.
        self.lock = RLock()

    def add(self, counts: dict[str, int], what: str, count: int = 1) -> None:
        """Add *count* to that of *what*."""
        with self.lock:
            counts[what] = counts.get(what, 0) + count


COUNTING: Final = Counting()
