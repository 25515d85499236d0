"""What every sink that writes lines itself has in common: one line at a time, whoever calls."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from sys import is_finalizing
from typing import Final

from ..errors import SinkError
from ..worker import restart_after_fork
from ._losses import Losses, reason_of

#: Lines kept that were logged while their own thread was writing (signal handlers, finalisers).
_MAX_PENDING: Final = 100


class LineSink(ABC):
    """
    Passes one line at a time to `_write`; a line from inside a write waits its turn.

    The lock is re-entrant because a signal handler or a finaliser may log while
    this very thread holds it. Such a line is kept and written right afterwards.
    """

    def __init__(self) -> None:
        self._losses = Losses()
        self._begin()
        restart_after_fork(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._writing = False
        self._pending: deque[bytes] = deque()

    def start_anew(self) -> None:
        """Forget, in a forked child, what other threads of the parent were doing."""
        self._begin()

    def emit(self, line: bytes, /) -> None:
        """Write *line*; raises `SinkError` if it did not go out whole."""
        if is_finalizing():  # a daemon thread may hold the lock for ever, and nobody else runs any more
            self._write(line)
            return
        with self._lock:
            if self._writing:
                if len(self._pending) >= _MAX_PENDING:
                    raise SinkError("overflow")
                self._pending.append(line)
                return
            try:
                self._writing = True  # inside: a signal handler may raise at any moment
                self._write(line)
            finally:
                self._writing = False
                # A signal from here on finds nobody writing, so no line is left behind.
                if self._pending:
                    self._catch_up()

    @abstractmethod
    def close(self) -> None:
        """Finish the last line and release what the sink opened."""

    def stats(self) -> Mapping[str, float]:
        """Count the lines that were lost after `emit` had taken them, by reason."""
        return self._losses.stats()

    @abstractmethod
    def _write(self, line: bytes) -> None:
        """Write *line* whole, or raise `SinkError`."""

    def _catch_up(self) -> None:
        """Write the lines that came meanwhile; of a stream that logs whenever it is written to, not all."""
        fresh = deque[bytes]()
        try:
            for _ in range(_MAX_PENDING):
                if not self._pending:
                    return
                self._write_pending()
        finally:
            left, self._pending = self._pending, fresh
            if left:
                self._losses.add("recursion", len(left))

    def _write_pending(self) -> None:
        try:
            self._writing = True
            if self._pending:  # else a handler that struck just now has written it
                self._write(self._pending.popleft())
        except BaseException as error:
            self._losses.add(reason_of(error))
            if not isinstance(error, SinkError):
                raise
        finally:
            self._writing = False
