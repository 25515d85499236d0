"""
Carry an event through the gate to a line, and the line to the sink.

Nothing here raises: an event becomes exactly one line or is counted as lost by
reason. The first loss of each reason is told on stderr, and once the sink works
again a line says how many were lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from ..clock import Clock
from ..errors import SinkError
from ..event import Event, Json, SafeEvent, SafeFields
from ..gate import Gate
from ..levels import WARN, Thresholds
from ..notices import Notices
from ..sinks import Sink

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
    """

    def __init__(
        self,
        *,
        gate: Gate,
        encode: Encoder,
        sink: Sink[bytes],
        clock: Clock,
        thresholds: Thresholds,
    ) -> None:
        self.clock: Final = clock
        self._gate = gate
        self._encode = encode
        self._sink = sink
        self._diverted: Sink[SafeEvent] | None = None
        self.thresholds: Final = thresholds
        self._written = 0
        self._dropped: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._notices = Notices()

    def is_enabled(self, logger: str | None, level: int) -> bool:
        """Tell whether an event of *level* from *logger* is kept."""
        return level >= self.thresholds.of(logger)

    def emit(self, event: Event) -> None:
        """Write *event* as one line, or count it as lost; never raises."""
        try:
            safe = secured(event, self._gate)
            if self._diverted is not None:
                self._diverted.emit(safe)
            else:
                self._sink.emit(self._encode(safe))
            self._written += 1
        except SinkError as error:
            self._lose(str(error))
        # A sink of the user's own, or RecursionError from a caller that stands near the
        # limit: whatever it is, it must not reach the application.
        except Exception as error:
            self._lose(type(error).__name__)
        else:
            if self._untold:
                self._tell_in_band()

    def divert(self, sink: Sink[SafeEvent] | None) -> None:
        """Give events to *sink* instead of writing lines; None writes lines again."""
        self._diverted = sink

    def flush(self, timeout: float) -> bool:
        """Lines are written before the call that logs them returns, so nothing is pending."""
        return True

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def stats(self) -> dict[str, float]:
        """Count the lines written and lost, the lost ones also by reason."""
        reasons = {f"dropped_{reason.lower()}": float(n) for reason, n in self._dropped.items()}
        return {"written": self._written, "dropped": self._dropped.total(), **reasons}

    def _lose(self, reason: str) -> None:
        self._dropped[reason] += 1
        self._untold[reason] += 1
        self._notices.tell(reason, f"log lines are being lost ({reason}); stats() tells how many")

    def _tell_in_band(self) -> None:
        """Say in the log itself how many lines are missing, now that it works again."""
        untold, self._untold = self._untold, Counter()
        self.emit(
            Event(
                time_ns=self.clock.time_ns(),
                level=WARN,
                msg=f"{untold.total()} log lines were lost",
                fn="obskit",
                logger="obskit",
                fields={"dropped": untold.total(), "reasons": dict(untold)},
                event="obskit.dropped",
            )
        )


def secured(event: Event, gate: Gate) -> SafeEvent:
    """Pass *event* through the gate: the only place where a `SafeEvent` is made."""
    error = stack = None
    if event.exception is not None:
        info = gate.error(event.exception)
        error, stack = info.summary, info.stack
    fields: dict[str, Json] = gate.fields(event.fields) if event.fields else {}
    return SafeEvent(
        SafeFields(
            time_ns=event.time_ns,
            level=event.level,
            msg=gate.text(event.msg),
            fn=event.fn,
            logger=event.logger,
            fields=fields,
            error=error,
            stack=stack,
            event=event.event,
        )
    )
