"""What a program calls to record what it does, and to ask what is being recorded."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final, ParamSpec, Self, TypeVar, cast, overload

from .. import runtime
from ..context import SCOPE
from ..counting import count
from ..decorating import decorate
from ..errors import ConfigError
from ..interrupts import let_pass
from ..naming import takes_any_field
from .current import NODE, current_node, innermost
from .propagation import HEADERS, TraceContext, read, write
from .recorder import OpenStep, OpenTrace
from .stores import TraceStore

P = ParamSpec("P")
R = TypeVar("R")


@takes_any_field
def trace(
    command: str,
    user_id: object = None,
    trace_id: str | None = None,
    correlation_id: str | None = None,
    *,
    parent: TraceContext | None = None,
    **attributes: object,
) -> OpenTrace:
    """
    Record one command of one user.

    Use the result with ``with`` or ``async with``. Inside the block, log lines carry
    the trace's id, and `step` adds to it. An exception that escapes makes the trace
    fail and passes on; a cancelled task makes it ``cancelled``. A trace inside
    another one is a new one with the same correlation id.

    Args:
        command: What the user asked for.
        user_id: Whose command it is; kept as text.
        trace_id: An id from outside: 32 hex digits or a UUID. Anything else is
            replaced by a new id, and counted.
        correlation_id: Joins several traces of one conversation.
        parent: Where the command came from, as `extract` read it.
        attributes: Whatever helps to understand the command later.
    """
    return OpenTrace(command, user_id, trace_id, correlation_id, parent, attributes=attributes)


class NoStep:
    """Stands for a step where no trace is open: takes everything and keeps nothing."""

    __slots__ = ()

    def add(self, /, **details: object) -> None:
        """Keep nothing."""

    def fail(self, reason: object) -> None:
        """Keep nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, tb: object) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass


_NO_STEP: Final = NoStep()


def step(name: str, /, **details: object) -> OpenStep | NoStep:
    """
    Record a timed part of the current trace; without a trace it does nothing.

    Use the result with ``with`` or ``async with``. It has ``add(**details)`` and
    ``fail(reason)``.
    """
    # Libraries leave their steps in for everybody, so the usual case that nobody
    # records is asked for first: 0.26 µs with the block around nothing (CPython 3.11).
    if innermost() is None:
        return _NO_STEP
    open_trace = current_trace()
    return _NO_STEP if open_trace is None else OpenStep(open_trace, name, details)


@overload
def traced(name: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def traced(name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def traced(name: Any = None) -> Any:
    """
    Record every call of a function: as a step, or as a trace where none is open.

    Works for functions, coroutines, generators and async generators, as
    ``@traced``, ``@traced()`` or ``@traced("name")``.

    Args:
        name: What the step is called; the function's qualified name where it is None.

    Raises:
        ConfigError: If *name* is neither text nor a function.
    """
    if callable(name):
        return _traced(name, None)
    if name is not None and not isinstance(name, str):
        raise ConfigError(f"traced takes a name or a function, got {type(name).__name__}")
    return functools.partial(_traced, name=name)


def _traced(function: Callable[P, R], name: str | None) -> Callable[P, R]:
    called = name or str(getattr(function, "__qualname__", type(function).__name__))

    def make_block() -> OpenStep | OpenTrace:
        open_trace = current_trace()
        return trace(called) if open_trace is None else open_trace.step(called)

    return decorate(function, make_block, NODE, SCOPE)


def current_trace() -> OpenTrace | None:
    """Return the open trace of the running task, or None."""
    node = current_node()
    return None if node is None else node.trace


def get_trace_store() -> TraceStore:
    """Return the store that traces are kept in."""
    return cast("TraceStore", runtime.current().trace_store)


def inject(carrier: MutableMapping[str, str], names: Iterable[str] = HEADERS) -> None:
    """
    Write the current trace's place into *carrier*; does nothing without a trace.

    Args:
        carrier: Headers, message attributes, variables for a child process, inputs of a
            workflow, or anything else that takes text.
        names: What to write, spelled as *carrier* wants it: some of ``traceparent``,
            ``tracestate``, ``baggage``, ``X-Correlation-Id`` and ``X-Amzn-Trace-Id``;
            `ENVIRONMENT` has the names of variables. What there is nothing of is left out.
    """
    node = current_node()
    if node is None:
        return
    caller_id = node.id if isinstance(node, OpenStep) else node.span_id
    try:
        write(carrier, names, node.trace.place(caller_id))
    except Exception as error:  # the carrier's own code ran
        let_pass(error)


def extract(carrier: Mapping[Any, Any] | None) -> TraceContext | None:
    """
    Read where a command came from; never raises.

    Args:
        carrier: Headers or environment variables; case does not matter, and
            ``TRACEPARENT`` and ``X_CORRELATION_ID`` are read as well. Values that are
            no text, and None in place of a mapping, hold nothing.

    Returns:
        None where *carrier* holds nothing that can be used. What does not conform is
        counted, as ``refused_traceparent`` and the like, in the runtime's ``stats()``.
    """
    try:
        context, refused = read({} if carrier is None else carrier)
    except Exception as error:  # the carrier's own code ran
        let_pass(error)
        context, refused = None, ["carrier"]
    for name in refused:
        count(runtime.current().refused, name)
    return context
