"""
Lay the parts of an event out as the fields of a line: their names and their order.

Each schema is a table of the names that one reader of logs looks for. A field
of the user never takes such a name: it is kept as ``<name>_``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Final, TypeAlias

from ..clock import isoformat
from ..event import Json, SafeEvent
from ..levels import level_name

#: Gives the fields of a line, in their order, for an event and the name of the service.
Schema: TypeAlias = Callable[[SafeEvent, str], dict[str, Json]]
#: Gives what stands in one of them; None leaves the field out.
Column: TypeAlias = Callable[[SafeEvent, str], Json]


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


def _table(
    columns: Mapping[str, Column],
    *,
    renamed: Mapping[str, str] | None = None,
    kept_free: Iterable[str] = (),
    nested: bool = False,
) -> Schema:
    """
    Make a schema of its own *columns*, with the fields of the user behind them.

    Args:
        renamed: Fields of the user that the reader knows by another name.
        kept_free: Further names that a field of the user must not bear.
        nested: Whether the reader makes an object of each dot in a name; then no
            field of the user may bear the name of such an object either.
    """
    others = renamed or {}
    reserved = {*columns, *others.values(), *kept_free}
    if nested:
        parts = [name.split(".") for name in reserved]
        reserved |= {".".join(part[:end]) for part in parts for end in range(1, len(part))}

    def lay_out(event: SafeEvent, service: str) -> dict[str, Json]:
        """Lay *event* out as a line of this schema."""
        line: dict[str, Json] = {}
        for name, column in columns.items():
            if (value := column(event, service)) is not None:
                line[name] = value
        for name, value in (event.context | event.fields).items():
            if name in reserved:
                line[_free_name(name, event.fields)] = value
            else:
                line[others.get(name, name)] = value
        return line

    return lay_out


def _free_name(name: str, fields: Mapping[str, Json]) -> str:
    """Keep a user's field of a core name apart from ours: ``level`` becomes ``level_``."""
    name += "_"
    while name in fields:
        name += "_"
    return name


def _time(event: SafeEvent, service: str) -> Json:
    return isoformat(event.time_ns).replace("+00:00", "Z")


def _service(event: SafeEvent, service: str) -> Json:
    return service


def _level_name(event: SafeEvent, service: str) -> Json:
    return level_name(event.level)


def _part(name: str) -> Column:
    """Give the part of the event that is called *name*."""
    read = attrgetter(name)
    return lambda event, service: read(event)


_msg, _fn, _logger, _event, _error, _stack = map(_part, ("msg", "fn", "logger", "event", "error", "stack"))


def _error_type(event: SafeEvent, service: str) -> Json:
    return event.error and event.error.partition(": ")[0]


def _error_message(event: SafeEvent, service: str) -> Json:
    return event.error and event.error.partition(": ")[2]


def _span_number(event: SafeEvent, service: str) -> Json:
    """Write the id of the span in decimal, the one form in which Datadog reads it."""
    try:
        return str(int(str(event.fields.get("span_id")), 16))
    except ValueError:
        return None


def _level(*names: Json) -> Column:
    """Name the level by one of *names*, which stand for the levels from 0, 10, ... 50 upwards."""
    return lambda event, service: names[min(max(event.level // 10, 0), 5)]


_SEVERITY: Final = _level("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


# A line whose `level` is none of these counts as INFO. The other names are those of the runtime's own lines.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
_lambda: Final = _table(
    {
        "timestamp": _time,
        "level": _SEVERITY,
        "message": _msg,
        "service": _service,
        "fn": _fn,
        "event": _event,
        "logger": _logger,
        "errorType": _error_type,
        "errorMessage": _error_message,
        "stackTrace": _stack,
    },
    renamed={"request_id": "requestId"},
)

# The order of the first three is part of https://github.com/elastic/ecs-logging/blob/main/spec/spec.json.
_ecs: Final = _table(
    {
        "@timestamp": _time,
        "log.level": _level_name,
        "message": _msg,
        "ecs.version": lambda event, service: "8.11.0",
        "service.name": _service,
        "log.origin.function": _fn,
        "event.action": _event,
        "log.logger": _logger,
        "error.type": _error_type,
        "error.message": _error_message,
        "error.stack_trace": _stack,
    },
    renamed={"trace_id": "trace.id", "span_id": "span.id", "user_id": "user.id"},
    nested=True,
)

# https://docs.datadoghq.com/standard-attributes and, for what makes an error one of Error Tracking,
# https://docs.datadoghq.com/error_tracking/logs
_datadog: Final = _table(
    {
        "timestamp": _time,
        "status": _level_name,
        "message": _msg,
        "service": _service,
        "logger.name": _logger,
        "logger.method_name": _fn,
        "evt.name": _event,
        "error.kind": _error_type,
        "error.message": _error_message,
        "error.stack": _stack,
        "dd.span_id": _span_number,
    },
    renamed={"trace_id": "dd.trace_id", "user_id": "usr.id"},
    kept_free={"@timestamp"},  # it would be taken before "timestamp"
    nested=True,
)

# Top-level ids: https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/ (stable). The
# rest are the fields of the log data model, its attributes by their names in the semantic conventions.
_otel: Final = _table(
    {
        "timestamp": _time,
        "severity_text": _SEVERITY,
        "severity_number": _level(1, 5, 9, 13, 17, 21),
        "body": _msg,
        "event_name": _event,
        "service.name": _service,
        "code.function.name": _fn,
        "logger.name": _logger,
        "exception.type": _error_type,
        "exception.message": _error_message,
        "exception.stacktrace": _stack,
    },
    renamed={"user_id": "user.id"},
)


_GOOGLE: Final = "logging.googleapis.com/"


def gcp(project: str = "") -> Schema:
    """
    Make the schema of Google Cloud Logging.

    Args:
        project: Id of the project that traces are in; lines are linked to their
            trace only where it is known.
    """

    def trace(event: SafeEvent, service: str) -> Json:
        """Name the trace as Google does."""
        trace_id = event.context.get("trace_id")
        return f"projects/{project}/traces/{trace_id}" if project and trace_id else None

    # https://docs.cloud.google.com/logging/docs/structured-logging
    return _table(
        {
            "severity": _level("DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            "message": _msg,
            "time": _time,
            f"{_GOOGLE}trace": trace,
            f"{_GOOGLE}sourceLocation": lambda event, service: {"function": event.fn},
            "serviceContext": lambda event, service: {"service": service},
            "event": _event,
            "logger": _logger,
            "error": _error,
            "stack_trace": _stack,
        },
        renamed={"span_id": f"{_GOOGLE}spanId"},
        # The agent would take these for the time and the identity of the entry.
        kept_free={"timestamp", "timestampSeconds", "timestampNanos", f"{_GOOGLE}insertId"},
    )


SCHEMAS: Final[dict[str, Schema]] = {
    "default": default,
    "lambda": _lambda,
    "ecs": _ecs,
    "gcp": gcp(),
    "datadog": _datadog,
    "otel": _otel,
}
