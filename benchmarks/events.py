"""What one log event costs: plain, with a payload that holds secrets, and filtered out."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import loguru
import orjson
import structlog
from pythonjsonlogger.orjson import OrjsonFormatter

import obskit
from benchmarks.measure import Contender, Scenario

Emit = Callable[[], object]

CONTEXT = {
    "trace_id": uuid.uuid4().hex,
    "correlation_id": uuid.uuid4().hex,
    "user_id": "184",
    "cmd": "/diagnose",
}
FIELDS = {"attempt": 3, "elapsed_ms": 12.5, "region": "eu-central-1"}
PAYLOAD = {
    "request": {
        "headers": {"Authorization": "Bearer " + "x" * 40, "Accept": "application/json"},
        "retries": 2,
    },
    "user": {"id": "184", "name": "ada", "password": "not-a-real-password"},
    "items": [{"sku": f"part-{number}", "count": number} for number in range(8)],
    "token": "not-a-real-token-0001",
}
MESSAGE = "workflow dispatched"


def _null() -> io.FileIO:
    return io.FileIO(os.devnull, "w")


def _finished(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the very fields that a line of obskit has."""
    return {
        "ts": "2026-01-02T03:04:05.678901+00:00",
        "level": "info",
        "service": "bench",
        "fn": "call",
        **CONTEXT,
        "msg": MESSAGE,
        **fields,
    }


def floor(fields: Mapping[str, object], dumps: Callable[[Any], bytes]) -> Contender:
    """Encode the finished dict and write it: no logger can do less."""

    def prepare() -> Emit:
        finished, fd = _finished(fields), os.open(os.devnull, os.O_WRONLY)
        return lambda: os.write(fd, dumps(finished) + b"\n")

    return Contender("floor: encode and write", prepare)


def obskit_event(fields: Mapping[str, Any]) -> Contender:
    """Log with obskit as documented, redaction on."""

    def prepare() -> Emit:
        obskit.configure(service="bench", output=_null(), capture_logging=False, hooks=False)
        log = obskit.get_logger()
        return _in_context(lambda: obskit.set_context(**CONTEXT), lambda: log.info(MESSAGE, **fields))

    return Contender("obskit", prepare)


def obskit_filtered() -> Contender:
    """Log below the level."""

    def prepare() -> Emit:
        obskit.configure(service="bench", output=_null(), capture_logging=False, hooks=False)
        log = obskit.get_logger()
        return lambda: log.debug(MESSAGE, **FIELDS)

    return Contender("obskit", prepare)


def structlog_event(fields: Mapping[str, Any], dumps: Callable[..., Any], name: str) -> Contender:
    """Log with structlog set up for production, without any redaction."""

    def prepare() -> Emit:
        log = _structlog(dumps)
        return _in_context(
            lambda: structlog.contextvars.bind_contextvars(**CONTEXT), lambda: log.info(MESSAGE, **fields)
        )

    return Contender(name, prepare)


def structlog_filtered() -> Contender:
    """Log below the level with structlog."""

    def prepare() -> Emit:
        log = _structlog(orjson.dumps)
        return lambda: log.debug(MESSAGE, **FIELDS)

    return Contender("structlog", prepare)


def _structlog(dumps: Callable[..., Any]) -> Any:
    """Set structlog up as its documentation advises for production."""
    if dumps is orjson.dumps:
        target: object = structlog.BytesLogger(_null())
    else:
        target = structlog.WriteLogger(io.TextIOWrapper(_null(), write_through=True))
    return structlog.wrap_logger(
        target,
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.CallsiteParameterAdder({structlog.processors.CallsiteParameter.FUNC_NAME}),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(serializer=dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind()


def pythonjsonlogger_event(fields: Mapping[str, Any]) -> Contender:
    """Log with the standard library and python-json-logger over orjson."""

    def prepare() -> Emit:
        log = _stdlib_logger(
            "bench.pjl", OrjsonFormatter("%(asctime)s %(levelname)s %(funcName)s %(message)s")
        )
        extra = {**CONTEXT, **fields}
        return lambda: log.info(MESSAGE, extra=extra)

    return Contender("python-json-logger + orjson", prepare)


def stdlib_filtered() -> Contender:
    """Log below the level with the standard library."""

    def prepare() -> Emit:
        log = _stdlib_logger("bench.std", logging.Formatter())
        return lambda: log.debug(MESSAGE, extra=FIELDS)

    return Contender("logging", prepare)


def _stdlib_logger(name: str, formatter: logging.Formatter) -> logging.Logger:
    log = logging.getLogger(name)
    handler = logging.StreamHandler(io.TextIOWrapper(_null(), write_through=True))
    handler.setFormatter(formatter)
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    return log


def loguru_event(fields: Mapping[str, Any]) -> Contender:
    """Log with loguru, serialised."""

    def prepare() -> Emit:
        loguru.logger.remove()
        sink = io.TextIOWrapper(_null(), write_through=True)
        loguru.logger.add(sink, serialize=True, level="INFO", backtrace=False, diagnose=False)
        log = loguru.logger.bind(**CONTEXT)
        return lambda: log.bind(**fields).info(MESSAGE)

    return Contender("loguru", prepare)


def _in_context(bind: Emit, call: Emit) -> Emit:
    """Let *call* run where *bind* has bound the context, without paying for it in each call."""
    context = contextvars.copy_context()
    context.run(bind)
    return lambda: context.run(call)


def _json_dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _event_scenario(title: str, fields: Mapping[str, Any], budget: float) -> Scenario:
    return Scenario(
        title,
        floor(fields, orjson.dumps),
        (
            obskit_event(fields),
            structlog_event(fields, orjson.dumps, "structlog + orjson, no redaction"),
            structlog_event(fields, json.dumps, "structlog + json, no redaction"),
            pythonjsonlogger_event(fields),
            loguru_event(fields),
        ),
        budget,
    )


SCENARIOS = (
    _event_scenario("Log event: 4 context and 3 plain fields", FIELDS, 5),
    _event_scenario("Log event: nested payload with secrets", PAYLOAD, 12),
    Scenario(
        "Event below the level",
        floor(FIELDS, orjson.dumps),
        (obskit_filtered(), structlog_filtered(), stdlib_filtered()),
        0.25,
    ),
)
