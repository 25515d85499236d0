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
import os
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

    def await_writers(fd: int) -> None:
        """Nobody else writes."""

    def has_room(fd: int, seconds: float) -> bool:
        """Nothing to ask with."""
        return True

    def room_of(fd: int, size: int) -> int | None:
        """Nothing to ask with."""
        return None

    def is_deserted(fd: int) -> bool:
        """Nothing to ask with."""
        return False

else:
    import fcntl

    CAN_SHARE = True
    # Linux alone knows how large a pipe is, and how much is in it at the writing end.
    _GET_SIZE: Final = getattr(fcntl, "F_GETPIPE_SZ", -1)
    _SET_SIZE: Final = getattr(fcntl, "F_SETPIPE_SZ", -1)
    _UNREAD: Final = 0x541B  # `termios.FIONREAD`
    _LARGEST_PIPE: Final = 1 << 20  # that a program may ask for, unless the machine is set up otherwise
    _PAGE: Final = os.sysconf("SC_PAGESIZE")

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

    def await_writers(fd: int) -> None:
        """Return when every write to the file *fd* that is under way is done."""
        with contextlib.suppress(OSError):
            os.utime(fd)  # the system lets nobody in while somebody writes

    def has_room(fd: int, seconds: float) -> bool:
        """Wait for at most *seconds* until a pipe or socket takes at least ``select.PIPE_BUF`` bytes."""
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        return bool(poll.poll(seconds * 1e3))

    def is_deserted(fd: int) -> bool:
        """Tell whether nobody reads the pipe any more, a moment later if somebody does."""
        poll = select.poll()
        poll.register(fd, 0)  # errors are always told
        return bool(poll.poll(INTERVAL * 1e3))

    def room_of(fd: int, size: int) -> int | None:
        """
        Return how many bytes a pipe surely takes in one piece now.

        A pipe that is small for *size* bytes is enlarged. None where it must stay too
        small, for a socket, and where the system does not tell.
        """
        try:
            capacity = fcntl.fcntl(fd, _GET_SIZE)
            if capacity < (wanted := min(8 * size, _LARGEST_PIPE)):
                with contextlib.suppress(OSError):  # there is a limit for each user
                    capacity = fcntl.fcntl(fd, _SET_SIZE, wanted)
            waiting = int.from_bytes(fcntl.ioctl(fd, _UNREAD, bytes(4)), sys.byteorder)
        except OSError:
            return None
        if not waiting:
            return capacity if capacity >= size else None
        # What waits takes a page for each full one, at most one more for each, and two at its ends.
        return max(0, capacity - 2 * (waiting // _PAGE + 2) * _PAGE)


def pause() -> None:
    """Let some time pass before the next look at a lock."""
    select.select([], [], [], INTERVAL)
