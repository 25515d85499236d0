"""
The object that a program logs with.

A logger is an immutable value: a name and bound fields. It asks for the runtime
at each call, so one made at import time follows a later `configure()`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, cast

from .. import runtime
from ..context import current_scope
from ..event import Event
from ..levels import CRITICAL, DEBUG, ERROR, INFO, WARN
from .message import find_exception, format_message
from .pipeline import Pipeline


def get_logger(name: str | None = None, **fields: object) -> Logger:
    """
    Make a logger.

    Args:
        name: Stands on each line as ``logger``, and chooses its level where
            `configure()` was given *levels*. Optional.
        fields: Bound to every line of this logger.
    """
    return Logger(name, fields)


class Logger:
    """
    Logs events; safe to share between threads and tasks.

    Every method takes a message, ``%``-style arguments for it, and fields as
    keyword arguments. ``exc_info=`` takes an exception, or True for the one
    being handled. Nothing that is passed can make a call raise.
    """

    __slots__ = ("_fields", "_name")

    def __init__(self, name: str | None, fields: Mapping[str, object]) -> None:
        self._name = name
        self._fields = fields

    def __repr__(self) -> str:
        """Bound values are left out: they have not been through the gate."""
        return f"<Logger {self._name or ''} bound={sorted(self._fields)}>"

    def bind(self, **fields: object) -> Logger:
        """Return a logger with *fields* bound as well; the newer value of a name counts."""
        return Logger(self._name, {**self._fields, **fields})

    def unbind(self, *names: str) -> Logger:
        """Return a logger without the bound fields called *names*; unknown names are ignored."""
        return Logger(self._name, {k: v for k, v in self._fields.items() if k not in names})

    def is_enabled(self, level: int) -> bool:
        """Tell whether an event of the number *level* would be kept."""
        return _pipeline().is_enabled(self._name, level)

    def debug(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what helps to find an error."""
        self._log(DEBUG, msg, args, fields)

    def info(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what happened as it should."""
        self._log(INFO, msg, args, fields)

    def warn(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what is odd but was coped with."""
        self._log(WARN, msg, args, fields)

    warning = warn

    def error(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what failed."""
        self._log(ERROR, msg, args, fields)

    def critical(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what stops the program from doing its job."""
        self._log(CRITICAL, msg, args, fields)

    def exception(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log at level error with the exception that is being handled."""
        fields.setdefault("exc_info", True)
        self._log(ERROR, msg, args, fields)

    def _log(self, level: int, msg: object, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        pipeline = _pipeline()
        if not pipeline.is_enabled(self._name, level):
            return
        exception = find_exception(fields.pop("exc_info")) if "exc_info" in fields else None
        text = msg if type(msg) is str and not args else format_message(msg, args, fields)
        pipeline.emit(
            Event(
                time_ns=pipeline.clock.time_ns(),
                level=level,
                msg=text,
                fn=sys._getframe(2).f_code.co_qualname,
                logger=self._name,
                fields={**current_scope().fields, **self._fields, **fields},
                exception=exception,
            )
        )


def _pipeline() -> Pipeline:
    return cast("Pipeline", runtime.current().logs)
