"""Each schema gives a reader of logs the names it looks for, and no field of the user can pose as one."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.encoding.schemas import SCHEMAS
from obskit.event import Json, SafeEvent, SafeFields
from obskit.testing import FakeClock

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TIME = "2023-11-14T22:13:20.000000Z"
#: The line of one event in each schema; the stack is checked on its own.
GOLDEN: dict[str, dict[str, Json]] = {
    "default": {
        "ts": "2023-11-14T22:13:20.000000+00:00",
        "level": "error",
        "service": "bot",
        "fn": "fail",
        "trace_id": TRACE_ID,
        "user_id": "42",
        "msg": "failed",
        "request_id": "r-1",
        "run": 7,
        "error": "ValueError: no such run: 7",
        "stack": "",
        "logger": "runs",
    },
    "lambda": {
        "timestamp": TIME,
        "level": "ERROR",
        "message": "failed",
        "service": "bot",
        "fn": "fail",
        "logger": "runs",
        "errorType": "ValueError",
        "errorMessage": "no such run: 7",
        "stackTrace": "",
        "trace_id": TRACE_ID,
        "user_id": "42",
        "requestId": "r-1",
        "run": 7,
    },
    "ecs": {
        "@timestamp": TIME,
        "log.level": "error",
        "message": "failed",
        "ecs.version": "8.11.0",
        "service.name": "bot",
        "log.origin.function": "fail",
        "log.logger": "runs",
        "error.type": "ValueError",
        "error.message": "no such run: 7",
        "error.stack_trace": "",
        "trace.id": TRACE_ID,
        "user.id": "42",
        "request_id": "r-1",
        "run": 7,
    },
    "gcp": {
        "severity": "ERROR",
        "message": "failed",
        "time": TIME,
        "logging.googleapis.com/trace": f"projects/my-project/traces/{TRACE_ID}",
        "logging.googleapis.com/sourceLocation": {"function": "fail"},
        "serviceContext": {"service": "bot"},
        "logger": "runs",
        "error": "ValueError: no such run: 7",
        "stack_trace": "",
        "trace_id": TRACE_ID,
        "user_id": "42",
        "request_id": "r-1",
        "run": 7,
    },
    "datadog": {
        "timestamp": TIME,
        "status": "error",
        "message": "failed",
        "service": "bot",
        "logger.name": "runs",
        "logger.method_name": "fail",
        "error.kind": "ValueError",
        "error.message": "no such run: 7",
        "error.stack": "",
        "dd.trace_id": TRACE_ID,
        "usr.id": "42",
        "request_id": "r-1",
        "run": 7,
    },
    "otel": {
        "timestamp": TIME,
        "severity_text": "ERROR",
        "severity_number": 17,
        "body": "failed",
        "service.name": "bot",
        "code.function.name": "fail",
        "logger.name": "runs",
        "exception.type": "ValueError",
        "exception.message": "no such run: 7",
        "exception.stacktrace": "",
        "trace_id": TRACE_ID,
        "user.id": "42",
        "request_id": "r-1",
        "run": 7,
    },
}
#: How the levels are called: trace, debug, info, warn, error, critical, and what lies beyond.
LEVELS = (5, 10, 20, 30, 40, 50, 60)
LEVEL_NAMES: dict[str, tuple[str, ...]] = {
    "default": ("level", "debug", "debug", "info", "warn", "error", "critical", "critical"),
    "lambda": ("level", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "FATAL"),
    "ecs": ("log.level", "debug", "debug", "info", "warn", "error", "critical", "critical"),
    "gcp": ("severity", "DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "CRITICAL"),
    "datadog": ("status", "debug", "debug", "info", "warn", "error", "critical", "critical"),
    "otel": ("severity_text", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "FATAL"),
}


def fail() -> None:
    """Log an error with its exception and two fields."""
    try:
        raise ValueError("no such run: 7")
    except ValueError:
        obskit.get_logger("runs").exception("failed", request_id="r-1", run=7)


def safe_event(level: int = 20, /, **fields: Json) -> SafeEvent:
    """Make an event as the gate would let it through."""
    return SafeEvent(SafeFields(0, level, "hello", "fn", None, {}, fields, None, None, None))


def written(**settings: Any) -> dict[str, Any]:
    """Configure, let it fail, and decode the line."""
    output = io.BytesIO()
    clock = FakeClock()
    with (
        obskit.configure(service="bot", output=output, capture_logging=False, clock=clock, **settings),
        obskit.bound_context(trace_id=TRACE_ID, user_id="42"),
    ):
        fail()
    line: dict[str, Any] = json.loads(output.getvalue())
    return line


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_error_is_laid_out_as_its_reader_expects(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, order and values of every schema, from the log call to the line."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    line = written(schema=schema)
    [stack] = [name for name, value in GOLDEN[schema].items() if value == ""]
    assert line[stack].startswith("Traceback (most recent call last):\n")
    line[stack] = ""
    assert list(line.items()) == list(GOLDEN[schema].items())


@pytest.mark.parametrize("schema", SCHEMAS)
def test_levels_have_the_names_of_the_schema(schema: str) -> None:
    """Also those between and beyond the five that obskit has methods for."""
    name, *expected = LEVEL_NAMES[schema]
    assert [SCHEMAS[schema](safe_event(level), "bot")[name] for level in LEVELS] == expected
    assert SCHEMAS[schema](safe_event(-10), "bot")[name] == expected[0]
    assert SCHEMAS[schema](safe_event(39), "bot")[name] == expected[3]


def test_a_trace_is_linked_only_where_the_project_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google wants the project in front of a trace id; without it the plain id is still there."""
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    line = written(schema="gcp")
    assert "logging.googleapis.com/trace" not in line
    assert line["trace_id"] == TRACE_ID


