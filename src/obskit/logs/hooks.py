"""
Log what nobody caught, in threads, finalisers and event loops, and what Python warns of.

The hook that was there before is still called, and what it writes to stderr is
redacted: Python's own prints the exception's text as it is.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TextIO

from ..context import current_scope
from ..event import Event
from ..interrupts import traceback_of
from ..levels import CRITICAL, ERROR, WARN
from .message import format_message
from .pipeline import current_pipeline
from .stderr import redact_stderr

if TYPE_CHECKING:
    import asyncio

#: The standard library's own name for it, so that one entry of ``levels`` rules both ways a warning may come.
_WARNINGS: Final = "py.warnings"


class Hooks:
    """Logs every uncaught exception and every warning that is shown."""

    def __init__(self) -> None:
        self._active = True
        self._put: list[tuple[object, str, object, object]] = []
        self._hook(sys, "excepthook", _log_uncaught)
        self._hook(threading, "excepthook", _log_uncaught_in_thread)
        self._hook(sys, "unraisablehook", _log_unraisable)
        # After logging.captureWarnings() a warning comes as a record already.
        if getattr(warnings.showwarning, "__module__", None) != "logging":
            self._hook(warnings, "showwarning", _log_warning)

    def undo(self) -> None:
        """Put the hooks back that were there; where another program put its own on top, ours only pass on."""
        self._active = False
        for module, name, ours, before in self._put:
            if getattr(module, name) is ours:
                setattr(module, name, before)

    def _hook(self, module: object, name: str, log: Callable[..., None]) -> None:
        before: Callable[..., object] = getattr(module, name)

        def hook(*args: Any, **kwargs: Any) -> None:
            if self._active:
                log(*args, **kwargs)
            with redact_stderr():
                before(*args, **kwargs)

        self._put.append((module, name, hook, before))
        setattr(module, name, hook)


def _log_uncaught(kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _log(CRITICAL, "uncaught exception", error, {})


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread is not None else None
        _log(ERROR, "uncaught exception in a thread", args.exc_value, {"thread": name})


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        _log(ERROR, "exception that could not be raised", args.exc_value, {})


def _log_warning(  # noqa: PLR0917 - the signature of `warnings.showwarning`
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    # Whoever names a file wants the text there and nowhere else.
    if file is None and current_pipeline().is_enabled(_WARNINGS, WARN):
        fields = {"category": category.__name__, "file": filename, "line": lineno}
        _log(WARN, format_message(message, (), {}), None, fields, logger=_WARNINGS)


def watch_loop(loop: asyncio.AbstractEventLoop | None = None) -> Callable[[], None]:
    """
    Log what goes wrong in an event loop, with the context of the task that it went wrong in.

    Where `logging` is captured, asyncio's own report becomes a line without this
    too, but one that does not know the task's context. Before Python 3.12 asyncio
    does not tell it here either.

    Args:
        loop: The loop; None is the running one.

    Returns:
        A function that puts the loop's earlier exception handler back.
    """
    if loop is None:
        import asyncio

        loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what the loop tells, and pass it on."""
        error = context.get("exception")
        fields: dict[str, object] = {
            name: context[name] for name in ("task", "future", "handle") if name in context
        }
        msg = str(context.get("message") or "exception in an event loop")
        _log(ERROR, msg, error, fields)
        # asyncio's own handler would only say the same again.
        if before is not None:
            with redact_stderr():
                before(loop, context)

    def undo() -> None:
        """Put the earlier handler back, unless ours was replaced meanwhile."""
        if loop.get_exception_handler() is report:
            loop.set_exception_handler(before)

    loop.set_exception_handler(report)
    return undo


def _log(
    level: int,
    msg: str,
    error: BaseException | None,
    fields: Mapping[str, object],
    *,
    logger: str | None = None,
) -> None:
    pipeline = current_pipeline()
    pipeline.emit(
        Event(
            time_ns=pipeline.time_ns(),
            level=level,
            msg=msg,
            fn=_origin(error),
            logger=logger,
            bound=(current_scope(),),
            fields=fields,
            exception=error,
        )
    )


def _origin(error: BaseException | None) -> str:
    """Name the function that raised *error*."""
    tb = traceback_of(error) if error is not None else None
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb.tb_frame.f_code.co_qualname if tb is not None else "<unknown>"
