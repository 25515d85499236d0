"""Write one line when a trace ends: what dashboards count."""

from __future__ import annotations

from ..context import current_scope
from ..event import Event
from ..levels import ERROR, INFO
from ..runtime import TraceFacts
from .pipeline import Pipeline


class TraceSummary:
    """Observes traces and writes a ``command.end`` event for each that ends."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def trace_started(self, trace: TraceFacts, /) -> None:
        """Write nothing: the program's own lines tell of the start."""

    def trace_ended(self, trace: TraceFacts, /) -> None:
        """Write how *trace* went; it is still the context's current one."""
        failed = trace.status == "error"
        level = ERROR if failed else INFO
        if not self._pipeline.is_enabled("obskit", level):
            return
        fields = {
            "outcome": trace.status,
            "failed": int(failed),
            "duration_ms": round(trace.duration_ms, 3),
            "steps": trace.step_count,
        }
        self._pipeline.emit(
            Event(
                time_ns=self._pipeline.clock.time_ns(),
                level=level,
                msg=f"{trace.command} ended: {trace.status}",
                fn="obskit",
                logger="obskit",
                fields={**current_scope().fields, **fields},
                event="command.end",
            )
        )
