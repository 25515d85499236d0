"""
The six loggers of the card, each set up as its own documentation sets it up for JSON on stdout.

A probe sees all of them through `Log`, which only spells a call the way the logger
wants it: it adds no safety and takes none away.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol


class Log(Protocol):
    """A logger as a probe sees it."""

    def info(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        """Log at level info."""

    def exception(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        """Log at level error with the exception that is being handled."""

    def bind(self, **fields: Any) -> Log:
        """Return a logger that puts *fields* on each line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A logger of the card and how to read its lines."""

    name: str
    distribution: str | None  #: what is installed by pip; None is part of Python or of this project
    setting: str  #: how it is set up, for the reader of the card
    set_up: Callable[[], Log]
    level: Callable[[Mapping[str, Any]], Any]  #: finds the level in a decoded line
    message: Callable[[Mapping[str, Any]], Any]  #: finds the message in a decoded line
    lost: Callable[[], float] = float  #: how many lines the logger says it has lost
    told: Callable[[Mapping[str, Any]], int] = lambda line: 0  #: how many losses a line of its own reports

    def version(self) -> str | None:
        """Return the version that is installed, or None where it is missing."""
        if self.distribution is None:
            return "this project" if self.name == "obskit" else "of Python"
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class Keywords:
    """Loggers that take fields as keywords: obskit and structlog."""

    logger: Any

    def info(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.info(msg, *args, **fields)

    def exception(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.exception(msg, *args, **fields)

    def bind(self, **fields: Any) -> Log:
        return Keywords(self.logger.bind(**fields))


@dataclass(frozen=True, slots=True)
class Loguru:
    """Loguru: fields are bound, and messages are formatted with braces."""

    logger: Any

    def info(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.bind(**fields).info(_braces(msg, args), *args)

    def exception(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.bind(**fields).exception(_braces(msg, args), *args)

    def bind(self, **fields: Any) -> Log:
        return Loguru(self.logger.bind(**fields))


@dataclass(frozen=True, slots=True)
class Standard:
    """Loggers with the interface of `logging`: fields go in ``extra``."""

    logger: Any

    def info(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.info(msg, *args, extra=fields)

    def exception(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.exception(msg, *args, extra=fields)

    def bind(self, **fields: Any) -> Log:
        return Bound(self.logger, fields)


@dataclass(frozen=True, slots=True)
class Bound:
    """`logging` has no bound fields that a call can add to, so they are merged here."""

    logger: Any
    fields: Mapping[str, Any]

    def info(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.info(msg, *args, extra={**self.fields, **fields})

    def exception(self, msg: Any, /, *args: Any, **fields: Any) -> None:
        self.logger.exception(msg, *args, extra={**self.fields, **fields})

    def bind(self, **fields: Any) -> Log:
        return Bound(self.logger, {**self.fields, **fields})


@dataclass(frozen=True, slots=True)
class Appended(Standard):
    """Powertools: bound fields are appended to the one logger of the process."""

    def bind(self, **fields: Any) -> Log:
        self.logger.append_keys(**fields)
        return self


class MinimalFormatter(logging.Formatter):
    """The JSON formatter that many projects write for themselves: ``json.dumps(..., default=str)``."""

    _OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        fields = {name: value for name, value in vars(record).items() if name not in self._OWN}
        line = {
            "timestamp": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _braces(msg: Any, args: tuple[Any, ...]) -> Any:
    if not args or not isinstance(msg, str):
        return msg
    return msg.replace("%s", "{}").replace("%d", "{:d}").replace("%r", "{!r}")


def _obskit() -> Log:
    import obskit

    obskit.configure(service="card")
    return Keywords(obskit.get_logger("card"))


def _obskit_lost() -> float:
    from obskit.runtime import current

    return current().stats()["logs_dropped"]


def _structlog() -> Log:
    import orjson
    import structlog

    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(),
    )
    return Keywords(structlog.get_logger())


def _loguru() -> Log:
    from loguru import logger

    logger.remove()
    logger.add(sys.stdout, serialize=True)
    return Loguru(logger)


def _python_json_logger() -> Log:
    from pythonjsonlogger.json import JsonFormatter

    return _standard(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))


def _powertools() -> Log:
    from aws_lambda_powertools import Logger

    return Appended(Logger(service="card"))


def _logging() -> Log:
    return _standard(MinimalFormatter())


def _standard(formatter: logging.Formatter) -> Log:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    return Standard(logging.getLogger("card"))


def clear(log: Log) -> None:
    """Forget what a probe has bound to a logger that keeps it for the whole process."""
    if isinstance(log, Appended):
        with contextlib.suppress(Exception):
            log.logger.clear_state()


CONTENDERS = (
    Contender(
        name="obskit",
        distribution=None,
        setting='`obskit.configure(service="card")`',
        set_up=_obskit,
        level=lambda line: line["level"],
        message=lambda line: line["msg"],
        lost=_obskit_lost,
        told=lambda line: line.get("dropped", 0) if line.get("event") == "obskit.dropped" else 0,
    ),
    Contender(
        name="structlog",
        distribution="structlog",
        setting="the production-ready example of its page *Performance*: orjson, `BytesLoggerFactory`",
        set_up=_structlog,
        level=lambda line: line["level"],
        message=lambda line: line["event"],
    ),
    Contender(
        name="loguru",
        distribution="loguru",
        setting="`logger.add(sys.stdout, serialize=True)`",
        set_up=_loguru,
        level=lambda line: line["record"]["level"]["name"],
        message=lambda line: line["record"]["message"],
    ),
    Contender(
        name="python-json-logger",
        distribution="python-json-logger",
        setting="`JsonFormatter` with time, level, name and message on a `StreamHandler`",
        set_up=_python_json_logger,
        level=lambda line: line["levelname"],
        message=lambda line: line["message"],
    ),
    Contender(
        name="powertools",
        distribution="aws-lambda-powertools",
        setting='`Logger(service="card")`',
        set_up=_powertools,
        level=lambda line: line["level"],
        message=lambda line: line["message"],
    ),
    Contender(
        name="logging",
        distribution=None,
        setting="`StreamHandler` and `MinimalFormatter` of `faultcard`: `json.dumps(..., default=str)`",
        set_up=_logging,
        level=lambda line: line["level"],
        message=lambda line: line["message"],
    ),
)

BY_NAME = {contender.name: contender for contender in CONTENDERS}
