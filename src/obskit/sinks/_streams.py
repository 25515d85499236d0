"""
Write lines to a stream or a file, whole or not at all.

Where there is a file descriptor, bytes go to it directly: the text layer of
`sys.stdout` loses data on a non-blocking pipe without a word, and flushes half
lines. What a full pipe did not take of a line is kept and written before the
next one, so two lines are never glued together.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import threading
from collections import deque
from typing import IO, Final, cast
from weakref import WeakSet

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError, SinkError, SinkTimeout

#: Seconds that a call waits for a full pipe before its line counts as lost.
WRITE_TIMEOUT: Final = 0.25
#: Lines kept that were logged while their own thread was writing (signal handlers, finalisers).
_MAX_PENDING: Final = 100

_sinks: WeakSet[_LineSink] = WeakSet()


class _LineSink:
    """
    Passes one line at a time to `_write`; a line from inside a write waits its turn.

    The lock is re-entrant because a signal handler or a finaliser may log while
    this very thread holds it. Such a line is kept and written right afterwards.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._writing = False
        self._pending: deque[bytes] = deque(maxlen=_MAX_PENDING)
        _sinks.add(self)

    def emit(self, line: bytes, /) -> None:
        """Write *line*; raises `SinkError` if it did not go out whole."""
        with self._lock:
            if self._writing:
                self._pending.append(line)
                return
            self._writing = True
            try:
                self._write(line)
                for _ in range(len(self._pending)):
                    self._write(self._pending.popleft())
            finally:
                self._writing = False

    def close(self) -> None:
        """Release what the sink opened."""

    def _write(self, line: bytes) -> None:
        raise NotImplementedError

    def _start_anew(self) -> None:
        """Forget, in a forked child, what other threads of the parent were doing."""
        self._lock = threading.RLock()
        self._writing = False
        self._pending.clear()


def _start_all_anew() -> None:
    for sink in list(_sinks):
        sink._start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_anew)


class StreamSink(_LineSink):
    """
    Writes lines to a text or binary stream.

    Args:
        stream: Where lines go. None is whatever `sys.stdout` is at the moment of
            each line, so replacing `sys.stdout` is followed. A stream that has a
            file descriptor is written to through that, past its buffer.
    """

    def __init__(self, stream: IO[str] | IO[bytes] | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._stream = stream
        self._clock = clock
        self._seen: object = self
        self._descriptor: _Descriptor | None = None

    def _write(self, line: bytes) -> None:
        stream = self._stream if self._stream is not None else sys.stdout
        if stream is not self._seen:
            self._seen, self._descriptor = stream, _descriptor_of(stream, self._clock)
        if self._descriptor is not None:
            self._descriptor.write(line)
        elif stream is None:
            raise SinkError("closed")
        else:
            _write_object(stream, line)


class FileSink(_LineSink):
    """
    Appends lines to a file, which is created where it does not exist.

    Args:
        path: The file. A symbolic link, a directory or a pipe of that name is
            refused, and the file is readable by its owner only.

    Raises:
        ConfigError: If the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._fd: int | None = _open_append(path)
        self._descriptor = _Descriptor(self._fd, clock)

    def _write(self, line: bytes) -> None:
        if self._fd is None:
            raise SinkError("closed")
        self._descriptor.write(line)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


class _Descriptor:
    """Writes whole lines to a file descriptor that may be slow, full or gone."""

    def __init__(self, fd: int, clock: Clock) -> None:
        self._fd = fd
        self._clock = clock
        self._inheritable = os.get_inheritable(fd)
        self._rest = b""

    def write(self, line: bytes) -> None:
        """Write what is left of an earlier line, then *line*; raises `SinkError` where it cannot."""
        try:
            # A standard stream that the program closed is soon the number of some file it
            # opens. Such files are not inheritable (PEP 446), a redirected stdout is.
            if self._inheritable and not os.get_inheritable(self._fd):
                raise SinkError("EBADF")
            if self._rest:
                self._rest = self._rest[self._put(self._rest) :]
            done = 0 if self._rest else self._put(line)
        except OSError as error:
            raise SinkError(errno.errorcode.get(error.errno or 0, "OSError")) from error
        if not done:
            raise SinkTimeout("timeout")
        # Once the reader has the beginning of a line the rest must follow, or the next is spoilt.
        self._rest = self._rest or line[done:]

    def _put(self, data: bytes) -> int:
        """Write as much of *data* as goes within the timeout; returns how many bytes went."""
        done = 0
        deadline = None
        while done < len(data):
            try:
                done += os.write(self._fd, data[done:] if done else data)
            except BlockingIOError:
                now = self._clock.monotonic_ns()
                deadline = deadline or now + int(WRITE_TIMEOUT * 1e9)
                if now >= deadline:
                    break
                select.select([], [self._fd], [], (deadline - now) / 1e9)
            except OSError:
                if not done:
                    raise
                break
        return done


def _descriptor_of(stream: object, clock: Clock) -> _Descriptor | None:
    try:
        return _Descriptor(cast("IO[bytes]", stream).fileno(), clock)
    except Exception:  # no descriptor: io.UnsupportedOperation, AttributeError, or whatever a stand-in raises
        return None


def _write_object(stream: object, line: bytes) -> None:
    """Write to a stream that has no descriptor, as text or, where it refuses text, as bytes."""
    try:
        try:
            cast("IO[str]", stream).write(line.decode())
        except TypeError:
            cast("IO[bytes]", stream).write(line)
    except Exception as error:
        raise SinkError(type(error).__name__) from error


def _open_append(path: str | os.PathLike[str]) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    # Not on Windows: a link is not followed, and opening a pipe that nobody reads does not hang.
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise ConfigError(f"output must be a writable file, got {str(path)!r}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ConfigError(f"output must be a regular file, got {str(path)!r}")
    return fd
