"""
Show other processes that this one is alive, by a lock that ends with it.

The system releases the lock however the process ends, so a killed one is known at
once, also across containers that share a file, where process ids say nothing. On
Windows there is no such lock, but a file that is open cannot be removed, which
tells the same.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..clock import SYSTEM_CLOCK
from ..sinks._locks import try_lock_file
from ..worker import restart_after_fork

_NAME: Final = re.compile("[0-9a-f]{16}")
#: Nanoseconds for which the file of a process may be there without its lock: it has just begun.
_BEGINNING_NS: Final = 60 * 10**9


class Presence:
    """
    Shows that this process is alive.

    Args:
        prefix: Of the files that show it; the name of a process, 16 hex digits, is appended.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix: Final = prefix
        self._own: tuple[str, int] | None = None  #: name and open file
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Let go, in a forked child, of the parent's lock, which would outlive the parent with us."""
        if self._own is not None:
            os.close(self._own[1])
        self._own = None

    def show(self, name: str) -> None:
        """Show that the process *name* is alive, until `leave` or its end; raises `OSError`."""
        if self._own is None:
            self._own = name, os.open(self._prefix + name, os.O_RDWR | os.O_CREAT, 0o600)
            try_lock_file(self._own[1])
            self._clean_up()

    def _clean_up(self) -> None:
        """Remove what processes have left that were killed."""
        folder, begin = os.path.split(self._prefix)
        latest_ns = SYSTEM_CLOCK.time_ns() - _BEGINNING_NS
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(begin) and entry.stat().st_mtime_ns < latest_ns:
                    self.is_gone(entry.name.removeprefix(begin))

    def is_gone(self, name: str) -> bool:
        """Tell whether the process *name* has ended; False also where nobody can tell."""
        if not _NAME.fullmatch(name):  # it would be anybody's file
            return True
        path = Path(self._prefix + name)
        try:
            if _is_locked(path):
                return False
            path.unlink()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def leave(self) -> None:
        """Show it no longer."""
        if self._own is not None:
            name, descriptor = self._own
            os.close(descriptor)
            self._own = None
            with suppress(OSError):
                Path(self._prefix + name).unlink()


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        return not try_lock_file(descriptor)
    finally:
        os.close(descriptor)
