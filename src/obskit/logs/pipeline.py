"""
Carry an event through the gate to a line, and the line to the sink.

Nothing here raises: an event becomes exactly one line or is counted as lost by
reason. The first loss of each reason is told on stderr, and once the sink works
again a line says how many were lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, cast

from ..clock import Clock
from ..event import CONTEXT_FIELDS, PLACED_FIELDS, Event, Items, Json, SafeEvent, SafeFields, own_event
from ..gate import Gate, placed
from ..interrupts import let_pass
from ..levels import WARN, Thresholds
from ..runtime import CELL
from ..sinks import Losses, Sink, flush_sink, reason_of, sink_stats, summed
from ..spans import current_span
from .quick import QuickLine

#: Where these stand among the `Items` of an event.
_LEVEL: Final = 1
_EXCEPTION: Final = 7
_EVENT: Final = 8

#: Lays a safe event out as one line.
Encoder = Callable[[SafeEvent], bytes]


class Pipeline:
    """
    The way of every event to its line.

    Args:
        gate: Makes events safe.
        encode: Turns a safe event into a line.
        sink: Takes the lines.
        thresholds: Tells which levels are kept.
        copy_to: Is given every event as well, before its line is written.
        quick_line: Makes the same lines as *encode* for common events, if there is such a way.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        encode: Encoder,
        sink: Sink[bytes],
        clock: Clock,
        thresholds: Thresholds,
        copy_to: Sink[SafeEvent] | None = None,
        quick_line: QuickLine | None = None,
    ) -> None:
        self.time_ns: Final = clock.time_ns
        self._gate = gate
        self._encode = encode
        self.sink: Final = sink
        self._copy_to = copy_to
        self._quick_line = quick_line if copy_to is None else None
        self.thresholds: Final = thresholds
        self._watcher: Callable[[Event], None] | None = None
        self._watched_level = sys.maxsize
        self._written = 0
        self._telling = False
        self._losses = Losses("log lines are being lost")

    def is_enabled(self, logger: str | None, level: int) -> bool:
        """Tell whether an event of *level* from *logger* is kept."""
        return level >= self.thresholds.of(logger)

    def watch(self, level: int, watcher: Callable[[Event], None]) -> None:
        """Show *watcher*, which must not raise, each event of *level* or above before its line is written."""
        self._watcher, self._watched_level = watcher, level

    def emit(self, event: Items) -> None:
        """Write *event* as one line, or count it as lost; never raises."""
        if event[_LEVEL] >= self._watched_level and self._watcher is not None:
            self._watcher(Event._make(event))
        # Finding out by an error that an event is not common would take 7 µs, and each trace ends with one.
        is_common = event[_EXCEPTION] is None and event[_EVENT] is None
        if is_common and self._quick_line is not None and CELL.diverted is None:
            try:
                line = self._quick_line.line(event)  # a method: `__call__` costs 0.1 µs more
            except Exception as error:  # the general way copes with what is not common
                let_pass(error)
            else:
                self._write(line)
                return
        try:
            safe = secured(Event._make(event), self._gate)
        except Exception as error:
            let_pass(error)
            self._losses.add(reason_of(error))
        else:
            self.emit_safe(safe)

    def emit_safe(self, event: SafeEvent) -> None:
        """Do the same with an event that has been through the gate."""
        try:
            if self._copy_to is not None:
                self._copy_to.emit(event)
            if CELL.diverted is not None:
                CELL.diverted(event)
                return
            line = self._finished(event)
        except Exception as error:
            let_pass(error)
            self._losses.add(reason_of(error))
        else:
            self._write(line)

    def _write(self, line: bytes) -> None:
        try:
            self.sink.emit(line)
            self._written += 1
        # A sink of the user's own, or RecursionError from a caller that stands near the
        # limit: whatever it is, it must not reach the application.
        except Exception as error:
            let_pass(error)
            self._losses.add(reason_of(error))
        else:
            if self._losses.untold and not self._telling:
                self._tell_in_band()

    def line(self, event: Event) -> bytes:
        """Return the line of *event* without writing it; may raise as the encoder does."""
        return self._finished(secured(event, self._gate))

    def _finished(self, event: SafeEvent) -> bytes:
        return self._gate.redactor.finished(self._encode(event))

    def flush(self, timeout: float) -> bool:
        """Let the sink deliver what it holds back: most write a line before the call that logs it returns."""
        return flush_sink(self.sink, timeout)

    def close(self) -> None:
        """Close the sink."""
        self.sink.close()

    def stats(self) -> dict[str, float]:
        """Count the lines written and lost, the lost ones also by reason; the sink's counts are added."""
        return summed({"written": self._written}, self._losses.stats(), sink_stats(self.sink))

    def _tell_in_band(self) -> None:
        """Say in the log itself how many lines are missing, now that it works again."""
        untold = self._losses.take_untold()
        lines = sum(untold.values())
        self._telling = True  # what is lost by telling is told with the next line of the program
        try:
            self.emit(
                own_event(
                    "obskit.dropped",
                    f"{lines} log lines were lost",
                    time_ns=self.time_ns(),
                    level=WARN,
                    fields={"dropped": lines, "reasons": dict(untold)},
                )
            )
        finally:
            self._telling = False


def current_pipeline() -> Pipeline:
    """Return the pipeline of the runtime in force."""
    return cast("Pipeline", CELL.current().logs)


def secured(event: Event, gate: Gate) -> SafeEvent:
    """Pass *event* through the gate: the only place where a `SafeEvent` is made."""
    if gate.redactor.reports:
        gate, findings = gate.telling()
        safe = _secured(event, gate)
        report: Json = [finding.to_dict() for finding in findings.list()]
        return SafeEvent(safe._replace(fields={**safe.fields, "redacted": report})) if report else safe
    return _secured(event, gate)


def _secured(event: Event, gate: Gate) -> SafeEvent:
    context: dict[str, Json] = {}
    fields: dict[str, Json] = {}
    for bound in event.bound:
        if bound.fields:
            known = gate.bound(bound)
            context, fields = _over(context, known.context), {**fields, **known.others}
    if event.fields:
        own = gate.fields(event.fields)
        if PLACED_FIELDS.isdisjoint(own):
            fields = {**fields, **own}
        else:
            placed_own = placed(own)
            context, fields = _over(context, placed_own.context), {**fields, **placed_own.others}
    if "trace_id" not in context and (span := current_span()):
        running = placed(span)
        context, fields = _over(running.context, context), {**running.others, **fields}
    error = stack = None
    if event.exception is not None:
        info = gate.inside("error").error(event.exception)
        error, stack = info.summary, info.stack
    return SafeEvent(
        SafeFields(
            event.time_ns,
            event.level,
            gate.inside("msg").text(event.msg),
            gate.text(event.fn),
            event.logger and gate.text(event.logger),
            context,
            fields,
            error,
            stack,
            event.event,
        )
    )


def _over(context: dict[str, Json], newer: dict[str, Json]) -> dict[str, Json]:
    """Put *newer* over *context*; the result keeps the order of `CONTEXT_FIELDS`."""
    if not context or not newer:
        return context or newer
    merged = {**context, **newer}
    return {name: merged[name] for name in CONTEXT_FIELDS if name in merged}
