"""
Lay the parts of an event out as the fields of a line: their names and their order.

Each schema is a table of the names that one reader of logs looks for. A field
of the user never takes such a name: it is kept as ``<name>_``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from ..clock import isoformat
from ..event import Json, SafeEvent, SafeFields, free_name
from ..levels import level_name

#: Gives the fields of a line, in their order, for an event and the name of the service.
Schema: TypeAlias = Callable[[SafeEvent, str], dict[str, Json]]

_NOTHING: Final = SafeEvent(SafeFields(0, 0, "", "", None, {}, {}, None, None, None))


# Every event of most programs is laid out here, so this one is written out by hand.
def default(event: SafeEvent, service: str) -> dict[str, Json]:
    """Lay *event* out with the names ``ts level service fn ... msg``."""
    line: dict[str, Json] = {
        "ts": isoformat(event.time_ns),
        "level": level_name(event.level),
        "service": service,
        "fn": event.fn,
        **event.context,
        "msg": event.msg,
    }
    if event.event is not None:
        line["event"] = event.event
    line.update(event.fields)
    if event.error is not None:
        line["error"] = event.error
        line["stack"] = event.stack
    if event.logger is not None:
        line["logger"] = event.logger
    return line


def _schema(
    *, renamed: Mapping[str, str], kept_free: Iterable[str] = (), nested: bool = False
) -> Callable[[Schema], Schema]:
    """
    Make a schema of a function that gives obskit's own fields, None for those that are left out.

    The fields of the user come behind them.

    Args:
        renamed: Fields of the user that the reader knows by another name.
        kept_free: Further names that a field of the user must not bear.
        nested: Whether the reader makes an object of each dot in a name; then no
            field of the user may bear the name of such an object either.
    """

    def complete(own_fields: Schema) -> Schema:
        reserved = {*own_fields(_NOTHING, ""), *renamed.values(), *kept_free}
        if nested:
            parts = [name.split(".") for name in reserved]
            reserved |= {".".join(part[:end]) for part in parts for end in range(1, len(part))}

        def lay_out(event: SafeEvent, service: str) -> dict[str, Json]:
            own = own_fields(event, service)
            line: dict[str, Json] = {name: value for name, value in own.items() if value is not None}
            for name, value in (event.context | event.fields).items():
                if name in reserved:
                    line[free_name(name, event.fields)] = value
                else:
                    line[renamed.get(name, name)] = value
            return line

        return lay_out

    return complete


def _time(event: SafeEvent) -> str:
    return isoformat(event.time_ns).replace("+00:00", "Z")


def _at(event: SafeEvent, *names: Json) -> Json:
    """Name the level of *event* by one of *names*, which stand for the levels from 0, 10, ... 50 upwards."""
    return names[min(max(event.level // 10, 0), 5)]


def _severity(event: SafeEvent) -> Json:
    return _at(event, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def _error(event: SafeEvent) -> tuple[str | None, str | None]:
    """Give type and message of the exception."""
    if event.error is None:
        return None, None
    kind, _, message = event.error.partition(": ")
    return kind, message


def _decimal(span_id: Json) -> Json:
    """Write the id of a span in decimal, the one form in which Datadog reads it."""
    try:
        return str(int(str(span_id), 16))
    except ValueError:
        return None


# A line whose `level` is none of these counts as INFO. The other names are those of the runtime's own lines.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
@_schema(renamed={"request_id": "requestId"})
def _lambda(event: SafeEvent, service: str) -> dict[str, Json]:
    kind, message = _error(event)
    return {
        "timestamp": _time(event),
        "level": _severity(event),
        "message": event.msg,
        "service": service,
        "fn": event.fn,
        "event": event.event,
        "logger": event.logger,
        "errorType": kind,
        "errorMessage": message,
        "stackTrace": event.stack,
    }


# The order of the first three is part of https://github.com/elastic/ecs-logging/blob/main/spec/spec.json.
@_schema(renamed={"trace_id": "trace.id", "span_id": "span.id", "user_id": "user.id"}, nested=True)
def _ecs(event: SafeEvent, service: str) -> dict[str, Json]:
    kind, message = _error(event)
    return {
        "@timestamp": _time(event),
        "log.level": level_name(event.level),
        "message": event.msg,
        "ecs.version": "8.11.0",
        "service.name": service,
        "log.origin.function": event.fn,
        "event.action": event.event,
        "log.logger": event.logger,
        "error.type": kind,
        "error.message": message,
        "error.stack_trace": event.stack,
    }


# https://docs.datadoghq.com/standard-attributes and, for what makes an error one of Error Tracking,
# https://docs.datadoghq.com/error_tracking/logs
@_schema(
    renamed={"trace_id": "dd.trace_id", "user_id": "usr.id"},
    kept_free={"@timestamp"},  # it would be taken before "timestamp"
    nested=True,
)
def _datadog(event: SafeEvent, service: str) -> dict[str, Json]:
    kind, message = _error(event)
    return {
        "timestamp": _time(event),
        "status": level_name(event.level),
        "message": event.msg,
        "service": service,
        "logger.name": event.logger,
        "logger.method_name": event.fn,
        "evt.name": event.event,
        "error.kind": kind,
        "error.message": message,
        "error.stack": event.stack,
        "dd.span_id": _decimal(event.fields.get("span_id")),
    }


# Top-level ids: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/ (stable). The
# rest are the fields of the log data model, its attributes by their names in the semantic conventions.
@_schema(renamed={"user_id": "user.id"})
def _otel(event: SafeEvent, service: str) -> dict[str, Json]:
    kind, message = _error(event)
    return {
        "timestamp": _time(event),
        "severity_text": _severity(event),
        "severity_number": _at(event, 1, 5, 9, 13, 17, 21),
        "body": event.msg,
        "event_name": event.event,
        "service.name": service,
        "code.function.name": event.fn,
        "logger.name": event.logger,
        "exception.type": kind,
        "exception.message": message,
        "exception.stacktrace": event.stack,
    }


_GOOGLE: Final = "logging.googleapis.com/"


def gcp(project: str = "") -> Schema:
    """
    Make the schema of Google Cloud Logging.

    Args:
        project: Id of the project that traces are in; lines are linked to their
            trace only where it is known.
    """

    # https://docs.cloud.google.com/logging/docs/structured-logging
    @_schema(
        renamed={"span_id": f"{_GOOGLE}spanId"},
        # The agent would take these for the time and the identity of the entry.
        kept_free={"timestamp", "timestampSeconds", "timestampNanos", f"{_GOOGLE}insertId"},
    )
    def _gcp(event: SafeEvent, service: str) -> dict[str, Json]:
        trace_id = event.context.get("trace_id")
        return {
            "severity": _at(event, "DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            "message": event.msg,
            "time": _time(event),
            f"{_GOOGLE}trace": f"projects/{project}/traces/{trace_id}" if project and trace_id else None,
            f"{_GOOGLE}sourceLocation": {"function": event.fn},
            "serviceContext": {"service": service},
            "event": event.event,
            "logger": event.logger,
            "error": event.error,
            "stack_trace": event.stack,
        }

    return _gcp


SCHEMAS: Final[dict[str, Schema]] = {
    "default": default,
    "lambda": _lambda,
    "ecs": _ecs,
    "gcp": gcp(),
    "datadog": _datadog,
    "otel": _otel,
}
