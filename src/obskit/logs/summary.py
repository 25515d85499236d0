"""Write one line when a trace ends: what dashboards count."""

from __future__ import annotations

from ..context import current_scope
from ..event import Bound, own_event
from ..levels import ERROR, INFO
from ..runtime import TraceFacts
from .flight import keeper
from .pipeline import current_pipeline


class TraceSummary:
    """Observes traces and writes a ``command.end`` event for each that ends, however it does."""

    def trace_started(self, trace: TraceFacts, /) -> None:
        """Write nothing: the program's own lines tell of the start."""

    def trace_ended(self, trace: TraceFacts, /) -> None:
        """Write how *trace* went, under its own names, whatever the context says by now."""
        failed = trace.status == "error"
        level = ERROR if failed else INFO
        pipeline = current_pipeline()
        take = pipeline.emit if pipeline.is_enabled("obskit", level) else keeper()
        if take is None:
            return
        fields = {
            "outcome": trace.status,
            "failed": int(failed),
            "duration_ms": round(trace.duration_ms, 3),
            "steps": trace.step_count,
        }
        take(
            own_event(
                "command.end",
                f"{trace.command} ended: {trace.status}",
                time_ns=pipeline.clock.time_ns(),
                level=level,
                fields=fields,
                bound=(current_scope(), Bound(trace.block.fields)),
            )
        )
