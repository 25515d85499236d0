"""
Log exceptions that nobody caught, in the main thread, in other threads and in finalisers.

The hook that was there before is still called, and what it writes to stderr goes
through the gate first: Python's own prints the exception's text as it is.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable
from types import TracebackType

from ..context import current_scope
from ..event import Event
from ..gate import Gate
from ..levels import CRITICAL, ERROR
from .pipeline import Pipeline


def install_hooks(pipeline: Pipeline, gate: Gate) -> Callable[[], None]:
    """
    Log every uncaught exception through *pipeline*.

    Returns:
        A function that puts the hooks back that were there, where no other
        program has replaced ours meanwhile.
    """
    hooks = _Hooks(pipeline, gate)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks.main, hooks.thread, hooks.unraisable
    return hooks.uninstall


class _Hooks:
    """The three hooks and those they stand before."""

    def __init__(self, pipeline: Pipeline, gate: Gate) -> None:
        self._pipeline = pipeline
        self._gate = gate
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        # Each access to a bound method makes a new object; `uninstall` compares these.
        self.main = self._main
        self.thread = self._thread
        self.unraisable = self._unraisable

    def uninstall(self) -> None:
        main, thread, unraisable = self._before
        if sys.excepthook is self.main:
            sys.excepthook = main
        if threading.excepthook is self.thread:
            threading.excepthook = thread
        if sys.unraisablehook is self.unraisable:
            sys.unraisablehook = unraisable

    def _main(self, kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            self._log(CRITICAL, "uncaught exception", error, {})
        self._call_before(lambda: self._before[0](kind, error, tb))

    def _thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
            name = args.thread.name if args.thread is not None else None
            self._log(ERROR, "uncaught exception in a thread", args.exc_value, {"thread": name})
        self._call_before(lambda: self._before[1](args))

    def _unraisable(self, args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            self._log(ERROR, "exception that could not be raised", args.exc_value, {})
        self._call_before(lambda: self._before[2](args))

    def _log(self, level: int, msg: str, error: BaseException, fields: dict[str, object]) -> None:
        self._pipeline.emit(
            Event(
                time_ns=self._pipeline.clock.time_ns(),
                level=level,
                msg=msg,
                fn=_origin(error),
                logger=None,
                fields={**current_scope().fields, **fields},
                exception=error,
            )
        )

    def _call_before(self, call: Callable[[], object]) -> None:
        """Run the earlier hook; what it prints to stderr is collected and made safe as a whole."""
        stderr, collected = sys.stderr, io.StringIO()
        sys.stderr = collected
        try:
            call()
        finally:
            sys.stderr = stderr
        if stderr is not None and (text := collected.getvalue()):
            stderr.write(self._gate.text(text))


def _origin(error: BaseException) -> str:
    """Name the function that raised *error*."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb.tb_frame.f_code.co_qualname if tb is not None else "<unknown>"
