"""
Write whole lines to a file descriptor that may be slow, full, shared or gone.

Processes that share a pipe take turns, and a line is begun when the pipe takes it
whole. Where that is not to be had (a full disk, a socket, a pipe that must stay
small) the rest of a line is kept and written before the next one, so two lines of
a process are never glued together. Nothing is done to the descriptor that others
who have it would notice: it stays as blocking as it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
from typing import Final

from ..clock import Deadline
from ..errors import SinkError, SinkTimeout
from ..interrupts import is_interruption, let_pass
from ..worker import close_at_exit
from ._locks import CAN_SHARE, has_room, is_deserted, pause, room_of, try_lock_pipe, unlock_pipe
from ._losses import Losses, reason_of

#: Seconds that a call waits for a full pipe before its line counts as lost.
WRITE_TIMEOUT: Final = 0.25
#: ... and that it waits after one that waited in vain, until the reader moves again.
_STUCK_TIMEOUT: Final = 0.005
#: ... and that it waits longer for the rest of a line that was begun: others wait their turn meanwhile.
_FINISH_TIMEOUT: Final = 1.0
#: After so many lines the descriptor may have become another kind of file: os.dup2 on standard output.
_LINES_PER_LOOK: Final = 64
_NO_WAIT: Final = getattr(os, "RWF_NOWAIT", 0)
_PIPE_BUF: Final = getattr(select, "PIPE_BUF", 512)


class Descriptor:
    """Writes lines to the descriptor *fd*, which stays the caller's to close."""

    def __init__(self, fd: int, losses: Losses) -> None:
        self._fd = fd
        self._losses = losses
        self._lines_to_look = 0
        self._inheritable = os.get_inheritable(fd)
        self._rest = b""  # what is still to be written of a line that was begun
        self._begun = False  # the reader may have the beginning of what `_rest` is the rest of
        self._whole = _PIPE_BUF  # a line of so many bytes goes in one piece or not at all
        self._end = 0  # size of the file after the part that was written
        self._stuck = False  # the last line found no room in time
        self._unsure = False  # a signal handler raised: nobody knows how much was written
        self._can_skip_waiting = bool(_NO_WAIT)
        self._look()

    def write(self, line: bytes) -> None:
        """Write what is left of an earlier line, then *line*; raises `SinkError` where it cannot."""
        try:
            # A standard stream that the program closed is soon the number of some file it
            # opens. Such files are not inheritable (PEP 446), a redirected stdout is.
            if self._inheritable and not os.get_inheritable(self._fd):
                raise SinkError("EBADF")
            self._lines_to_look -= 1
            if self._lines_to_look <= 0:
                self._look()
            if self._is_pipe:
                self._write_to_pipe(line)
                return
            # What files and devices do not take now they do not take in a moment either.
            if self._rest:
                self._complete()
            done = os.write(self._fd, line)
            if done < len(line):
                self._keep(line[done:])
        except OSError as error:
            self._lines_to_look = 0
            let_pass(error)
            raise SinkError(reason_of(error)) from error

    @property
    def has_rest(self) -> bool:
        """A line was begun and is not yet written whole."""
        return bool(self._rest)

    def close(self, timeout: float = 0.0) -> None:
        """Write what is left of a line that was begun, however long a write may take, or lose it."""
        if self._rest or self._unsure:
            with contextlib.suppress(SinkError):
                self.write(b"")
        if self._rest:
            self._lose_rest("unfinished")

    def _look(self) -> None:
        """See what kind of file the descriptor is now."""
        mode = os.fstat(self._fd).st_mode
        self._is_pipe = CAN_SHARE and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))
        self._lines_to_look = _LINES_PER_LOOK

    def _complete(self) -> None:
        """Write the rest of the last line, unless something else follows its beginning by now."""
        if os.fstat(self._fd).st_size != self._end:
            self._lose_rest("torn")
        while self._rest:
            self._keep(self._rest[os.write(self._fd, self._rest) :])

    # --- pipes and sockets ---

    def _write_to_pipe(self, line: bytes) -> None:
        deadline = Deadline(_STUCK_TIMEOUT if self._stuck else WRITE_TIMEOUT)
        self._stuck = True
        # Also for a short line, which would land in the middle of a long one.
        while not try_lock_pipe(self._fd):
            if not deadline.left():
                raise SinkTimeout("timeout")
            pause()
        try:
            self._put_rest(deadline)
            if len(line) > _PIPE_BUF:
                self._await_room(len(line), deadline)
            self._rest, self._begun = line, False
            self._put(deadline)
            if self._rest and self._begun:
                self._put(Deadline(deadline.left() + _FINISH_TIMEOUT))
        except OSError as error:
            # What a signal handler raises may be a TimeoutError, which has no number.
            if error.errno is not None and not is_interruption(error):
                self._rest, self._unsure = b"", False
            raise
        finally:
            unlock_pipe(self._fd)
        if not self._rest:
            self._stuck = False
        elif self._begun:
            self._keep(self._rest)
        else:
            self._rest = b""
            raise SinkTimeout("timeout")

    def _await_room(self, size: int, deadline: Deadline) -> None:
        """Wait until the pipe takes *size* bytes in one piece, if it ever does."""
        while (room := room_of(self._fd, size)) is not None and room < size and not is_deserted(self._fd):
            if not deadline.left():
                raise SinkTimeout("timeout")
        self._whole = room or _PIPE_BUF

    def _put_rest(self, deadline: Deadline) -> None:
        """Complete the line before, or raise: nothing may follow half a line."""
        if self._unsure:
            self._begun |= len(self._rest) > self._whole
            self._rest = b"\n" if self._rest and self._begun else b""
        try:
            self._put(deadline)
        except OSError as error:
            self._lose_rest(reason_of(error))
            raise
        if self._rest:
            raise SinkTimeout("timeout")

    def _put(self, deadline: Deadline) -> None:
        """Write what is in `_rest`, as much of it as goes before *deadline*."""
        self._unsure = False
        while self._rest:
            self._unsure = True
            done = self._write_now(self._rest)
            self._begun |= done > 0
            self._rest = self._rest[done:]
            self._unsure = False
            if not done and not has_room(self._fd, deadline.left()):
                return

    def _write_now(self, data: bytes) -> int:
        """Write what goes without waiting, although the descriptor itself would wait; 0 if nothing does."""
        try:
            if self._can_skip_waiting:
                try:
                    return os.pwritev(self._fd, [data], -1, _NO_WAIT)
                except OSError as error:
                    if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ESPIPE):
                        raise
                    self._can_skip_waiting = False  # an older kernel
            # Where a pipe is ready it takes that much at least. Without a lock another
            # process could take the room first; with one, only a stranger can.
            return os.write(self._fd, data[: self._whole]) if has_room(self._fd, 0) else 0
        except BlockingIOError:
            return 0

    # --- the rest of a line ---

    def _keep(self, rest: bytes) -> None:
        """Once the reader has the beginning of a line the rest must follow, or the next is spoilt."""
        self._rest = rest
        if rest:
            self._end = os.fstat(self._fd).st_size
            close_at_exit(self)

    def _lose_rest(self, reason: str) -> None:
        self._rest = b""
        self._losses.add(reason)
