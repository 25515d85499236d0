"""
What processes that share an output need of the system.

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
from threading import Event
from types import SimpleNamespace
from typing import Final

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where nobody can rename a file that is open
    fcntl = SimpleNamespace(LOCK_EX=0, LOCK_NB=0, LOCK_UN=0, flock=lambda *_: None)  # type: ignore[assignment]

#: Seconds between two looks at a lock that somebody else holds.
_INTERVAL: Final = 0.001
#: Whether processes can take turns on a pipe: all that is said of pipes here needs it.
CAN_SHARE: Final = hasattr(fcntl, "lockf")

# Linux alone knows how large a pipe is, and how much is in it at the writing end.
_GET_SIZE: Final = getattr(fcntl, "F_GETPIPE_SZ", -1)
_SET_SIZE: Final = getattr(fcntl, "F_SETPIPE_SZ", -1)
_UNREAD: Final = 0x541B  # `termios.FIONREAD`
_LARGEST_PIPE: Final = 1 << 20  # that a program may ask for, unless the machine is set up otherwise


def pause() -> None:
    """Let some time pass before the next look at a lock."""
    Event().wait(_INTERVAL)  # `select` without a file waits on Unix only


# --- files ---


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
    with contextlib.suppress(OSError, TypeError):  # Windows knows times of names only
        os.utime(fd)  # the system lets nobody in while somebody writes


# --- pipes and sockets ---


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


def has_room(fd: int, seconds: float) -> bool:
    """Wait for at most *seconds* until a pipe or socket takes at least ``select.PIPE_BUF`` bytes."""
    return not CAN_SHARE or _told(fd, select.POLLOUT, seconds)


def is_deserted(fd: int) -> bool:
    """Tell whether nobody reads the pipe any more, a moment later if somebody does."""
    return _told(fd, 0, _INTERVAL)  # errors are always told


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
    page = os.sysconf("SC_PAGESIZE")
    return max(0, capacity - 2 * (waiting // page + 2) * page)


def _told(fd: int, events: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, events)
    return bool(poll.poll(seconds * 1e3))
