"""What one log event costs: plain, with a payload that holds secrets, and filtered out."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import loguru
import orjson
import structlog
from pythonjsonlogger.orjson import OrjsonFormatter

import obskit
from benchmarks.measure import Contender, Scenario

Emit = Callable[[], object]
Call = Callable[[Any], object]

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


def log_plain(log: Any) -> object:
    """Log the plain fields as a program does that names them in the call."""
    return log.info(MESSAGE, attempt=3, elapsed_ms=12.5, region="eu-central-1")


def log_payload(log: Any) -> object:
    """Log the payload."""
    request, user, items, token = PAYLOAD.values()
    return log.info(MESSAGE, request=request, user=user, items=items, token=token)


def log_below_level(log: Any) -> object:
    """Log what nobody wants to see."""
    return log.debug(MESSAGE, attempt=3, elapsed_ms=12.5, region="eu-central-1")


def _null() -> io.FileIO:
    return io.FileIO(os.devnull, "w")


def floor(fields: Mapping[str, object]) -> Contender:
    """Encode the finished dict and write it: no logger can do less."""

    def prepare() -> Emit:
        fd = os.open(os.devnull, os.O_WRONLY)
        core = {"ts": "2026-01-02T03:04:05.678901+00:00", "level": "info", "service": "bench", "fn": "call"}
        finished = {**core, **CONTEXT, "msg": MESSAGE, **fields}
        return lambda: os.write(fd, orjson.dumps(finished) + b"\n")

    return Contender("floor: orjson and write", prepare)


def obskit_logger(call: Call, *, with_orjson: bool = True) -> Contender:
    """Log with obskit as documented, redaction on."""

    def prepare() -> Emit:
        with without_module("orjson") if not with_orjson else nullcontext():
            obskit.configure(service="bench", output=_null(), capture_logging=False, hooks=False)
            log = obskit.get_logger()
            obskit.set_context(**CONTEXT)
            for _ in range(200):  # after 100 lines it looks for orjson
                call(log)
        return lambda: call(log)

    return Contender("obskit" if with_orjson else "obskit, json", prepare)


def structlog_logger(call: Call, dumps: Callable[..., Any], name: str) -> Contender:
    """Log with structlog set up for production, without any redaction."""

    def prepare() -> Emit:
        log = _structlog(dumps)
        structlog.contextvars.bind_contextvars(**CONTEXT)
        return lambda: call(log)

    return Contender(f"structlog, {name}, no redaction", prepare)


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


def python_json_logger(fields: Mapping[str, Any]) -> Contender:
    """Log with the standard library and python-json-logger over orjson."""

    def prepare() -> Emit:
        log = _stdlib_logger(
            "bench.pjl", OrjsonFormatter("%(asctime)s %(levelname)s %(funcName)s %(message)s")
        )
        return lambda: log.info(MESSAGE, extra={**CONTEXT, **fields})

    return Contender("python-json-logger, orjson", prepare)


def stdlib_filtered() -> Contender:
    """Log below the level with the standard library."""

    def prepare() -> Emit:
        log = _stdlib_logger("bench.std", logging.Formatter())
        return lambda: log.debug(MESSAGE, extra={"attempt": 3, "elapsed_ms": 12.5, "region": "eu-central-1"})

    return Contender("logging", prepare)


def _stdlib_logger(name: str, formatter: logging.Formatter) -> logging.Logger:
    log = logging.getLogger(name)
    handler = logging.StreamHandler(io.TextIOWrapper(_null(), write_through=True))
    handler.setFormatter(formatter)
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
    return log


def loguru_logger(fields: Mapping[str, Any]) -> Contender:
    """Log with loguru, serialised."""

    def prepare() -> Emit:
        loguru.logger.remove()
        sink = io.TextIOWrapper(_null(), write_through=True)
        loguru.logger.add(sink, serialize=True, level="INFO", backtrace=False, diagnose=False)
        log = loguru.logger.bind(**CONTEXT)
        return lambda: log.bind(**fields).info(MESSAGE)

    return Contender("loguru", prepare)


@contextmanager
def without_module(name: str) -> Iterator[None]:
    """Make *name* look as if it were not installed."""
    before = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def _scenario(title: str, fields: Mapping[str, Any], call: Call, budget: float) -> Scenario:
    return Scenario(
        title,
        floor(fields),
        (
            obskit_logger(call),
            structlog_logger(call, orjson.dumps, "orjson"),
            structlog_logger(call, json.dumps, "json"),
            python_json_logger(fields),
            loguru_logger(fields),
        ),
        budget,
    )


SCENARIOS = (
    _scenario("Log event: 4 context and 3 plain fields", FIELDS, log_plain, 5),
    Scenario(
        "Log event: the same with the standard library's json",
        floor(FIELDS),
        (obskit_logger(log_plain, with_orjson=False),),
        9,
    ),
    _scenario("Log event: nested payload with secrets", PAYLOAD, log_payload, 12),
    Scenario(
        "Event below the level",
        floor(FIELDS),
        (
            obskit_logger(log_below_level),
            structlog_logger(log_below_level, orjson.dumps, "orjson"),
            stdlib_filtered(),
        ),
        0.25,
    ),
)
