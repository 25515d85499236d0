"""
Turn log events at or above a level into alerts, with the lines that came before.

It stands between logs and alerts, which do not know each other. What alerting
itself logs, and what is logged while an alert is being made, never alerts.
"""

from __future__ import annotations

from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Final, cast

from .clock import isoformat
from .encoding.budget import shorten
from .event import Event, SafeEvent
from .levels import CRITICAL, ERROR, NAMES
from .logs.flight import current_recording
from .runtime import CELL, TraceFacts

if TYPE_CHECKING:
    from .alerts import Alerter

#: Recorded lines that an alert shows, and characters of each.
_LINES: Final = 10
_LENGTH: Final = 200
#: Seconds for which an error that is logged after a failed trace is taken to be about it.
_RECENT: Final = 2.0

#: The trace that failed last here: when (monotonic ns), its id, and its recorded lines.
_failed: ContextVar[tuple[int, str, str] | None] = ContextVar("obskit_failed_trace", default=None)


class Escalation:
    """
    Makes an alert of each event that it is called with, and observes traces.

    Among a runtime's observers it stands before the flight recorder, which empties
    the recording of a trace that has ended.

    Args:
        level: The lowest of which it is to be called.
    """

    def __init__(self, level: int) -> None:
        self.level: Final = level
        self._busy: set[int] = set()  # threads that are making an alert

    def __call__(self, event: Event) -> None:
        """Send the alert of *event*, unless obskit itself logs it; never raises."""
        thread = get_ident()
        if thread in self._busy or event.event is not None or event.logger == "obskit":
            return
        self._busy.add(thread)
        try:
            _send(event)
        finally:
            self._busy.discard(thread)

    def trace_started(self, trace: TraceFacts, /) -> None:
        """Nothing has failed yet."""

    def trace_ended(self, trace: TraceFacts, /) -> None:
        """Remember what a failed trace has recorded: who caught its error may log it later."""
        if trace.status == "error":
            _failed.set((CELL.current().clock.monotonic_ns(), trace.trace_id, _recorded()))


def _send(event: Event) -> None:
    from .alerts import Alert

    runtime = CELL.current()
    fields: dict[str, object] = {}
    for more in (*(bound.fields for bound in event.bound), event.fields):
        fields |= more
    if event.template is not None and event.template != event.msg:
        fields = {"text": event.msg, **fields}
    trace_id, lines = fields.pop("trace_id", None), _recorded()
    failed = _failed.get()
    if trace_id is None and failed is not None:
        _failed.set(None)
        if runtime.clock.monotonic_ns() - failed[0] < _RECENT * 1e9:
            _, trace_id, lines = failed
    if event.logger is not None:
        fields["logger"] = event.logger
    if lines:
        fields = {"recorded": lines, **fields}
    _ = cast("Alerter", runtime.alerter).send(
        Alert(
            severity=_severity(event.level),
            message=event.msg if event.template is None else event.template,
            root_cause=event.exception,
            trace_id=cast("str | None", trace_id),
            fields=fields,
        )
    )


def _severity(level: int) -> str:
    return "critical" if level >= CRITICAL else "error" if level >= ERROR else "warning"


def _recorded() -> str:
    """Return the latest lines of the current recording, if there is one."""
    recording = current_recording()
    return "" if recording is None else "\n".join(map(_line, recording.events()[-_LINES:]))


def _line(event: SafeEvent) -> str:
    said = f"{isoformat(event.time_ns)[11:23]} {NAMES.get(event.level, event.level)} {event.msg}"
    fields = (f"{name}={value}" for name, value in event.fields.items())
    return shorten(" ".join((said, *fields)), _LENGTH)
