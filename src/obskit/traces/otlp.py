"""
Write traces as OTLP/JSON, which OpenTelemetry collectors and back ends take.

The encoding is that of https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding:
ids in hex, enums as numbers, 64-bit integers as text, and no null anywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .. import runtime
from ..encoding.exceptions import ErrorInfo
from ..version import __version__
from .model import ExecutionTrace, Status, Step

_SERVER: Final = 2
_INTERNAL: Final = 1
_STATUS: Final[dict[Status, int]] = {"ok": 1, "error": 2, "lost": 2}
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_INT64: Final = 1 << 63
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def to_otlp(*traces: ExecutionTrace, resource: Mapping[str, object] | None = None) -> dict[str, Any]:
    """
    Return *traces* as one OTLP/JSON document: a span for each trace and each step.

    Args:
        resource: What describes the program, such as ``deployment.environment.name``;
            ``service.name`` is the service in force unless it is among them.
    """
    described = {"service.name": runtime.current().service, **(resource or {})}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(described)},
                "scopeSpans": [
                    {
                        "scope": {"name": "obskit", "version": __version__},
                        "spans": [span for trace in traces for span in _spans(trace)],
                    }
                ],
            }
        ]
    }


def _spans(trace: ExecutionTrace) -> Iterable[dict[str, Any]]:
    began_ns = (datetime.fromisoformat(trace.started_at) - _EPOCH) // timedelta(microseconds=1) * 1_000
    span_id = trace.span_id or trace.trace_id[:16]
    told = {
        **trace.attributes,
        **{f"link.{label}": url for label, url in trace.links.items()},
        "user.id": trace.user_id,
        "correlation_id": trace.correlation_id,
        "obskit.dropped_steps": trace.dropped_steps or None,
    }
    yield {
        "traceId": trace.trace_id,
        "spanId": span_id,
        "parentSpanId": trace.parent_id or "",
        "name": _clean(trace.command),
        "kind": _SERVER,
        "droppedAttributesCount": trace.dropped.get("fields", 0),
        **_course(trace, began_ns, told),
    }
    for step in list(trace.steps):
        yield {
            "traceId": trace.trace_id,
            "spanId": step.id,
            "parentSpanId": step.parent_id or span_id,
            "name": _clean(step.name),
            "kind": _INTERNAL,
            **_course(step, began_ns + round(step.started_ms * 1e6), step.details),
        }


def _course(part: ExecutionTrace | Step, start_ns: int, told: Mapping[str, object]) -> dict[str, Any]:
    """Return how it went: when, with what outcome, and what was *told* about it."""
    end_ns = str(start_ns + round(part.duration_ms * 1e6))
    status: dict[str, Any] = {"code": _STATUS.get(part.status, 0)}
    course = {
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": end_ns,
        "attributes": _attributes({**told, "obskit.status": part.status}),
        "status": status,
    }
    if part.error is not None:
        status["message"] = _clean(part.error.summary)
        course["events"] = [_event(part.error, end_ns)]
    return course


def _event(error: ErrorInfo, time_ns: str) -> dict[str, Any]:
    told = {"type": error.type, "message": error.message, "stacktrace": error.stack or None}
    attributes = _attributes({f"exception.{name}": value for name, value in told.items()})
    return {"timeUnixNano": time_ns, "name": "exception", "attributes": attributes}


def _attributes(values: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return *values* as OTLP has them; what is None is left out, since receivers refuse it."""
    return [
        {"key": _clean(name), "value": _value(value)} for name, value in values.items() if value is not None
    ]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return {"intValue": str(value)}
    if isinstance(value, float) and math.isfinite(value):
        return {"doubleValue": value}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _attributes(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value("" if item is None else item) for item in value]}}
    return {"stringValue": _clean(str(value))}


def _clean(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)
