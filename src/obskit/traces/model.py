"""
What is known of one command of one user, and of its timed steps.

Everything in here went through the gate when it was recorded, so a trace can be
stored, rendered and sent as it is. An open trace is a subclass that records;
see `recorder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NewType, TypeAlias

from ..encoding.exceptions import Cause, ErrorInfo
from ..event import Json

Status: TypeAlias = Literal["running", "ok", "error", "cancelled", "lost"]

STATUSES: Final[tuple[Status, ...]] = ("running", "ok", "error", "cancelled", "lost")


class Step:
    """
    A timed part of a trace.

    Attributes:
        name: What the step does.
        status: ``running``, ``ok``, ``error``, ``cancelled``, or ``lost`` where its
            process ended before the step did.
        started_ms: Milliseconds from the start of the trace to its own.
        duration_ms: Milliseconds it took, or has taken so far.
        details: What the program told about it.
        error: Why it failed.
        id: 16 lowercase hex digits.
        parent_id: Id of the step around it; None directly under the trace.
    """

    __slots__ = ("_duration_ms", "details", "error", "id", "name", "parent_id", "started_ms", "status")

    def __init__(self, name: str, id: str, parent_id: str | None) -> None:  # noqa: A002 - the name of the fixed API
        self.name = name
        self.id = id
        self.parent_id = parent_id
        self.status: Status = "running"
        self.details: dict[str, Json] = {}
        self.error: ErrorInfo | None = None
        self.started_ms = 0.0
        self._duration_ms = 0.0

    @property
    def duration_ms(self) -> float:
        """Milliseconds it took, or has taken so far."""
        return self._duration_ms

    def to_dict(self) -> dict[str, Any]:
        """Return the step as JSON values; what is not known is left out."""
        values: dict[str, Any] = {
            "name": self.name,
            "id": self.id,
            "status": self.status,
            "started_ms": self.started_ms,
            "duration_ms": self.duration_ms,
        }
        if self.parent_id is not None:
            values["parent_id"] = self.parent_id
        if self.details:
            values["details"] = self.details
        if self.error is not None:
            values["error"] = _error_to_dict(self.error)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Step:
        """Read what `to_dict` wrote."""
        step = Step(values["name"], values["id"], values.get("parent_id"))
        step.status = values["status"]
        step.details = dict(values.get("details", {}))
        step.error = _error_from_dict(values.get("error"))
        step.started_ms = values.get("started_ms", 0.0)
        step._duration_ms = values["duration_ms"]
        return step

    def __repr__(self) -> str:
        return f"<Step {self.name!r} {self.status}>"


class ExecutionTrace:
    """
    One command of one user, from start to end.

    Attributes:
        trace_id: 32 lowercase hex digits.
        span_id: 16 lowercase hex digits: what the steps are parts of, seen from outside.
        parent_id: Span of another process that caused this trace; None where nobody told.
        command: What the user asked for.
        user_id: Whose command it is; None where nobody was named.
        correlation_id: Joins several traces of one conversation.
        started_at: ISO 8601 in UTC with microseconds.
        status: ``running``, ``ok``, ``error``, ``cancelled``, or ``lost`` where its
            process ended before the command did.
        duration_ms: Milliseconds it took, or has taken so far.
        steps: `Step` objects in the order in which they began.
        dropped: How many were left out, by what they were: ``steps``, ``fields``,
            ``links``, and ``ids`` that were not fit to be the trace's.
        error: Why it failed; prints as ``Type: message``.
        links: URLs by label.
        attributes: What the program told about it.
    """

    __slots__ = (
        "_duration_ms",
        "attributes",
        "command",
        "correlation_id",
        "dropped",
        "error",
        "links",
        "parent_id",
        "span_id",
        "started_at",
        "status",
        "steps",
        "trace_id",
        "user_id",
    )

    def __init__(
        self, trace_id: str, command: str, *, user_id: str | None, correlation_id: str | None, started_at: str
    ) -> None:
        self.trace_id = trace_id
        self.span_id = ""
        self.parent_id: str | None = None
        self.command = command
        self.user_id = user_id
        self.correlation_id = correlation_id
        self.started_at = started_at
        self.status: Status = "running"
        self.error: ErrorInfo | None = None
        self.steps: list[Step] = []
        self.dropped: dict[str, int] = {}
        self.links: dict[str, str] = {}
        self.attributes: dict[str, Json] = {}
        self._duration_ms = 0.0

    @property
    def duration_ms(self) -> float:
        """Milliseconds it took, or has taken so far."""
        return self._duration_ms

    @property
    def dropped_steps(self) -> int:
        """Steps recorded that are not kept."""
        return self.dropped.get("steps", 0)

    @property
    def step_count(self) -> int:
        """Steps recorded, the dropped ones included."""
        return len(self.steps) + self.dropped_steps

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as JSON values; what is not known is left out."""
        values: dict[str, Any] = {
            "trace_id": self.trace_id,
            "command": self.command,
            "started_at": self.started_at,
            "status": self.status,
            "duration_ms": self.duration_ms,
        }
        optional = {
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "user_id": self.user_id,
            "correlation_id": self.correlation_id,
            "error": self.error and _error_to_dict(self.error),
            "links": self.links,
            "attributes": self.attributes,
            "dropped": self.dropped and dict(self.dropped),
            "steps": [step.to_dict() for step in list(self.steps)],
        }
        values |= {name: value for name, value in optional.items() if value}
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExecutionTrace:
        """Read what `to_dict` wrote."""
        trace = ExecutionTrace(
            values["trace_id"],
            values["command"],
            user_id=values.get("user_id"),
            correlation_id=values.get("correlation_id"),
            started_at=values["started_at"],
        )
        trace.span_id = values.get("span_id", "")
        trace.parent_id = values.get("parent_id")
        trace.status = values["status"]
        trace.error = _error_from_dict(values.get("error"))
        trace.steps = [Step.from_dict(step) for step in values.get("steps", ())]
        trace.dropped = dict(values.get("dropped", {}))
        trace.links = dict(values.get("links", {}))
        trace.attributes = dict(values.get("attributes", {}))
        trace._duration_ms = values["duration_ms"]
        return trace

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.command!r} {self.trace_id} {self.status}>"


#: A trace whose every part went through the gate: all that a store accepts.
SafeTrace = NewType("SafeTrace", ExecutionTrace)


def _error_to_dict(error: ErrorInfo) -> dict[str, Any]:
    values: dict[str, Any] = {"type": error.type, "message": error.message, "stack": error.stack}
    if error.causes:
        values["causes"] = [cause._asdict() for cause in error.causes]
    return values


def _error_from_dict(values: Mapping[str, Any] | None) -> ErrorInfo | None:
    if values is None:
        return None
    causes = tuple(Cause(**cause) for cause in values.get("causes", ()))
    return ErrorInfo(values["type"], values["message"], values["stack"], causes)
