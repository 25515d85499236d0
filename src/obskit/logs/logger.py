"""
The object that a program logs with.

A logger is an immutable value: a name and bound fields. It asks for the runtime
at each call, so one made at import time follows a later `configure()`.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from ..context import current_scope
from ..encoding.plain import text_of
from ..event import Bound, Event
from ..levels import CRITICAL, DEBUG, ERROR, INFO, WARN
from ..naming import takes_any_field
from ..runtime import CELL
from .flight import current_recording
from .message import find_exception, format_message
from .pipeline import Pipeline, current_pipeline

_frame: Final = sys._getframe


@takes_any_field
def get_logger(name: str | None = None, **fields: object) -> Logger:
    """
    Make a logger.

    Args:
        name: Stands on each line as ``logger``, and chooses its level where
            `configure()` was given *levels*. Optional; what is no text is written as text.
        fields: Bound to every line of this logger.
    """
    return Logger(None if name is None else text_of(name), Bound(fields))


class Logger:
    """
    Logs events; safe to share between threads and tasks.

    Every method takes a message, ``%``-style arguments for it, and fields as
    keyword arguments. ``exc_info=`` takes an exception, or True for the one
    being handled. Nothing that is passed can make a call raise.
    """

    __slots__ = ("_bound", "_name")

    def __init__(self, name: str | None, bound: Bound) -> None:
        self._name = name
        self._bound = bound

    def __repr__(self) -> str:
        """Bound values are left out."""
        text = f"<Logger {self._name or ''} bound={sorted(self._bound.fields)}>"
        return CELL.current().gate.text(text)

    def bind(self, **fields: object) -> Logger:
        """Return a logger with *fields* bound as well; the newer value of a name counts."""
        return Logger(self._name, Bound({**self._bound.fields, **fields}))

    def unbind(self, *names: str) -> Logger:
        """Return a logger without the bound fields called *names*; unknown names are ignored."""
        gone = {str.__str__(name) for name in names if issubclass(type(name), str)}
        kept = {name: value for name, value in self._bound.fields.items() if name not in gone}
        return Logger(self._name, Bound(kept))

    def is_enabled(self, level: int) -> bool:
        """Tell whether an event of the number *level* would be kept."""
        return current_pipeline().is_enabled(self._name, level)

    def debug(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what helps to find an error."""
        if CELL.lowest <= DEBUG:
            self._log(DEBUG, msg, args, fields)

    def info(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what happened as it should."""
        if CELL.lowest <= INFO:
            self._log(INFO, msg, args, fields)

    def warn(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what is odd but was coped with."""
        if CELL.lowest <= WARN:
            self._log(WARN, msg, args, fields)

    warning = warn

    def error(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what failed."""
        if CELL.lowest <= ERROR:
            self._log(ERROR, msg, args, fields)

    def critical(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log what stops the program from doing its job."""
        if CELL.lowest <= CRITICAL:
            self._log(CRITICAL, msg, args, fields)

    def exception(self, msg: object, /, *args: object, **fields: Any) -> None:
        """Log at level error with the exception that is being handled."""
        fields.setdefault("exc_info", True)
        self._log(ERROR, msg, args, fields)

    def _log(self, level: int, msg: object, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        # As `current_pipeline` does, whose call would take 0.1 µs.
        pipeline: Pipeline = (CELL.runtime or CELL.current()).logs  # type: ignore[assignment]
        thresholds = pipeline.thresholds
        recording = None
        if level < (thresholds.of(self._name) if thresholds.by_name else thresholds.lowest):
            recording = current_recording()
            if recording is None:
                return
        exception = find_exception(fields.pop("exc_info")) if "exc_info" in fields else None
        template = msg if type(msg) is str else None
        text = format_message(msg, args, fields) if args or template is None else template
        try:
            fn = _frame(2).f_code.co_qualname
        except ValueError:  # no Python code called: `atexit` did, or a thread began here
            fn = "<unknown>"
        bound = self._bound
        event = (
            pipeline.time_ns(),
            level,
            text,
            fn,
            self._name,
            (current_scope(), bound) if bound.fields else (current_scope(),),
            fields,
            exception,
            None,
            template,
        )
        if recording is None:
            pipeline.emit(event)
        else:
            recording.keep(Event._make(event))
