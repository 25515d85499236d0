"""A program that OpenTelemetry instruments has its traces in our store."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from opentelemetry import baggage, context
from opentelemetry import trace as api
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

import obskit
from obskit.integrations import opentelemetry as module
from obskit.integrations.opentelemetry import TraceStoreProcessor
from obskit.traces import MemoryTraceStore
from tests.traces.recorded import last, shape

SECRET = "ghp_" + "fake" * 9
USER = {"user.id": "42"}


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    """A store of its own for each test."""
    with obskit.configure(
        output=io.BytesIO(), trace_store=MemoryTraceStore(), capture_logging=False, hooks=False
    ):
        yield


@pytest.fixture
def tracer() -> api.Tracer:
    """A tracer of a program that is instrumented already."""
    provider = TracerProvider()
    provider.add_span_processor(TraceStoreProcessor())
    return provider.get_tracer("tests")


def test_a_span_is_a_trace_and_those_inside_are_its_steps(tracer: api.Tracer) -> None:
    """Names, nesting, ids and attributes are those of OpenTelemetry, without secrets."""
    with tracer.start_as_current_span("/diagnose", attributes=USER) as root:
        with tracer.start_as_current_span("look") as look:
            look.set_attribute("found", 3)
            with tracer.start_as_current_span("inner"):
                pass
        with tracer.start_as_current_span("after", attributes={"token": SECRET}):
            pass
    kept = last()
    spans = root.get_span_context(), look.get_span_context()
    assert (kept.command, kept.status, kept.user_id) == ("/diagnose", "ok", "42")
    assert (kept.trace_id, kept.span_id) == (f"{spans[0].trace_id:032x}", f"{spans[0].span_id:016x}")
    assert shape(kept) == [("look", None), ("inner", "look"), ("after", None)]
    assert (kept.steps[0].id, kept.steps[0].details) == (f"{spans[1].span_id:016x}", {"found": 3})
    assert SECRET not in repr(kept.to_dict())


def test_times_are_those_of_the_spans(tracer: api.Tracer) -> None:
    """Also where a program says afterwards when something was."""
    began = obskit.runtime.current().clock.time_ns() - 5_000_000_000
    root = tracer.start_span("/x", attributes=USER, start_time=began)
    step = tracer.start_span("a", api.set_span_in_context(root), start_time=began + 1_000_000_000)
    step.end(began + 3_000_000_000)
    root.end(began + 4_000_000_000)
    assert last().duration_ms == 4_000
    assert last().steps[0].duration_ms == 2_000
    assert last().steps[0].started_ms == pytest.approx(1_000, abs=500)


def test_what_failed_says_why(tracer: api.Tracer) -> None:
    """An exception, a description, or nothing at all."""
    with pytest.raises(ValueError, match="no"), tracer.start_as_current_span("/x", attributes=USER):
        with tracer.start_as_current_span("described") as span:
            span.add_event("something else")
            span.set_status(StatusCode.ERROR, "not found")
        with tracer.start_as_current_span("silent") as span:
            span.set_status(StatusCode.ERROR)
        raise ValueError("no")
    assert (last().status, last().error and last().error.message) == ("error", "ValueError: no")  # type: ignore[union-attr]
    assert [step.error.message for step in last().steps if step.error] == ["not found", "no reason given"]


@pytest.mark.parametrize("name", ["user.id", "enduser.id"])
def test_a_user_is_known_by_attribute_or_baggage(tracer: api.Tracer, name: str) -> None:
    """Whatever the middleware sets, under either name."""
    with tracer.start_as_current_span("/attribute", attributes={name: 7}):
        pass
    token = context.attach(baggage.set_baggage(name, "8"))
    with tracer.start_as_current_span("/baggage"):
        pass
    context.detach(token)
    with tracer.start_as_current_span("/nobody"):
        pass
    assert [last(user).command for user in (7, "8", None)] == ["/attribute", "/baggage", "/nobody"]


def test_a_span_of_another_process_is_the_parent(tracer: api.Tracer) -> None:
    """The trace goes on here under its id."""
    remote = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    above = api.set_span_in_context(NonRecordingSpan(remote))
    with tracer.start_as_current_span("/x", context=above, attributes=USER):
        pass
    assert (last().trace_id, last().parent_id) == (f"{1:032x}", f"{2:016x}")


def test_spans_inside_a_trace_of_ours_are_its_steps(tracer: api.Tracer) -> None:
    """An instrumented client is a part of the command that uses it."""
    start = tracer.start_as_current_span
    with obskit.trace("/x", "42"), obskit.step("call"), start("GET"), start("connect"):
        pass
    assert shape(last()) == [("call", None), ("GET", "call"), ("connect", "GET")]


def test_spans_of_threads_and_in_any_order_leave_no_trace_behind(tracer: api.Tracer) -> None:
    """A span may end after its parent and in another thread; nothing of ours is current afterwards."""
    root = tracer.start_span("/x", attributes=USER)
    step = tracer.start_span("a", api.set_span_in_context(root))
    assert obskit.current_trace() is None
    root.end()
    thread = threading.Thread(target=step.end)
    thread.start()
    thread.join()
    assert obskit.current_trace() is None
    assert (last().status, last().steps[0].status) == ("ok", "running")


def test_spans_that_nobody_ends_do_not_pile_up(tracer: api.Tracer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is left to itself, and ends without an error."""
    monkeypatch.setattr(module, "_MAX_OPEN", 2)
    spans = [tracer.start_span(f"/{number}", attributes=USER) for number in range(3)]
    for span in spans:
        span.end()
    assert [trace.status for trace in obskit.get_trace_store().recent("42")] == ["ok", "ok", "running"]


def test_what_is_no_span_does_no_harm() -> None:
    """An exception in a processor would reach the program that starts the span."""
    processor = TraceStoreProcessor()
    processor.on_start(None)  # type: ignore[arg-type]
    processor.on_end(None)  # type: ignore[arg-type]
    assert obskit.get_trace_store().recent() == []


def test_a_provider_can_be_flushed_and_shut_down() -> None:
    """The store stays open: it belongs to the runtime."""
    provider = TracerProvider()
    provider.add_span_processor(TraceStoreProcessor())
    assert provider.force_flush(1_000)
    provider.shutdown()
    assert obskit.get_trace_store().recent() == []


def test_without_the_sdk_the_import_names_the_extra() -> None:
    """A missing package is one clear error."""
    code = "import sys; sys.modules['opentelemetry'] = None; import obskit.integrations.opentelemetry"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert "MissingExtra" in done.stderr
    assert "obskeeper[otel]" in done.stderr
