"""Know one open log file from another, and move a full one out of the way."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from ..clock import Clock
from ..errors import SinkError
from ..settings import whole_number, wrong
from ._locks import await_writers, pause, try_lock_file, unlock_file
from ._losses import reason_of

#: Seconds before a rotation that failed is tried again.
_PAUSE: Final = 1.0
#: Looks at a lock that another process holds, a millisecond apart.
_MAX_LOOKS: Final = 250

_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
# Not on Windows: a link is not followed, and opening a pipe that nobody reads does not hang.
_CAREFULLY: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class OpenFile:
    """A regular file, open for appending; raises `OSError` where *path* is none."""

    def __init__(self, path: Path) -> None:
        self.fd: Final = os.open(path, _FLAGS | _CAREFULLY, 0o600)
        status = os.fstat(self.fd)
        if not stat.S_ISREG(status.st_mode):
            os.close(self.fd)
            raise OSError(errno.EINVAL, "Not a regular file")
        self._identity = _identity(status)

    def is_ours(self) -> bool:
        """Tell whether the descriptor is still this file's: a program may close what is not its own."""
        try:
            return _identity(os.fstat(self.fd)) == self._identity
        except OSError:
            return False

    def is_at(self, path: Path) -> bool:
        """Tell whether lines written now can be read at *path*."""
        try:
            return _identity(os.stat(path, follow_symlinks=False)) == self._identity and self.is_ours()  # noqa: PTH116
        except OSError:
            return False

    def end_half_line(self) -> None:
        """Write a line feed if the file ends in the middle of a line."""
        try:
            if self._ends_in_half_line():
                os.write(self.fd, b"\n")
        except OSError as error:
            raise SinkError(reason_of(error)) from error

    def close(self) -> None:
        """Close the descriptor, which must be this file's."""
        os.close(self.fd)

    def _ends_in_half_line(self) -> bool:
        size = os.lseek(self.fd, 0, os.SEEK_END)
        while size:
            os.lseek(self.fd, size - 1, os.SEEK_SET)
            if os.read(self.fd, 1) == b"\n":
                return False
            await_writers(self.fd)  # one of them may be in the middle of the line
            before, size = size, os.lseek(self.fd, 0, os.SEEK_END)
            if size == before:
                return True
        return False


class Rotation:
    """Decides when a file gives way to a new one, and renames it; the settings are those of a `FileSink`."""

    def __init__(
        self, path: Path, *, max_bytes: int | None, every: float | str | None, keep: int, clock: Clock
    ) -> None:
        self._path = path
        self._max_bytes = 0 if max_bytes is None else whole_number("max_bytes", max_bytes)
        self._every_ns = 0 if every is None else int(_period(every) * 1e9)
        self._keep = whole_number("keep", keep)
        self._clock = clock
        self._period = 0
        self._not_before = 0

    def begin(self, fd: int) -> None:
        """Take up the open file: it belongs to the period in which it was written to last."""
        if self._every_ns:
            now, status = self._clock.time_ns(), os.fstat(fd)
            self._period = (min(now, status.st_mtime_ns) if status.st_size else now) // self._every_ns

    def is_due(self, fd: int, more: int) -> bool:
        """Tell whether a line of *more* bytes is to go to a new file."""
        if self._every_ns and self._clock.time_ns() // self._every_ns > self._period:
            return True
        if not self._max_bytes:
            return False
        size = os.lseek(fd, 0, os.SEEK_END)  # of what all processes wrote
        return size > 0 and size + more > self._max_bytes

    def turn(self, file: OpenFile) -> bool:
        """Rename *file*, unless another process did; False if it must be tried again later."""
        if self._clock.monotonic_ns() < self._not_before:
            return False
        try:
            with _lock_at(f"{self._path}.lock"):
                if file.is_at(self._path):
                    self._rename()
        except OSError:
            self.pause()
            return False
        return True

    def pause(self) -> None:
        """Leave things as they are for a while."""
        self._not_before = self._clock.monotonic_ns() + int(_PAUSE * 1e9)

    def _rename(self) -> None:
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, self._keep + 1))]
        for newer, older in reversed(list(pairwise(names))):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)


def _period(every: float | str) -> float:
    if every == "day":
        return 86_400.0
    if not isinstance(every, int | float) or not 1 <= every < math.inf or every is True:
        raise wrong("every", '"day" or at least 1 second', every)
    return float(every)


@contextlib.contextmanager
def _lock_at(path: str) -> Iterator[None]:
    """Hold the lock that the file at *path* stands for, or raise `OSError`."""
    fd = os.open(path, _FLAGS | _CAREFULLY, 0o600)
    looks = _MAX_LOOKS
    try:
        while not try_lock_file(fd):
            looks -= 1
            if not looks:
                raise BlockingIOError(errno.EWOULDBLOCK, "another process holds the lock")
            pause()
        yield
    finally:
        unlock_file(fd)
        os.close(fd)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
