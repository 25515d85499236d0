"""Write one line when a trace ends: what dashboards count."""

from __future__ import annotations

from ..context import current_scope
from ..event import Bound, own_event
from ..levels import ERROR, INFO
from ..runtime import TraceFacts
from .flight import current_recording
from .pipeline import current_pipeline


class TraceSummary:
    """Observes traces and writes a ``command.end`` event for each that ends, however it does."""

    def trace_started(self, trace: TraceFacts, /) -> None:
        """Write nothing: the program's own lines tell of the start."""

    def trace_ended(self, trace: TraceFacts, /) -> None:
        """Write how *trace* went, under its own names, whatever the context says by now."""
        failed = trace.status == "error"
        pipeline = current_pipeline()
        event = own_event(
            "command.end",
            f"{trace.command} ended: {trace.status}",
            time_ns=pipeline.time_ns(),
            level=ERROR if failed else INFO,
            fields={
                "outcome": trace.status,
                "failed": int(failed),
                "duration_ms": round(trace.duration_ms, 3),
                "steps": trace.step_count,
            },
            bound=(current_scope(), Bound(trace.block.fields)),
        )
        if pipeline.is_enabled("obskit", event.level):
            pipeline.emit(event)
        elif (recording := current_recording()) is not None:
            recording.keep(event)
