"""
Keep what a trace logs below the level, for the case that it fails.

Each open trace has a recording of its own, which is found through the context:
tasks, threads and generators that run at once do not mix. What is kept is a
snapshot that has been through the gate, packed into bytes: nothing can change
it afterwards, and its size is known. Outside a trace nothing is kept.
"""

from __future__ import annotations

import marshal
from collections import deque
from itertools import count
from typing import Final

from ..context import Scope, bound_context, current_scope
from ..event import Bound, Event, SafeEvent, SafeFields, own_event
from ..gate import Gate
from ..interrupts import let_pass
from ..levels import INFO
from ..runtime import CELL, TraceFacts
from .pipeline import current_pipeline, secured

#: Lines kept of one trace, and the bytes that they may take; of more, the latest stay.
_MAX_LINES: Final = 200
_MAX_BYTES: Final = 64_000


class Recording:
    """
    The latest lines below the level of the trace of *block*.

    Safe to share between threads, and with a signal handler or a finalizer that
    logs while a line is being kept, without a lock: each step here is atomic.
    """

    __slots__ = ("_block", "_bytes", "_calls", "_gate", "_kept", "_max_lines")

    def __init__(self, block: bound_context, gate: Gate, max_lines: int) -> None:
        self._block = block
        self._gate = gate
        self._max_lines = max_lines
        self._calls = count()
        self._kept: deque[bytes] = deque()
        self._bytes = 0

    def keep(self, event: Event) -> None:
        """Keep a snapshot of *event*, or count it as evicted; never raises."""
        next(self._calls)
        try:
            packed = _packed(secured(event, self._gate))
        # RecursionError of a caller that stands near the limit, for one.
        except Exception as error:
            let_pass(error)
            return
        size = len(packed)
        if size > _MAX_BYTES:
            return
        self._kept.append(packed)
        # Between reading and writing nothing is called, so no handler or thread comes in.
        self._bytes += size
        while self._bytes > _MAX_BYTES or len(self._kept) > self._max_lines:
            try:
                size = len(self._kept.popleft())
            except IndexError:  # another thread was first, and has not taken it off yet
                break
            self._bytes -= size

    def events(self) -> list[SafeEvent]:
        """Return what is kept, oldest first."""
        return [_unpacked(packed) for packed in self._kept.copy()]

    def write(self) -> int:
        """
        Write out what was kept, behind one line that tells how much that is.

        The trace goes on with a new recording, so nothing is written twice.

        Returns:
            The number of lines kept.
        """
        self._block.recording = Recording(self._block, self._gate, self._max_lines)
        events, calls = self.events(), next(self._calls)
        if not calls:
            return 0
        pipeline = current_pipeline()
        kept, evicted = len(events), calls - len(events)
        pipeline.emit(
            own_event(
                "obskit.recorded",
                f"recorded lines below the level: {kept} follow, {evicted} were evicted",
                time_ns=pipeline.time_ns(),
                level=INFO,
                fields={"kept": kept, "evicted": evicted},
                bound=(current_scope(), Bound(self._block.fields)),
            )
        )
        for event in events:
            pipeline.emit_safe(SafeEvent(event._replace(fields={**event.fields, "_recorded": True})))
        return kept


class FlightRecorder:
    """
    Observes traces: gives each a recording, and writes it out when the trace fails.

    Args:
        gate: Makes what is kept safe.
        max_lines: Lines kept of one trace.
    """

    def __init__(self, gate: Gate, max_lines: int = _MAX_LINES) -> None:
        self._gate = gate
        self._max_lines = max_lines

    def trace_started(self, trace: TraceFacts, /) -> None:
        """Begin to keep what *trace* logs below the level."""
        trace.block.recording = Recording(trace.block, self._gate, self._max_lines)
        CELL.count_recordings(1)

    def trace_ended(self, trace: TraceFacts, /) -> None:
        """Write out what was kept if *trace* failed; nothing more is kept of it."""
        recording = trace.block.recording
        if not isinstance(recording, Recording):
            return
        if trace.status == "error":
            recording.write()
        trace.block.recording = None
        CELL.count_recordings(-1)


def current_recording() -> Recording | None:
    """Return the recording of the innermost open trace that the running task is in."""
    scope: Scope | None = current_scope()
    while scope is not None:
        recording = scope.owner.recording if scope.owner is not None else None
        if isinstance(recording, Recording):
            return recording
        scope = scope.outer
    return None


def write_recorded() -> int:
    """
    Write out the lines below the level that the current trace has kept so far.

    A trace that fails does so by itself; this is for one that is odd without
    failing. No line is written twice.

    Returns:
        How many lines that were; 0 outside a trace.
    """
    recording = current_recording()
    return 0 if recording is None else recording.write()


def _packed(event: SafeEvent) -> bytes:
    # A third of the time that JSON takes, and lone surrogates pass: 1 µs an event (CPython 3.11).
    return marshal.dumps(tuple(event))


def _unpacked(packed: bytes) -> SafeEvent:
    """Read what `_packed` wrote: bytes that never left this process."""
    return SafeEvent(SafeFields(*marshal.loads(packed)))  # noqa: S302