@pytest.mark.parametrize(
    ("span_id", "expected"), [("00000000000000ff", "255"), ("no hex", None), (None, None)]
)
def test_a_span_is_named_as_datadog_reads_it(span_id: str | None, expected: str | None) -> None:
    """In decimal; what is no id of a span is only a field."""
    fields: dict[str, Json] = {} if span_id is None else {"span_id": span_id}
    assert SCHEMAS["datadog"](safe_event(**fields), "bot").get("dd.span_id") == expected


def test_lambda_with_json_logs_gets_its_schema_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise every line would count as INFO there; an explicit choice is obeyed."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    assert written()["level"] == "ERROR"
    assert written(schema="default")["level"] == "error"
    monkeypatch.setenv("OBSKIT_SCHEMA", "ecs")
    assert written()["log.level"] == "error"
    monkeypatch.delenv("OBSKIT_SCHEMA")
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "Text")
    assert written()["level"] == "error"


NAMES = sorted({name for golden in GOLDEN.values() for name in golden} | {"dd", "trace", "@timestamp", "x"})


@given(
    st.sampled_from(sorted(SCHEMAS.keys() - {"default"})),
    st.dictionaries(st.sampled_from(NAMES), st.just("mine")),
)
def test_no_field_of_the_user_poses_as_one_of_the_schema(schema: str, fields: dict[str, Json]) -> None:
    """Whatever the fields are called, the schema's own stay as they were and none of the user's is lost."""
    alone = SCHEMAS[schema](safe_event(), "bot")
    line = SCHEMAS[schema](safe_event(**fields), "bot")
    assert {name: line[name] for name in alone} == alone
    assert list(line.values()).count("mine") == len(fields)


@pytest.mark.parametrize(
    ("schema", "name"),
    [("ecs", "log"), ("ecs", "error"), ("ecs", "log.origin"), ("datadog", "error"), ("datadog", "dd")],
)
def test_no_object_of_the_user_is_merged_into_fields_of_the_schema(schema: str, name: str) -> None:
    """These readers take a dot for an object: {"log": {"level": ...}} would be log.level a second time."""
    fields: dict[str, Json] = {name: {"level": "info"}}
    line = SCHEMAS[schema](safe_event(**fields), "bot")
    assert name not in line
    assert line[f"{name}_"] == {"level": "info"}


def test_a_name_that_is_taken_already_gets_another_underscore() -> None:
    """Neither the user's `message` nor the user's `message_` is lost."""
    line = SCHEMAS["lambda"](safe_event(message="a", message_="b"), "bot")
    assert (line["message"], line["message_"], line["message__"]) == ("hello", "b", "a")


def test_an_event_of_obskit_itself_keeps_its_name() -> None:
    """Dashboards count command.end in every schema."""
    event = SafeEvent(safe_event()._replace(event="command.end"))
    names = {
        schema: [n for n, v in lay_out(event, "bot").items() if v == "command.end"]
        for schema, lay_out in SCHEMAS.items()
    }
    assert names == {
        "default": ["event"],
        "lambda": ["event"],
        "ecs": ["event.action"],
        "gcp": ["event"],
        "datadog": ["evt.name"],
        "otel": ["event_name"],
    }
