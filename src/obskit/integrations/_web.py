"""
Record one request of a web application, whatever protocol it comes by.

Knows headers, status codes and what frameworks do with exceptions; nothing of ASGI or WSGI.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, MutableMapping
from types import TracebackType
from typing import Final

from ..interrupts import let_pass
from ..logs import get_logger
from ..traces import current_trace, extract
from ..traces.propagation import HEADERS
from ._commands import Command, log_once

#: What is read of a request, in lower case.
READ: Final = (*(name.lower() for name in HEADERS), "x-amzn-trace-id", "x-request-id")
#: What may stand in a header that is answered with, and on log lines.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}", re.ASCII)
#: Loggers of servers that write the traceback of what an application raises.
_SERVERS: Final = (
    "daphne.server",
    "gunicorn.error",
    "hypercorn.error",
    "mangum.http",
    "uvicorn.error",
    "waitress",
)
_log: Final = get_logger("obskit.web")


class Request(Command):
    """
    Records its block as one request.

    Args:
        headers: Those of `READ` that the request has.
        user_id: Whose request it is.
        route: Returns the route that the framework has found so far, which then takes the
            place of *path*.
    """

    def __init__(
        self,
        method: str,
        path: str,
        headers: MutableMapping[str, str],
        user_id: object,
        *,
        route: Callable[[], str | None],
    ) -> None:
        request_id = headers.pop("x-request-id", "")
        parent = extract(headers) if headers else None
        super().__init__(_log, f"{method} {path}", user_id, parent=parent)
        if _ID.fullmatch(request_id):
            self.trace.block.fields["request_id"] = request_id
        else:
            request_id = self.trace.trace_id
        self._method: Final = method
        self._route: Final = route
        self._path_name: Final = self.trace.command
        self._request_id: Final = request_id
        self._is_sampled: Final = parent is None or parent.sampled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, Exception):
                self._rename()
        finally:
            super().__exit__(kind, error, tb)

    def answers(self, status: int | None) -> None:
        """Note the status that it is answered with, where there is one."""
        self._rename()
        if status is not None:
            self.trace.add(status=status)
            if status >= 500 and self.trace.error is None:
                self.trace.fail(f"answered {status}")

    def _rename(self) -> None:
        if self.trace.command != self._path_name:
            return  # the program knows a better name
        try:
            if route := self._route():
                self.trace.rename(f"{self._method} {route}")
        except Exception as error:  # it looks at objects of frameworks, which change
            let_pass(error)

    def headers(self, given: Collection[str]) -> dict[str, str]:
        """
        Return the headers that tell the caller under which ids to look for it.

        Args:
            given: Those that the application sets itself, in lower case: they stay.
        """
        place = f"{self.trace.trace_id}-{self.trace.span_id}-{self._is_sampled:02x}"
        found = {"X-Request-ID": self._request_id, "traceparent": f"00-{place}"}
        correlation_id = self.trace.correlation_id
        if correlation_id is not None and _ID.fullmatch(correlation_id):
            found["X-Correlation-Id"] = correlation_id
        return {name: value for name, value in found.items() if name.lower() not in given}


def prepare() -> None:
    """
    Get to know exceptions that a framework turns into answers, and have each of them told once.

    The line of ours has the context of the request; that of the server comes when it is gone.
    """
    log_once(*_SERVERS)
    for module in ("flask.signals", "django.core.signals"):
        if module in sys.modules:
            sys.modules[module].got_request_exception.connect(_failed)


def _failed(_sender: object = None, exception: BaseException | None = None, **_more: object) -> None:
    """Let the trace fail with the exception that is being handled; the framework logs it."""
    current, error = current_trace(), exception or sys.exception()
    if current is not None and error is not None:
        current.fail(error)
