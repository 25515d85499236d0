"""
Let a background thread write the lines, so that no caller waits for a slow output.

A line that waits is not yet safe: a process that is killed takes it along. So
this is a choice, not the default.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import SinkError
from ..settings import at_most, function, whole_number
from ..worker import EXIT_TIMEOUT, Worker, close_at_exit, restart_after_fork
from ._losses import Losses, reason_of
from ._protocol import Sink, checked_sink, flush_sink, sink_stats, summed

# The level stands near the beginning of a line in every schema. Text of the application
# cannot look like it: a quotation mark inside a JSON string has a backslash before it.
_MINOR: Final = re.compile(
    rb'[{,] ?"(?:level|log\.level|severity|severity_text|status)": ?"(?:debug|info)"', re.IGNORECASE
)
_HEAD: Final = 300


def is_minor(line: bytes) -> bool:
    """Tell whether *line* is one of level debug or info, in any of the schemas."""
    return _MINOR.search(line, 0, _HEAD) is not None


class QueuedSink:
    """
    Hands lines to *sink* in a thread of its own; `emit` never waits.

    When *capacity* lines wait, minor lines are lost first: a new one is refused, and
    a new line that matters takes the place of the oldest minor one. Lines keep
    their order. What waits is written before the process exits, within five
    seconds; a forked child begins with an empty queue, because what waits in the
    parent is the parent's. Where a process may be frozen between two requests (AWS
    Lambda), call `flush` at the end of each.

    Args:
        sink: Takes the lines, one at a time. It is closed with the queue.
        capacity: How many lines may wait.
        minor: Tells of a line whether it is lost first; levels debug and info are.
    """

    def __init__(
        self,
        sink: Sink[bytes],
        *,
        capacity: int = 10_000,
        minor: Callable[[bytes], bool] = is_minor,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._sink = checked_sink("sink", sink)
        self._capacity = whole_number("capacity", capacity)
        self._is_minor = function("minor", minor)
        self._losses = Losses()
        self._closed = False
        # Its one item says that lines wait. Two, because the next may come while one is handled.
        self._worker: Worker[None] = Worker(self._deliver, capacity=2, clock=clock, name="obskit-lines")
        self._at_exit = _AtExit(self)
        self.start_anew()
        restart_after_fork(self)
        close_at_exit(self._at_exit)

    def start_anew(self) -> None:
        """Forget, in a forked child, what belongs to the parent."""
        self._lock = threading.RLock()
        self._minor: deque[_Entry] = deque()
        self._major: deque[_Entry] = deque()
        self._number = 0  # of the last line taken: the two queues are delivered as one
        self._called = False  # the worker knows that lines wait
        self._delivering: set[int] = set()  # threads that write lines; at most one but for shutdown
        self._inside = False  # the line that is being delivered came from inside a delivery

    def emit(self, line: bytes, /) -> None:
        """Take *line* and return at once; raises `SinkError` if the queue is full or closed."""
        queue = self._minor if self._is_minor(line) else self._major
        inside = threading.get_ident() in self._delivering
        with self._lock:
            if self._closed:
                raise SinkError("closed")
            if inside and self._inside:
                raise SinkError("recursion")  # a sink that logs whenever it is given a line
            if len(self._minor) + len(self._major) >= self._capacity:
                if queue is self._minor or not self._minor:
                    raise SinkError("full")
                self._minor.popleft()
                self._losses.add("full")
            self._number += 1
            queue.append((self._number, line, inside))
            if self._called and (inside or self._worker.is_running()):
                return
            self._called = True
        if not self._worker.submit(None):
            self._deliver(None)  # there is no thread: the process is exiting, or has none to spare

    def flush(self, timeout: float) -> bool:
        """Wait until every line is written, for at most *timeout* seconds; False if something is left."""
        most = at_most(timeout)
        return self._worker.flush(most) and flush_sink(self._sink, most)

    def close(self) -> None:
        """Write what waits, for at most five seconds, and close the sink; idempotent."""
        with self._lock:
            closed, self._closed = self._closed, True
        # A sink that hangs in the thread would hang here as well.
        if not closed and self.finish(EXIT_TIMEOUT):
            self._sink.close()

    def stats(self) -> Mapping[str, float]:
        """Count what waits (``queued``) and what was lost, here and in the sink, by reason."""
        queued = {"queued": float(len(self._minor) + len(self._major))}
        return summed(queued, self._losses.stats(), sink_stats(self._sink))

    def finish(self, timeout: float) -> bool:
        """Write what waits and end the thread; what cannot be written in time is lost."""
        self._worker.close(timeout)
        with self._lock:
            left = len(self._minor) + len(self._major)
            self._minor.clear()
            self._major.clear()
        if left:
            self._losses.add("unfinished", left)
        return not self._worker.pending

    def _deliver(self, _: None) -> None:
        """Write lines until none is left."""
        thread = threading.get_ident()
        self._delivering.add(thread)
        try:
            while (line := self._next()) is not None:
                self._write(line)
        finally:
            self._delivering.discard(thread)

    def _write(self, line: bytes) -> None:
        try:
            self._sink.emit(line)
        # Also SystemExit from somebody's sink: the other lines are still to be written.
        except BaseException as error:
            self._losses.add(reason_of(error))

    def _next(self) -> bytes | None:
        with self._lock:
            queues = [queue for queue in (self._minor, self._major) if queue]
            if not queues:
                self._called = False
                return None
            _, line, self._inside = min(queues, key=lambda queue: queue[0]).popleft()
            return line


#: A line that waits: its number, itself, and whether it came from inside a delivery.
_Entry = tuple[int, bytes, bool]


class _AtExit:
    """Empties a queue when the process exits; lines that come later are written by who logs them."""

    def __init__(self, queue: QueuedSink) -> None:
        self._queue = queue

    def close(self, timeout: float) -> None:
        """Finish the queue."""
        self._queue.finish(timeout)
