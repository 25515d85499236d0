"""
What processes that share an output need of the system, with a stand-in for Windows.

Two kinds of lock, because each fails where the other serves. A pipe is one open
file in all processes that inherited it, so only a lock that belongs to the process
(`fcntl.lockf`) keeps them apart. Two sinks of one process have one file open
twice, which only a lock that belongs to the open file (`fcntl.flock`) tells.
"""

from __future__ import annotations

import contextlib
import errno
import select
import sys
from typing import Final

#: Seconds between two looks at a lock that somebody else holds.
INTERVAL: Final = 0.001

if sys.platform == "win32":  # pragma: no cover - where a file that is open can be renamed by nobody
    CAN_SHARE = False

    def try_lock_pipe(fd: int) -> bool:
        """Nothing to lock with."""
        return True

    try_lock_file = try_lock_pipe

    def unlock_pipe(fd: int) -> None:
        """Nothing is locked."""

    unlock_file = unlock_pipe

    def has_room(fd: int, seconds: float) -> bool:
        """Nothing to ask with."""
        return True

else:
    import fcntl

    CAN_SHARE = True

    def try_lock_pipe(fd: int) -> bool:
        """
        Keep other processes from the pipe or socket *fd*; False if one of them has it.

        The lock lies on the pipe itself: it needs no file and no name, ends with its
        process, and a forked child does not have it. True also where the system
        cannot lock this kind of file.
        """
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        return True

    def unlock_pipe(fd: int) -> None:
        """Let other processes have the pipe."""
        with contextlib.suppress(OSError):  # it was closed, which unlocks it too
            fcntl.lockf(fd, fcntl.LOCK_UN)

    def try_lock_file(fd: int) -> bool:
        """Keep everybody else from the file that is open as *fd*; False if somebody has it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock_file(fd: int) -> None:
        """Let others have the file, also where a child forked meanwhile has a copy of *fd*."""
        fcntl.flock(fd, fcntl.LOCK_UN)

    def has_room(fd: int, seconds: float) -> bool:
        """Wait for at most *seconds* until a pipe or socket takes at least ``select.PIPE_BUF`` bytes."""
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        return bool(poll.poll(seconds * 1e3))


def pause() -> None:
    """Let some time pass before the next look at a lock."""
    select.select([], [], [], INTERVAL)
