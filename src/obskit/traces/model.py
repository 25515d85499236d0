"""
What is known of one command of one user, and of its timed steps.

Everything in here went through the gate when it was recorded, so a trace can be
stored, rendered and sent as it is. An open trace is a subclass that records;
see `recorder`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, Literal, NewType, TypeAlias

from ..encoding.exceptions import Cause, ErrorInfo
from ..event import Json

#: ``lost`` is what runs in a process that has ended before it did.
Status: TypeAlias = Literal["running", "ok", "error", "cancelled", "lost"]

STATUSES: Final[tuple[Status, ...]] = ("running", "ok", "error", "cancelled", "lost")


@dataclass(slots=True, eq=False, repr=False)
class Step:
    """A timed part of a trace."""

    name: str  #: what the step does
    id: str  #: 16 lowercase hex digits
    parent_id: str | None = None  #: id of the step around it; None directly under the trace
    _: KW_ONLY
    status: Status = "running"
    details: dict[str, Json] = field(default_factory=dict)  #: what the program told about it
    error: ErrorInfo | None = None  #: why it failed
    started_ms: float = 0.0  #: milliseconds from the start of the trace to its own
    _duration_ms: float = 0.0

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
        return Step(**_attributes(Step.__slots__, values))

    def __repr__(self) -> str:
        return f"<Step {self.name!r} {self.status}>"


@dataclass(slots=True, eq=False, repr=False)
class ExecutionTrace:
    """One command of one user, from start to end."""

    trace_id: str  #: 32 lowercase hex digits
    command: str  #: what the user asked for
    _: KW_ONLY
    user_id: str | None = None  #: whose command it is; None where nobody was named
    correlation_id: str | None = None  #: joins several traces of one conversation
    started_at: str  #: ISO 8601 in UTC with microseconds
    span_id: str = ""  #: 16 lowercase hex digits: what the steps are parts of, seen from outside
    parent_id: str | None = None  #: span of another process that caused this trace; None where nobody told
    status: Status = "running"
    steps: list[Step] = field(default_factory=list)  #: in the order in which they began
    error: ErrorInfo | None = None  #: why it failed; prints as ``Type: message``
    links: dict[str, str] = field(default_factory=dict)  #: URLs by label
    attributes: dict[str, Json] = field(default_factory=dict)  #: what the program told about it
    #: How many were left out, by what they were: ``steps``, ``fields``, ``links``, and ``ids`` that were
    #: not fit to be the trace's.
    dropped: dict[str, int] = field(default_factory=dict)
    _duration_ms: float = 0.0

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
        steps = [Step.from_dict(step) for step in values.get("steps", ())]
        return ExecutionTrace(**{**_attributes(ExecutionTrace.__slots__, values), "steps": steps})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.command!r} {self.trace_id} {self.status}>"


#: A trace whose every part went through the gate: all that a store accepts.
SafeTrace = NewType("SafeTrace", ExecutionTrace)


def _attributes(names: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of *values* are attributes, by their *names*; what nobody knows is passed over."""
    return {
        **{name: values[name] for name in names if name in values},
        "status": values["status"],
        "error": _error_from_dict(values.get("error")),
        "_duration_ms": values["duration_ms"],
    }


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
