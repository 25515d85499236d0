"""
Record one trace and its steps while a program runs.

Recording never raises into the program, and never holds back its exceptions.
Everything passes the gate when it is recorded, so a trace is safe at any moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self, cast

from .. import runtime
from ..clock import Clock, isoformat
from ..context import bound_context, set_context
from ..counting import count
from ..encoding.exceptions import ErrorInfo
from ..gate import Gate
from ..ids import new_step_id, new_trace_id, parse_step_id, parse_trace_id
from ..interrupts import let_pass
from ..notices import Notices
from ..spans import current_span
from .bounds import MAX_LINKS, MAX_URL, Room, short_name, short_text
from .current import Node, current_node, enter, leave
from .model import ExecutionTrace, Status, Step
from .propagation import NOWHERE, TraceContext
from .users import safe_user

_WEB_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+", re.ASCII | re.IGNORECASE)
_NOTICES: Final = Notices()


class _Recording:
    """What a trace and a step have in common while they are being recorded."""

    if not TYPE_CHECKING:  # pragma: no branch - the slots are those of the subclasses
        __slots__ = ()

    up: Node | None  #: what was current when it became current
    is_running: bool
    _began_ns: int | None
    _clock: Clock
    _duration_ms: float

    @property
    def duration_ms(self) -> float:
        """Milliseconds it took, or has taken so far, to the microsecond."""
        if not self.is_running or self._began_ns is None:
            return self._duration_ms
        return (self._clock.monotonic_ns() - self._began_ns) // 1_000 / 1_000

    def fail(self, reason: object) -> None:
        """
        Mark it as failed although no exception escapes from it.

        Args:
            reason: An exception, or words. An exception that does escape afterwards
                takes its place.
        """
        self._explain(reason)
        self._tell()

    def __enter__(self) -> Self:
        if self._began_ns is None:
            try:
                self.begin(self._clock.monotonic_ns())
            except BaseException as error:  # of a signal handler: the block will never run, nor its end
                self.__exit__(type(error), error, None)
                raise
        return self

    def __exit__(self, kind: object, error: BaseException | None, tb: object) -> None:
        if self.is_running:
            self.end(self.duration_ms, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: object, error: BaseException | None, tb: object) -> None:
        self.__exit__(kind, error, tb)

    def begin(self, now_ns: int) -> None:
        """Become the current one, at *now_ns* of the monotonic clock; ``with`` does so itself."""

    def end(self, duration_ms: float, error: BaseException | None) -> None:
        """Stop being the current one, for the reason that *error* escaped."""

    def _explain(self, reason: object) -> None:
        """Keep why it failed, in the place of what was said before."""

    def _tell(self) -> None:
        """Let the store keep what is new."""


class OpenStep(_Recording, Step):
    """A step that is being recorded; use it once, with ``with`` or ``async with``."""

    __slots__ = ("_began_ns", "_clock", "is_running", "trace", "up")

    def __init__(self, trace: OpenTrace, name: str, details: Mapping[str, object]) -> None:
        super().__init__(short_name(trace._gate.text(name)), new_step_id())
        self.trace: Final = trace
        self.up: Node | None = None
        self._clock = trace._clock
        self.is_running = False
        self._began_ns: int | None = None
        if details:
            self.add(**details)

    def add(self, /, **details: object) -> None:
        """Tell more about the step; a name that is there already gets the new value."""
        trace = self.trace
        taken = trace._room.take(self.details, trace._gate.fields(details))
        # Another dict, as somebody may read the old one in another thread; and nothing is called between
        # reading and writing, so what others add meanwhile stays.
        self.details = {**self.details, **taken}
        self._tell()

    def begin(self, now_ns: int) -> None:
        """Become the current step."""
        trace = self.trace
        self._began_ns = now_ns
        self.is_running = True
        if trace._began_ns is not None:
            self.started_ms = (now_ns - trace._began_ns) // 1_000 / 1_000
        enter(self)
        if isinstance(self.up, OpenStep) and self.up.trace is trace:
            self.parent_id = self.up.id
        trace._room.append(self, trace.steps)
        trace._tell()

    def end(self, duration_ms: float, error: BaseException | None) -> None:
        """Be a step that has ended."""
        self._duration_ms = duration_ms
        self.is_running = False
        self.status = _status_of(error, failed=self.error is not None)
        try:
            if isinstance(error, Exception):
                self._explain(error)
        finally:
            leave(self)
        self.trace._tell()

    def _explain(self, reason: object) -> None:
        self.error = self.trace._room.error(self.error, self.trace._describe(reason))

    def _tell(self) -> None:
        if self.is_running:
            self.trace._tell()


class OpenTrace(_Recording, ExecutionTrace):
    """A trace that is being recorded; use it once, with ``with`` or ``async with``."""

    __slots__ = (
        "_began_ns",
        "_clock",
        "_gate",
        "_observers",
        "_origin",
        "_room",
        "_store",
        "block",
        "is_running",
        "up",
    )

    def __init__(
        self,
        command: str,
        user_id: object,
        trace_id: object,
        correlation_id: object,
        parent: TraceContext | None,
        *,
        attributes: Mapping[str, object],
    ) -> None:
        in_force = runtime.current()
        gate = in_force.gate
        outer = current_node()
        origin = parent if type(parent) is TraceContext else NOWHERE  # a hostile object is not asked
        if parent is None and trace_id is None and outer is None:
            origin = _running_span()
        given = origin.trace_id if trace_id is None else trace_id
        known = None if given is None else parse_trace_id(given)
        if correlation_id is None:
            correlation_id = origin.correlation_id or (outer and outer.trace._shared_correlation_id())
        super().__init__(
            known or new_trace_id(),
            short_name(gate.text(command)),
            user_id=safe_user(user_id, gate),
            correlation_id=None if correlation_id is None else short_name(gate.text(correlation_id)),
            started_at=isoformat(in_force.clock.time_ns()),
            span_id=new_step_id(),
            parent_id=parse_step_id(origin.parent_id) if known and known == origin.trace_id else None,
        )
        self.up: Node | None = None
        self.is_running = False
        self._began_ns: int | None = None
        self._origin: Final = origin
        self._gate: Final[Gate] = gate
        self._clock = in_force.clock
        self._observers: Final = in_force.observers
        self._store: Final[Any] = in_force.trace_store  #: what it is told of went through the gate
        self._room: Final = Room(self.dropped)
        fields: dict[str, object] = {"trace_id": self.trace_id, "cmd": self.command}
        if self.correlation_id is not None:
            fields["correlation_id"] = self.correlation_id
        if self.user_id is not None:
            fields["user_id"] = self.user_id
        self.block: Final = bound_context(**fields)  #: binds them to log lines
        if known is None and given is not None:
            self._room.drop("ids")
        if attributes:
            self.add(**attributes)

    @property
    def trace(self) -> OpenTrace:
        """The trace itself, as a step has the trace that it belongs to."""
        return self

    def step(self, name: str, /, **details: object) -> OpenStep:
        """Begin a step with ``with`` or ``async with``; inside another step it is a part of that."""
        return OpenStep(self, name, details)

    def add(self, /, **attributes: object) -> None:
        """Tell more about the trace; a name that is there already gets the new value."""
        taken = self._room.take(self.attributes, self._gate.fields(attributes))
        self.attributes = {**self.attributes, **taken}
        self._tell()

    def rename(self, command: str) -> None:
        """Call it *command* from now on, on log lines too: a web framework finds its route late."""
        self.command = short_name(self._gate.text(command))
        self.block.fields = {**self.block.fields, "cmd": self.command}
        node = current_node()
        if node is not None and node.trace is self:
            set_context(cmd=self.command)
        self._tell()

    def link(self, label: str, url: str) -> None:
        """
        Point to something outside, such as the run of a workflow.

        Args:
            label: What the link leads to.
            url: An ``http`` or ``https`` address; anything else is left out and counted.
        """
        name, address = short_name(self._gate.text(label)), self._gate.text(url)
        if _WEB_ADDRESS.fullmatch(address) and len(address) <= MAX_URL and len(self.links) < MAX_LINKS:
            self.links = {**self.links, name: address}
        else:
            self._room.drop("links")
        self._tell()

    def begin(self, now_ns: int) -> None:
        """Become the current trace."""
        self._began_ns = now_ns
        self.is_running = True
        enter(self)
        self.block.__enter__()
        _tell_each(self, self._store.started, *[observer.trace_started for observer in self._observers])

    def end(self, duration_ms: float, error: BaseException | None) -> None:
        """Be a trace that has ended, and tell so."""
        self._duration_ms = duration_ms
        self.is_running = False
        self.status = _status_of(error, failed=self.error is not None)
        try:
            if isinstance(error, Exception):
                self._explain(error)
            _tell_each(self, self._store.ended, *[observer.trace_ended for observer in self._observers])
        finally:
            leave(self)
            self.block.__exit__()

    def place(self, caller_id: str) -> TraceContext:
        """Tell another process where it is called from: by *caller_id*, which is a step or the trace."""
        baggage = self._origin.baggage
        is_safe = self._gate.text(baggage) == baggage  # a secret may have come in with it
        return replace(
            self._origin,
            trace_id=self.trace_id,
            parent_id=caller_id,
            correlation_id=self.correlation_id,
            baggage=baggage if is_safe else "",
        )

    def _shared_correlation_id(self) -> str:
        """Return what joins the traces that begin inside this one to it: where nobody gave one, its id."""
        if self.correlation_id is None:
            self.correlation_id = self.trace_id
            self.block.fields = {**self.block.fields, "correlation_id": self.trace_id}
            self._tell()
        return self.correlation_id

    def _describe(self, reason: object) -> ErrorInfo:
        if issubclass(type(reason), BaseException):
            return self._gate.error(cast("BaseException", reason))
        return ErrorInfo(type="Failed", message=short_text(self._gate.text(reason)), stack="")

    def _explain(self, reason: object) -> None:
        self.error = self._describe(reason)

    def _tell(self) -> None:
        if self.is_running:
            try:
                self._store.changed(self)
            except Exception as error:
                let_pass(error)
                _complain(error)


def _running_span() -> TraceContext:
    """Go on with the span of OpenTelemetry that the program is inside of, if there is one."""
    span = current_span()
    if not span:
        return NOWHERE
    return TraceContext(
        trace_id=str(span["trace_id"]),
        parent_id=str(span["span_id"]),
        sampled=span["trace_flags"] != "00",
    )


def _status_of(error: BaseException | None, *, failed: bool) -> Status:
    """Tell how something ended by what escaped from it."""
    if error is None and not failed:
        return "ok"
    if failed or isinstance(error, Exception):
        return "error"
    if isinstance(error, GeneratorExit):
        return "ok"
    # CancelledError, KeyboardInterrupt and SystemExit are no errors of the command.
    return "cancelled"


def _tell_each(trace: OpenTrace, tell: Callable[..., object], *others: Callable[..., object]) -> None:
    """
    Tell a store and observers of *trace*, which is safe: all in it went through the gate.

    Each may fail on its own, and the program goes on. What a signal handler raises
    passes when all are told.
    """
    try:
        tell(trace)
    except Exception as error:
        let_pass(error)
        _complain(error)
    finally:
        if others:
            _tell_each(trace, *others)


def _complain(error: Exception) -> None:
    count(runtime.current().refused, "trace")
    _NOTICES.tell(type(error).__name__, f"a trace was not kept or not told of: {type(error).__name__}")
