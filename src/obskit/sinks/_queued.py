"""
Let a background thread write the lines, so that no caller waits for a slow output.

A line that waits is not yet safe: a process that is killed takes it along. So
this is a choice, not the default.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Mapping
from typing import Final

from ..clock import SYSTEM_CLOCK, Deadline
from ..errors import SinkError
from ..settings import at_most, whole_number
from ..worker import EXIT_TIMEOUT, Worker, close_at_exit
from ._descriptor import WRITE_TIMEOUT
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

    A fifth of the room is kept for lines that matter: those of level debug and info
    are refused when four fifths are taken. Lines keep their order. What waits is
    written before the process exits, within five seconds; a forked child begins with
    an empty queue, because what waits in the parent is the parent's. Where a process
    may be frozen between two requests (AWS Lambda), call `flush` at the end of each.

    Args:
        sink: Takes the lines, one at a time. It is closed with the queue.
        capacity: How many lines may wait, with the one that is being written.
    """

    def __init__(self, sink: Sink[bytes], *, capacity: int = 10_000) -> None:
        self._sink = checked_sink("sink", sink)
        self._capacity = whole_number("capacity", capacity)
        self._losses = Losses()
        self._closed = False
        self._delivery = _Delivery()
        # How many may wait differs from line to line, so it is looked at here.
        self._worker: Worker[tuple[bytes, int]] = Worker(
            self._deliver, capacity=sys.maxsize, clock=SYSTEM_CLOCK, name="obskit-lines"
        )
        self._at_exit = _AtExit(self)
        close_at_exit(self._at_exit)

    def emit(self, line: bytes, /) -> None:
        """Take *line* and return at once; raises `SinkError` if the queue is full or closed."""
        depth = self._delivery.depth + 1
        if depth > 1:
            raise SinkError("recursion")  # a sink that logs whenever it is given a line
        room = self._capacity - (self._capacity // 5 if is_minor(line) else 0)
        if self._closed:
            raise SinkError("closed")
        if self._worker.pending >= room:
            raise SinkError("full")
        if not self._worker.submit((line, depth)):
            self._deliver((line, depth))  # the process is exiting, there is no thread any more
        elif not self._worker.is_running():
            self._worker.flush(WRITE_TIMEOUT)  # there is no thread to spare: who logs writes what waits

    def flush(self, timeout: float) -> bool:
        """Wait until every line is written, for at most *timeout* seconds; False if something is left."""
        deadline = Deadline(at_most(timeout))
        return self._worker.flush(deadline.left()) and flush_sink(self._sink, deadline.left())

    def close(self) -> None:
        """Write what waits, for at most five seconds, and close the sink; idempotent."""
        closed, self._closed = self._closed, True
        # A sink that hangs in the thread would hang here as well.
        if not closed and self.finish(EXIT_TIMEOUT):
            self._sink.close()

    def stats(self) -> Mapping[str, float]:
        """Count what is not yet written (``queued``) and what was lost, here and in the sink, by reason."""
        return summed({"queued": self._worker.pending}, self._losses.stats(), sink_stats(self._sink))

    def finish(self, timeout: float) -> bool:
        """Write what waits and end the thread; what cannot be written in time is lost."""
        if left := self._worker.close(timeout):
            self._losses.add("unfinished", len(left))
        return not self._worker.pending

    def _deliver(self, entry: tuple[bytes, int]) -> None:
        """Write a line of depth 0, or one of depth 1, which came from inside the delivery of such a line."""
        line, depth = entry
        around, self._delivery.depth = self._delivery.depth, depth
        try:
            self._sink.emit(line)
        # Also SystemExit from somebody's sink: the other lines are still to be written.
        except BaseException as error:
            self._losses.add(reason_of(error))
        finally:
            self._delivery.depth = around  # where the thread has ended, one delivery runs inside another


class _Delivery(threading.local):
    """Says, for each thread, what it delivers; a forked child has none of other threads."""

    depth = -1  #: of the line, see `QueuedSink._deliver`; -1 is none


class _AtExit:
    """Empties a queue when the process exits; lines that come later are written by who logs them."""

    def __init__(self, queue: QueuedSink) -> None:
        self._queue = queue

    def close(self, timeout: float) -> None:
        """Finish the queue."""
        self._queue.finish(timeout)
