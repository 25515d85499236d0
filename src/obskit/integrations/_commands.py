"""
Run the commands of a program: a trace and context for each, and each error logged once.

It knows no framework. An error is marked when it is logged here, so that what a
framework, or a handler of the bot that raises it again, would log is not told twice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from .. import Logger, current_trace, runtime, step, trace
from ..counting import count
from ..interrupts import let_pass
from ..notices import Notices
from ..traces import TraceContext

T = TypeVar("T")

#: Attribute of an exception that has been logged; builtin exceptions take no weak references.
_LOGGED: Final = "_obskit_logged"
#: Attribute of a method that `replace` has put in the place of another.
_OURS: Final = "_obskit_replaced"
#: As Telegram allows them (https://core.telegram.org/bots/features#commands).
_COMMAND: Final = re.compile(r"/\w{1,32}", re.ASCII)
_NOTICES: Final = Notices()


class Reporting:
    """
    Logs an error that escapes from its block, and lets it pass on.

    A class, since a generator would replace an exception that takes no attributes.
    """

    def __init__(self, log: Logger, what: str) -> None:
        self._log: Final = log
        self._what: Final = what

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            report(self._log, self._what, error)


class Command:
    """
    Records its block as a command of a user, and logs an error that escapes from it.

    *context* is on the lines and in the trace, as text, where it is not None.
    """

    def __init__(
        self,
        log: Logger,
        command: str,
        user_id: object = None,
        *,
        parent: TraceContext | None = None,
        correlation_id: str | None = None,
        **context: object,
    ) -> None:
        known: dict[str, Any] = {name: str(value) for name, value in context.items() if value is not None}
        self._log: Final = log
        self.trace: Final = trace(command, user_id, correlation_id=correlation_id, parent=parent, **known)
        self.trace.block.fields.update(known)

    def __enter__(self) -> Self:
        self.trace.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, Exception):
                report(self._log, self.trace.command, error)
        finally:  # a signal handler may have raised
            self.trace.__exit__(kind, error, tb)


def user_of(tell: Callable[[T], object] | None, source: T) -> object:
    """Return the user that *tell* reads from *source*; where it raises, that is counted and told once."""
    if tell is None:
        return None
    try:
        return tell(source)
    except Exception as error:
        let_pass(error)
        count(runtime.current().refused, "user_id")
        _NOTICES.tell(type(error).__name__, f"user_id= raised {type(error).__name__}: recorded for nobody")
        return None


def report(log: Logger, what: str, error: BaseException) -> None:
    """
    Let the current trace fail with *error*, and log it unless that was done before.

    Frameworks wrap what a command raised; what they call ``original`` is told.
    """
    chain = [error]
    while isinstance(inner := vars(chain[-1]).get("original"), BaseException) and len(chain) < 5:
        chain.append(inner)
    opened = current_trace()
    if opened is not None:
        opened.fail(chain[-1])
    if _is_first(*chain):
        log.error(f"{what} failed", exc_info=chain[-1])


def refuse(log: Logger, what: str, reason: BaseException) -> None:
    """Tell that a user was refused something: no failure of the program, nor of the current trace."""
    with step("Refused") as refused:
        refused.fail(reason)
    if _is_first(reason):
        log.warn(f"{what} was refused", reason=reason)


def _is_first(*errors: BaseException) -> bool:
    """Mark *errors* as logged; False if one was marked before."""
    known = any(map(_is_logged, errors))
    for error in errors:
        vars(error)[_LOGGED] = True  # not setattr(): an exception may be a frozen dataclass
    return not known


def log_once(*names: str) -> None:
    """Drop what asyncio and the loggers called *names* say about an error that was logged here."""
    for name in ("asyncio", *names):
        logging.getLogger(name).addFilter(_is_news)  # a filter that is there already is not added


def _is_news(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return error is None or not _is_logged(error)


def _is_logged(error: BaseException) -> bool:
    return _LOGGED in vars(error)


def replace(owner: Any, name: str, make: Callable[[Any], Callable[..., Any]]) -> None:
    """Put ``make(method)`` in the place of *owner*'s method *name*, unless that was done before."""
    method = getattr(owner, name)
    if hasattr(method, _OURS):
        return
    replaced = wraps(method)(make(method))
    setattr(replaced, _OURS, True)
    setattr(owner, name, replaced)


def spoken(text: str | None, otherwise: str) -> str:
    """
    Return the command that a message of a chat begins with, or *otherwise*.

    >>> spoken("/start@some_bot now", "message")
    '/start'
    """
    found = _COMMAND.match(text or "")
    return found[0] if found else otherwise
