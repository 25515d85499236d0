"""
Write lines to a file that is renamed when it is full or old, by us or by others.

Several processes may write to one file: lines are appended in one piece each,
and only one process at a time renames.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError, SinkError
from ..settings import path as checked_path
from ._descriptor import Descriptor
from ._lines import LineSink
from ._rotation import OpenFile, Rotation

#: Seconds between two looks whether the path still leads to the open file.
_LOOK_INTERVAL: Final = 1.0


class FileSink(LineSink):
    """
    Appends lines to a file, which is created where it does not exist.

    A file that was renamed, deleted or replaced by somebody else is noticed within
    a second and opened anew under its old name. Where that is impossible the sink
    goes on with the file it has.

    Args:
        path: The file. A symbolic link, a directory or a pipe of that name is
            refused, and the file is readable by its owner only.
        max_bytes: Begin a new file before a line that would make this one larger.
        every: Begin a new file when so many seconds are over, counted from
            midnight UTC of 1970-01-01; ``"day"`` is at each midnight UTC.
        keep: How many full files stay, named *path*.1 (the newest), *path*.2 ...

    Raises:
        ConfigError: If the file cannot be opened or a setting is wrong.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int | None = None,
        every: float | str | None = None,
        keep: int = 5,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        # A daemon that changes its directory keeps its log.
        self._path = Path(checked_path("output", path)).absolute()
        self._clock = clock
        self._rotation = Rotation(self._path, max_bytes=max_bytes, every=every, keep=keep, clock=clock)
        try:
            self._file: OpenFile | None = OpenFile(self._path)
        except OSError as error:
            raise ConfigError(
                f"output must be a writable file, got {str(path)!r}: {error.strerror}; "
                "give one that this program may write, by its own name and no link to it"
            ) from None
        super().__init__()

    def _begin(self) -> None:
        super()._begin()
        self._next_look = 0
        self._torn = False
        if self._file is not None:
            self._attach(self._file)

    def close(self) -> None:
        """Finish the last line and close the file."""
        with self._lock:
            if self._file is not None:
                if self._file.is_ours():
                    self._descriptor.close()
                    self._file.close()
                self._file = None

    def _write(self, line: bytes) -> None:
        if self._file is None:
            raise SinkError("closed")
        now = self._clock.monotonic_ns()
        if now >= self._next_look:
            self._next_look = now + int(_LOOK_INTERVAL * 1e9)
            self._look(self._file)
        if self._rotation.is_due(self._file.fd, len(line)):
            self._rotate(self._file)
        try:
            if self._torn and not self._descriptor.has_rest:
                self._file.end_half_line()
                self._torn = False
            self._descriptor.write(line)
        except SinkError:
            self._torn = True
            self._next_look = 0
            raise

    def _look(self, file: OpenFile) -> None:
        """Open the file anew if its path leads elsewhere by now."""
        if file.is_at(self._path) or self._reopen(file) or file.is_ours():
            return
        # The program closed our descriptor, and its number may be any file's by now.
        self._next_look = 0
        raise SinkError("EBADF")

    def _rotate(self, file: OpenFile) -> None:
        # A line must end in the file that it was begun in.
        if not self._descriptor.has_rest and self._rotation.turn(file) and not self._reopen(file):
            self._rotation.pause()

    def _reopen(self, file: OpenFile) -> bool:
        """Go on with the file at the path; False, and with *file*, if it cannot be opened."""
        if ours := file.is_ours():
            self._descriptor.close()
        try:
            fresh = OpenFile(self._path)
        except OSError:  # too many open files, no such directory, a symbolic link ...
            return False
        if ours:  # else the new one may have the same number
            file.close()
        self._attach(fresh)
        return True

    def _attach(self, file: OpenFile) -> None:
        self._file = file
        self._descriptor = Descriptor(file.fd, self._losses)
        self._torn = True  # a process may have died here in the middle of a line
        self._rotation.begin(file.fd)
