"""
Record traces and steps while a program runs.

Recording never raises into the program, and never holds back its exceptions.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar, cast, overload

from .. import runtime
from ..clock import Clock, isoformat
from ..context import bound_context
from ..decorating import decorate
from ..encoding.exceptions import ErrorInfo
from ..event import Json
from ..gate import Gate, shorten
from ..ids import new_step_id, new_trace_id, parse_trace_id
from ..runtime import TraceObserver
from .current import Node, current_node, enter, leave, resume, suspend
from .model import ExecutionTrace, SafeTrace, Status, Step
from .propagation import TraceContext, write
from .stores import TraceStore

P = ParamSpec("P")
R = TypeVar("R")

#: Steps kept of one trace; of more, the first half and the latest stay.
MAX_STEPS: Final = 128
_MAX_NAME: Final = 200
_MAX_VALUE: Final = 2_000
_MAX_FIELDS: Final = 50
_MAX_LINKS: Final = 10
_MAX_URL: Final = 2_000

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+", re.ASCII | re.IGNORECASE)


class OpenStep(Step):
    """A step that is being recorded; use it with ``with`` or ``async with``."""

    __slots__ = ("_began_ns", "_failed", "_inside", "_trace", "up")

    def __init__(self, trace: OpenTrace, name: str, details: Mapping[str, object]) -> None:
        super().__init__(trace._gate.text(name)[:_MAX_NAME], new_step_id(), None)
        self._trace = trace
        self.up: Node | None = None
        self._inside: Node | None = None
        self._began_ns: int | None = None
        self._failed = False
        if details:
            self.add(**details)

    @property
    def is_open(self) -> bool:
        """Tell whether it still runs."""
        return self.status == "running"

    @property
    def owner_id(self) -> str:
        """Id of the trace that the step belongs to."""
        return self._trace.trace_id

    @property
    def duration_ms(self) -> float:
        """Milliseconds it took, or has taken so far."""
        if self.status != "running" or self._began_ns is None:
            return self._duration_ms
        return (self._trace._clock.monotonic_ns() - self._began_ns) / 1e6

    def add(self, **details: object) -> None:
        """Tell more about the step; a name that is there already gets the new value."""
        _merge(self.details, self._trace._gate.fields(details))

    def fail(self, reason: object) -> None:
        """
        Mark the step as failed although no exception escapes from it.

        Args:
            reason: An exception, or words.
        """
        self._failed = True
        self.error = self._trace._describe(reason, stack=False)

    def __enter__(self) -> Self:
        enter(self)
        if isinstance(self.up, OpenStep) and self.up._trace is self._trace:
            self.parent_id = self.up.id
        self._began_ns = self._trace._clock.monotonic_ns()
        self._trace._began(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        duration_ms = self.duration_ms
        if error is not None and self.error is None and _status_of(error, failed=False) == "error":
            self.error = self._trace._describe(error, stack=False)
        self._duration_ms = duration_ms
        self.status = _status_of(error, failed=self._failed)
        leave(self)
        self._trace._finished(self)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)

    def suspend(self) -> None:
        """Let what was current before be current again."""
        self._inside = suspend(self)

    def resume(self) -> None:
        """Be a current step again, with what was open inside, after `suspend`."""
        resume(self, self._inside)


class OpenTrace(ExecutionTrace):
    """A trace that is being recorded; use it with ``with`` or ``async with``."""

    __slots__ = (
        "_began_ns",
        "_block",
        "_clock",
        "_failed",
        "_gate",
        "_inside",
        "_observers",
        "_raw_attributes",
        "_store",
        "up",
    )

    def __init__(
        self,
        command: str,
        *,
        user_id: object,
        trace_id: object,
        correlation_id: object,
        parent: TraceContext | None,
        attributes: Mapping[str, object],
    ) -> None:
        in_force = runtime.current()
        gate = in_force.gate
        outer = current_trace()
        if correlation_id is None:
            correlation_id = parent.correlation_id if parent else outer.correlation_id if outer else None
        given = trace_id if trace_id is not None else parent.trace_id if parent else None
        super().__init__(
            parse_trace_id(given) or new_trace_id(),
            gate.text(command)[:_MAX_NAME],
            user_id=None if user_id is None else gate.text(user_id)[:_MAX_NAME],
            correlation_id=None if correlation_id is None else gate.text(correlation_id)[:_MAX_NAME],
            started_at="",
        )
        self._gate: Gate = gate
        self._clock: Clock = in_force.clock
        self._observers: tuple[TraceObserver, ...] = in_force.observers
        self._store = cast("TraceStore", in_force.trace_store)
        self._raw_attributes = attributes
        self.up: Node | None = None
        self._inside: Node | None = None
        self._began_ns: int | None = None
        self._failed = False
        self._block = bound_context(**self._context())

    def _context(self) -> dict[str, object]:
        fields = {"trace_id": self.trace_id, "correlation_id": self.correlation_id}
        fields |= {"user_id": self.user_id, "cmd": self.command}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def is_open(self) -> bool:
        """Tell whether it still runs."""
        return self.status == "running"

    @property
    def owner_id(self) -> str:
        """The trace's own id."""
        return self.trace_id

    @property
    def duration_ms(self) -> float:
        """Milliseconds it took, or has taken so far."""
        if self.status != "running" or self._began_ns is None:
            return self._duration_ms
        return (self._clock.monotonic_ns() - self._began_ns) / 1e6

    def step(self, name: str, **details: object) -> OpenStep:
        """Begin a step with ``with`` or ``async with``; inside another step it is a part of that."""
        return OpenStep(self, name, details)

    def add(self, **attributes: object) -> None:
        """Tell more about the trace; a name that is there already gets the new value."""
        _merge(self.attributes, self._gate.fields(attributes))

    def link(self, label: str, url: str) -> None:
        """
        Point to something outside, such as the run of a workflow.

        Args:
            label: What the link leads to.
            url: An ``http`` or ``https`` address; anything else is left out.
        """
        address = self._gate.text(url)
        if _WEB_ADDRESS.fullmatch(address) and len(address) <= _MAX_URL and len(self.links) < _MAX_LINKS:
            self.links[self._gate.text(label)[:_MAX_NAME]] = address

    def fail(self, error: object) -> None:
        """
        Mark the trace as failed although no exception escapes from it.

        Args:
            error: An exception, or words.
        """
        self._failed = True
        self.error = self._describe(error, stack=True)

    def __enter__(self) -> Self:
        enter(self)
        self._block.__enter__()
        self.started_at = isoformat(self._clock.time_ns())
        self._began_ns = self._clock.monotonic_ns()
        if self._raw_attributes:
            self.add(**self._raw_attributes)
        self._store.started(_safe(self))
        for observer in self._observers:
            _contained(observer.trace_started, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        duration_ms = self.duration_ms
        status = _status_of(error, failed=self._failed)
        if error is not None and status == "error":
            self.error = self._describe(error, stack=True)
        self._duration_ms = duration_ms
        self.status = status
        self._store.ended(_safe(self))
        for observer in self._observers:
            _contained(observer.trace_ended, self)
        leave(self)
        self._block.__exit__(kind, error, tb)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)

    def suspend(self) -> None:
        """Let what was current before be current again, in the log context too."""
        self._inside = suspend(self)
        self._block.suspend()

    def resume(self) -> None:
        """Be the current trace again, with what was open inside, after `suspend`."""
        resume(self, self._inside)
        self._block.resume()

    def _began(self, step: OpenStep) -> None:
        self.steps.append(step)
        if len(self.steps) > MAX_STEPS:
            del self.steps[MAX_STEPS // 2]
            self.dropped_steps += 1

    def _finished(self, step: OpenStep) -> None:
        if self.status == "running":
            self._store.stepped(_safe(self), step)

    def _describe(self, reason: object, *, stack: bool) -> ErrorInfo:
        if isinstance(reason, BaseException):
            info = self._gate.error(reason)
            return info if stack else ErrorInfo(type=info.type, message=info.message, stack="")
        return ErrorInfo(type="Failed", message=shorten(self._gate.text(reason), _MAX_VALUE), stack="")


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
            replaced by a new id.
        correlation_id: Joins several traces of one conversation.
        parent: Where the command came from, as `extract` read it.
        attributes: Whatever helps to understand the command later.
    """
    return OpenTrace(
        command,
        user_id=user_id,
        trace_id=trace_id,
        correlation_id=correlation_id,
        parent=parent,
        attributes=attributes,
    )


class _NoStep:
    """Stands for a step where no trace is open: takes everything and keeps nothing."""

    __slots__ = ()

    def add(self, **details: object) -> None:
        """Keep nothing."""

    def fail(self, reason: object) -> None:
        """Keep nothing."""

    def suspend(self) -> None:
        """Nothing is current."""

    def resume(self) -> None:
        """Nothing is current."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        return


_NO_STEP: Final = _NoStep()


def step(name: str, **details: object) -> OpenStep | _NoStep:
    """
    Record a timed part of the current trace; without a trace it does nothing.

    Use the result with ``with`` or ``async with``. It has ``add(**details)`` and
    ``fail(reason)``.
    """
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
    """
    if callable(name):
        return _traced(name, None)
    return functools.partial(_traced, name=name)


def _traced(function: Callable[P, R], name: str | None) -> Callable[P, R]:
    called = name or function.__qualname__

    def make_block() -> OpenStep | OpenTrace:
        open_trace = current_trace()
        return trace(called) if open_trace is None else open_trace.step(called)

    return decorate(function, make_block)


def current_trace() -> OpenTrace | None:
    """Return the open trace of the running task, or None."""
    node = current_node()
    return node._trace if isinstance(node, OpenStep) else cast("OpenTrace | None", node)


def get_trace_store() -> TraceStore:
    """Return the store that traces are kept in."""
    return cast("TraceStore", runtime.current().trace_store)


def _status_of(error: BaseException | None, *, failed: bool) -> Status:
    """Tell how something ended by what escaped from it."""
    if error is None or isinstance(error, GeneratorExit):
        return "error" if failed else "ok"
    # CancelledError, KeyboardInterrupt and SystemExit are no errors of the command.
    return "error" if isinstance(error, Exception) else "cancelled"


def _merge(kept: dict[str, Json], new: Mapping[str, Json]) -> None:
    """Add bounded values to *kept*, up to the number of fields that a trace keeps."""
    for name, value in new.items():
        if name in kept or len(kept) < _MAX_FIELDS:
            kept[name[:_MAX_NAME]] = _bounded(value)


def _bounded(value: Json) -> Json:
    if isinstance(value, str):
        return shorten(value, _MAX_VALUE)
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
        return value if len(text) <= _MAX_VALUE else shorten(text, _MAX_VALUE)
    return value


def _safe(open_trace: OpenTrace) -> SafeTrace:
    """Vouch for a trace: everything in it went through the gate when it was recorded."""
    return SafeTrace(open_trace)


def _contained(tell: Callable[[OpenTrace], None], open_trace: OpenTrace) -> None:
    """Let an observer fail on its own: the program goes on."""
    try:
        tell(open_trace)
    except Exception:
        return


def inject(carrier: MutableMapping[str, str]) -> None:
    """
    Write the current trace's place into *carrier*; does nothing without a trace.

    Args:
        carrier: Headers, message attributes or anything else that takes text. It
            gets ``traceparent`` and, where there is one, ``X-Correlation-Id``.
    """
    open_trace = current_trace()
    if open_trace is None:
        return
    node = current_node()
    write(
        carrier,
        trace_id=open_trace.trace_id,
        step_id=node.id if isinstance(node, OpenStep) else None,
        correlation_id=open_trace.correlation_id,
    )
