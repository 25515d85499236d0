"""
Observe the handler of an AWS Lambda function: `observed`.

An execution environment is frozen as soon as the handler has returned, and what its
runtime prints of an exception is not redacted; so both are seen to in here.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

from .. import runtime
from ..errors import ConfigError
from ..interrupts import let_pass
from ..logs import get_logger
from ..settings import function, seconds
from ..traces import OpenTrace, TraceContext, extract
from ..wiring import variable
from ._commands import Command, user_of

if TYPE_CHECKING:
    import asyncio

Handler: TypeAlias = Callable[[Any, Any], Any]

#: Seconds of the remaining time that are left to the runtime, for handing over the answer.
_RESERVE: Final = 0.25
_log: Final = get_logger("obskit.lambda")


@overload
def observed(handler: Handler, /) -> Handler: ...
@overload
def observed(
    *,
    command: str | None = None,
    user_id: Callable[[Any], object] | None = None,
    flush_timeout: float = 2.0,
) -> Callable[[Handler], Handler]: ...
def observed(
    handler: Handler | None = None,
    /,
    *,
    command: str | None = None,
    user_id: Callable[[Any], object] | None = None,
    flush_timeout: float = 2.0,
) -> Any:
    """
    Record every invocation of *handler* as a trace, and have everything written when it returns.

    Put it outermost. An exception that escapes is logged and raised again as a new one that
    has the name of its type, its redacted message and nothing else, because the runtime
    prints what it is given.

    Args:
        handler: A function or coroutine function; the latter runs in an event loop that is
            kept from one invocation to the next.
        command: Name of the trace; the name of the Lambda function where it is None.
        user_id: Tells from the event whose command it is.
        flush_timeout: Seconds that an invocation may wait at its end for traces and alerts;
            less where less of the function's time remains.

    Raises:
        ConfigError: If *handler* or *user_id* is no function, or *flush_timeout* no time above 0.
    """
    if handler is not None and not callable(handler):
        raise ConfigError(f"observed takes a handler, and names as command=, got {type(handler).__name__}")
    observe = functools.partial(_Observed, command=command, user_id=user_id, flush_timeout=flush_timeout)
    return observe if handler is None else observe(handler)


class _Observed:
    """A handler, what is known of its invocations, and the event loop that it may need."""

    def __init__(
        self,
        handler: Handler,
        *,
        command: str | None,
        user_id: Callable[[Any], object] | None,
        flush_timeout: float,
    ) -> None:
        functools.update_wrapper(self, handler)
        self._handler = handler
        self._command = command
        self._user_id = None if user_id is None else function("user_id", user_id)
        self._flush_timeout = seconds("flush_timeout", flush_timeout)
        self._is_cold = True
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, event: Any, context: Any) -> Any:
        invocation = self._invocation(event, context)
        try:
            with invocation:  # a web application in here may have told the error already
                answer = self._handler(event, context)
                return self._wait(answer) if isinstance(answer, Coroutine) else answer
        except Exception as error:
            info = runtime.current().gate.error(error)
        finally:
            self._flush(context, invocation.trace)
        # Out here it has no context: the exception that it stands for cannot be found from it.
        raise type(info.type, (Exception,), {})(info.message)

    def _invocation(self, event: Any, context: Any) -> Command:
        name = self._command or getattr(context, "function_name", None) or "handler"
        user = user_of(self._user_id, event)
        invocation = Command(_log, str(name), user, parent=_origin(event, context))
        fields, request_id = invocation.trace.block.fields, getattr(context, "aws_request_id", None)
        if request_id is not None:
            fields["request_id"] = request_id
        fields["cold_start"], self._is_cold = self._is_cold, False
        if fields["cold_start"]:
            invocation.trace.add(cold_start=True)
        return invocation

    def _wait(self, answer: Coroutine[Any, Any, Any]) -> Any:
        # What a handler keeps for the next invocation, such as open connections, belongs to its loop.
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            weakref.finalize(self, self._loop.close)
        return self._loop.run_until_complete(answer)

    def _flush(self, context: Any, invocation: OpenTrace) -> None:
        """Have everything written. What cannot be is told here: it may never be thawed again."""
        in_force = runtime.current()
        if in_force.flush(min(self._flush_timeout, _seconds_left(context))):
            return
        counted = in_force.stats().items()
        pending = {name: number for name, number in counted if name.endswith("_pending") and number}
        log = _log.bind(**invocation.block.fields)  # it has ended
        log.warn("Frozen before all was written", pending=pending, trace=invocation.to_dict())


def _seconds_left(context: Any) -> float:
    """Return how long the function may go on; a context that does not tell sets no limit."""
    try:
        return max(0.0, float(context.get_remaining_time_in_millis()) / 1_000 - _RESERVE)
    except Exception as error:
        let_pass(error)
        return math.inf


def _origin(event: Any, context: Any) -> TraceContext | None:
    """Return where an invocation came from; what its caller says counts more than what X-Ray does."""
    told: dict[str, Any] = {}
    headers = event.get("headers") if isinstance(event, dict) else None
    if isinstance(headers, dict):  # of a function URL or an API
        told.update((str(name).lower(), value) for name, value in headers.items())
    try:
        told.update(context.w3c())  # what the caller put into the client context
    except Exception as error:  # older runtimes have no such method, and tests a stand-in
        let_pass(error)
    if xray := variable("_X_AMZN_TRACE_ID"):
        told["x-amzn-trace-id"] = xray
    return extract(told)
