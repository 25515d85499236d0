"""
Join obskit and the standard library's `logging`, both ways.

This is the only module of obskit that knows `logging`. A record is read and
never changed, since other handlers see the same one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from threading import local
from typing import Any, Final

from ..context import current_scope
from ..event import Event, SafeEvent
from ..interrupts import let_pass
from ..levels import WARN, Thresholds
from .message import find_exception, format_message
from .pipeline import current_pipeline

#: What every record carries; all else came in through ``extra=``.
_RECORD_NAMES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Writing(local):
    """Says, for each thread, whether it is writing a record as an event."""

    record = False


_writing: Final = _Writing()


class Handler(logging.Handler):
    """Writes records as lines of obskit, for programs that set `logging` up by `dictConfig`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* as an event; never raises."""
        pipeline = current_pipeline()
        if isinstance(record, _CopyOfEvent) or not pipeline.is_enabled(
            _text_or(record.name, ""), _level_of(record.levelno)
        ):
            return
        outer, _writing.record = _writing.record, True
        try:
            pipeline.emit(_event_of(record))
        finally:
            _writing.record = outer


class JSONFormatter(logging.Formatter):
    """Formats records as the lines of obskit, for handlers of other makes."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record* without its line break; never raises."""
        try:
            return current_pipeline().line(_event_of(record)).decode().rstrip("\n")
        # RecursionError of a caller that stands near the limit; some handlers let it through.
        except Exception as error:
            let_pass(error)
            return f'{{"level":"error","msg":"a record could not be formatted: {type(error).__name__}"}}'


class Propagation:
    """Sends a copy of each event to the logger of its name in `logging`, where caplog sees it."""

    def emit(self, event: SafeEvent, /) -> None:
        """Send a copy of *event*, unless it was a record to begin with."""
        if _writing.record:
            return
        # Handlers of any make run here. The line must not be lost with what one of them raises.
        try:
            logging.getLogger(event.logger).handle(_CopyOfEvent(event))
        except Exception as error:
            let_pass(error)

    def close(self) -> None:
        """Nothing is held back."""


class _CopyOfEvent(logging.LogRecord):
    """A record made from an event, which `Handler` must not make an event of again."""

    def __init__(self, event: SafeEvent) -> None:
        super().__init__(event.logger or "root", event.level, "", 0, event.msg, (), None, event.fn)
        self.created = event.time_ns / 1e9
        self.msecs = event.time_ns // 1_000_000 % 1000
        self.exc_text = event.stack
        for name, value in {**event.context, **event.fields}.items():
            is_taken = name in _RECORD_NAMES or hasattr(logging.LogRecord, name)
            vars(self)[f"{name}_" if is_taken else name] = value


class Capture:
    """
    Writes the records of all loggers as events, by a handler at the root.

    Handlers that write to the console are taken off, or each record would come out
    twice: those that are there, and those that a library adds later, before they
    get their first record. Where such a one got records that the root does not, ours
    takes its place. Handlers of other kinds stay.

    Args:
        thresholds: Tell which levels loggers let through.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._undo_levels = _set_levels(thresholds)
        self._handler = Handler()
        self._placed: list[logging.Logger] = []
        self._taken_off: list[tuple[logging.Logger, logging.Handler]] = []
        self._active = True
        self._place(logging.getLogger())
        for logger in _all_loggers():
            self._take_over(logger)
        self._make_record_before = logging.getLogRecordFactory()
        self._make_record = self._look_and_make_record
        logging.setLogRecordFactory(self._make_record)

    def follow(self, thresholds: Thresholds) -> None:
        """Let loggers through what other *thresholds* tell."""
        self._undo_levels()
        self._undo_levels = _set_levels(thresholds)

    def undo(self) -> None:
        """Put everything back that was there."""
        self._active = False
        # If somebody put a factory on top of ours, ours stays beneath and only passes on.
        if logging.getLogRecordFactory() is self._make_record:
            logging.setLogRecordFactory(self._make_record_before)
        for logger in self._placed:
            logger.removeHandler(self._handler)
        for logger, handler in self._taken_off:
            logger.addHandler(handler)
        self._undo_levels()

    def _look_and_make_record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Make a record as before; the one moment between a handler's arrival and its first record."""
        record: logging.LogRecord = self._make_record_before(*args, **kwargs)
        if self._active:
            for logger in _way_of(record.name):
                self._take_over(logger)
        return record

    def _take_over(self, logger: logging.Logger) -> None:
        found = [known for known in logger.handlers if known is not self._handler and _is_rival(known)]
        for known in found:
            logger.removeHandler(known)
            self._taken_off.append((logger, known))
        if found and all(self._handler not in above.handlers for above in _way_of(logger.name)):
            self._place(logger)

    def _place(self, logger: logging.Logger) -> None:
        logger.addHandler(self._handler)
        self._placed.append(logger)


