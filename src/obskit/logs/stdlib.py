"""
Bring the records of the standard library's `logging` into the pipeline.

This is the only module of obskit that knows `logging`. A record is read and
never changed, since other handlers see the same one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Final

from ..context import current_scope
from ..event import Event
from .message import find_exception, format_message
from .pipeline import Pipeline

#: What every record carries; all else came in through ``extra=``.
_RECORD_NAMES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class CaptureHandler(logging.Handler):
    """Turns each record into an event."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* as an event; never raises."""
        if not self._pipeline.is_enabled(record.name, record.levelno):
            return
        extra = {name: value for name, value in vars(record).items() if name not in _RECORD_NAMES}
        msg = format_message(record.msg, record.args, extra)
        self._pipeline.emit(
            Event(
                time_ns=int(record.created * 1e9),
                level=record.levelno,
                msg=msg,
                fn=record.funcName or "<module>",
                logger=record.name,
                fields={**current_scope().fields, **extra},
                exception=find_exception(record.exc_info),
            )
        )


def capture_records(pipeline: Pipeline) -> Callable[[], None]:
    """
    Route the records of all loggers through *pipeline*.

    Handlers of the root logger that write to stdout or stderr are taken off, or
    each record would come out twice. Handlers of other kinds stay.

    Returns:
        A function that puts everything back.
    """
    root = logging.getLogger()
    handler = CaptureHandler(pipeline)
    replaced = [known for known in root.handlers if _writes_to_console(known)]
    for known in replaced:
        root.removeHandler(known)
    root.addHandler(handler)
    wanted = {"": pipeline.thresholds.lowest, **pipeline.thresholds.by_name}
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, lowest in wanted.items():
        logging.getLogger(name).setLevel(lowest)

    def undo() -> None:
        root.removeHandler(handler)
        for known in replaced:
            root.addHandler(known)
        for name, lowest in before.items():
            logging.getLogger(name).setLevel(lowest)

    return undo


def _writes_to_console(handler: logging.Handler) -> bool:
    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return type(handler) is logging.StreamHandler and any(handler.stream is stream for stream in console)
