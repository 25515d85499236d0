"""
Let processes that share a file take turns, where its own lock goes to whoever asks most often.

SQLite lets those who find the file locked sleep and look again, for longer and
longer; somebody who writes without pause has locked it again by then. So whoever
wants to write waits for a turn first, and has it until the file is locked: while
it waits, nobody else can be faster. Who waits for a turn looks every millisecond,
so one is as likely to get it as the other.

A turn is a courtesy. Where the system has no such locks, or somebody does not give
a turn back, the file's own lock is all there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ..clock import Deadline
from ..sinks._locks import pause, try_lock_file, unlock_file

#: Seconds that nobody waits longer for a turn.
_PATIENCE: Final = 0.5


class Turns:
    """
    The turns of one folder, which is what is locked: it is always there, and needs no file of its own.

    Args:
        folder: Where the file is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._open: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it for the length of the block."""
        is_ours = self._wait()
        try:
            yield
        finally:
            if is_ours and self._open is not None:
                unlock_file(self._open)

    def close(self) -> None:
        """Let the folder go; a later turn opens it again."""
        if self._open is not None:
            os.close(self._open)
            self._open = None

    def _wait(self) -> bool:
        deadline = Deadline(_PATIENCE)
        with suppress(OSError):  # a system that cannot lock a folder
            while not (is_ours := self._try()) and deadline.left():
                pause()
            return is_ours
        return False

    def _try(self) -> bool:
        if self._open is None:
            self._open = os.open(self._folder, os.O_RDONLY)
        return try_lock_file(self._open)
