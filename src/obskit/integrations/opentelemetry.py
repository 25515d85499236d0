"""
Keep what OpenTelemetry records as traces of users.

Add `TraceStoreProcessor` to the provider of a program that is instrumented already:
each span without a parent in this process becomes a trace, and the spans inside it its
steps. Where a trace of obskit is open, all spans become steps of that. Spans that
sampling left out never get here.
"""

from __future__ import annotations

from contextvars import Context as Task
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, cast

from .. import runtime
from ..errors import MissingExtra
from ..interrupts import let_pass
from ..traces import OpenStep, OpenTrace, TraceContext, current_trace, trace

try:
    from opentelemetry import baggage
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
    from opentelemetry.trace import StatusCode
except ImportError:
    raise MissingExtra("TraceStoreProcessor", package="opentelemetry-sdk", extra="otel") from None

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext

#: Attributes of a span, or entries of its baggage, that name the user; the first that is set counts
#: (https://opentelemetry.io/docs/specs/semconv/registry/attributes/user/ and its predecessor).
USER: Final = ("user.id", "enduser.id")
#: Spans that may be open at once; of more, the oldest is left to itself.
_MAX_OPEN: Final = 10_000


class TraceStoreProcessor(SpanProcessor):
    """
    A span processor that fills obskit's trace store.

    A user is known by the attribute or the baggage entry ``user.id`` or ``enduser.id``,
    which has to be there when the first span starts.
    """

    def __init__(self) -> None:
        #: What records each open span here, and the context in which that is the current one.
        self._open: dict[int, tuple[OpenTrace | OpenStep, Task]] = {}

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Begin a trace or a step."""
        try:
            span_id = _context(span).span_id
            above = self._open.get(span.parent.span_id) if span.parent is not None else None
            task = copy_context() if above is None else above[1].copy()
            self._open[span_id] = task.run(_begin, span, parent_context), task
            if len(self._open) > _MAX_OPEN:
                del self._open[next(iter(self._open))]
        except Exception as error:  # it must not raise, whatever the span is
            let_pass(error)

    def on_end(self, span: ReadableSpan) -> None:
        """End the trace or the step."""
        try:
            node, task = self._open.pop(_context(span).span_id)
            task.run(_end, node, span)
        except Exception as error:
            let_pass(error)

    def shutdown(self) -> None:
        """Do nothing: the store belongs to the runtime."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Finish the store's pending writes; False if some are left."""
        return runtime.current().trace_store.flush(timeout_millis / 1_000)


def _context(span: ReadableSpan) -> SpanContext:
    return cast("SpanContext", span.context)  # only a span that nobody started has none


def _begin(span: Span, parent_context: Context | None) -> OpenTrace | OpenStep:
    """Begin what records *span*, inside of what is current."""
    inside, span_id = current_trace(), f"{_context(span).span_id:016x}"
    node: OpenTrace | OpenStep
    if inside is None:
        node = _new_trace(span, parent_context)
        node.span_id = span_id
    else:
        node = inside.step(span.name)
        node.id = span_id
    clock = runtime.current().clock
    node.begin(clock.monotonic_ns() - clock.time_ns() + (span.start_time or clock.time_ns()))
    return node


def _new_trace(span: Span, parent_context: Context | None) -> OpenTrace:
    told = dict(span.attributes or {})
    users = [*map(told.get, USER), *(baggage.get_baggage(name, parent_context) for name in USER)]
    user = next((user for user in users if user is not None), None)
    trace_id = f"{_context(span).trace_id:032x}"
    above = span.parent
    parent = above and TraceContext(trace_id=trace_id, parent_id=f"{above.span_id:016x}")
    return trace(span.name, user, trace_id, parent=parent)


def _end(node: OpenTrace | OpenStep, span: ReadableSpan) -> None:
    node.add(**(span.attributes or {}))
    if span.status.status_code is StatusCode.ERROR:
        node.fail(_reason(span))
    node.end(((span.end_time or 0) - (span.start_time or 0)) / 1e6, None)


def _reason(span: ReadableSpan) -> str:
    """Tell why *span* failed: its last exception, or what its status says."""
    for event in reversed(span.events):
        told = event.attributes or {}
        if "exception.type" in told:
            return f"{told['exception.type']!s}: {told.get('exception.message', '')!s}"
    return span.status.description or "no reason given"