def _event_of(record: logging.LogRecord) -> Event:
    fields = {name: value for name, value in vars(record).items() if name not in _RECORD_NAMES}
    if record.stack_info:
        fields["stack_info"] = record.stack_info
    # A record that crossed a queue or a process has only the text of its exception.
    if record.exc_text and not record.exc_info:
        fields["exc_text"] = record.exc_text
    msg = format_message(record.msg, record.args, fields)
    return Event(
        time_ns=_time_of(record.created),
        level=_level_of(record.levelno),
        msg=msg,
        fn=_text_or(record.funcName, "<module>"),
        logger=_text_or(record.name, "root"),
        bound=(current_scope(),),
        fields=fields,
        exception=find_exception(record.exc_info),
        template=record.msg if type(record.msg) is str else None,
    )


# A record may be made by hand, of anything.


def _text_or(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and value else otherwise


def _level_of(level: object) -> int:
    return level if isinstance(level, int) else WARN


def _time_of(seconds: Any) -> int:
    try:
        return int(seconds * 1e9)
    except (TypeError, ValueError, OverflowError):
        return current_pipeline().time_ns()


def _set_levels(thresholds: Thresholds) -> Callable[[], None]:
    wanted = {"": thresholds.lowest, **thresholds.by_name}
    before = {name: logging.getLogger(name).level for name in wanted}
    for name, lowest in wanted.items():
        logging.getLogger(name).setLevel(lowest)

    def undo() -> None:
        """Give each logger its level back."""
        for name, lowest in wanted.items():
            logger = logging.getLogger(name)
            # A level that the program has set meanwhile stays.
            if logger.level == lowest:
                logger.setLevel(before[name])

    return undo


def _all_loggers() -> list[logging.Logger]:
    """Return all loggers that exist, parents before children."""
    known = sorted(logging.root.manager.loggerDict.items())
    return [logging.root, *(logger for _, logger in known if isinstance(logger, logging.Logger))]


def _way_of(name: str) -> Iterator[logging.Logger]:
    """Name the loggers that a record of the logger *name* passes, without making that logger."""
    known = logging.root.manager.loggerDict.get(name)
    logger: logging.Logger | None = known if isinstance(known, logging.Logger) else logging.root
    while logger is not None:
        yield logger
        logger = logger.parent if logger.propagate else None


def _is_rival(handler: logging.Handler) -> bool:
    """Tell whether *handler* would write a record to where our lines go, or a person looks."""
    if isinstance(handler, Handler):
        return True
    # The AWS Lambda runtime has its own at the root before the program starts.
    if type(handler).__module__.partition(".")[0] == "awslambdaric":
        return True
    return isinstance(handler, logging.StreamHandler) and _is_console(handler.stream)


def _is_console(stream: object) -> bool:
    if any(stream is console for console in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        return stream is not None
    # A stream that wraps one of these, or that was there before another took its place.
    try:
        return stream.fileno() in (1, 2)  # type: ignore[attr-defined]
    except Exception as error:
        let_pass(error)
        return False
