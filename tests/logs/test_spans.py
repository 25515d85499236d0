"""A line outside of a trace of obskit carries the ids of the OpenTelemetry span it belongs to."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from opentelemetry import trace as opentelemetry_trace
from opentelemetry.sdk.trace import TracerProvider

import obskit
from obskit.testing import capture

tracer = TracerProvider().get_tracer("tests")
log = obskit.get_logger("bot")


def ids() -> dict[str, str]:
    """Return the ids of the running span as the W3C writes them."""
    context = opentelemetry_trace.get_current_span().get_span_context()
    return {
        "trace_id": opentelemetry_trace.format_trace_id(context.trace_id),
        "span_id": opentelemetry_trace.format_span_id(context.span_id),
        "trace_flags": f"{int(context.trace_flags):02x}",
    }


def test_a_line_in_a_span_has_its_ids() -> None:
    """So a trace in another tool leads to the lines."""
    with capture() as events, tracer.start_as_current_span("work"):
        log.info("in a span")
        expected = ids()
    assert expected.items() <= events[0].items()


def test_a_line_outside_of_a_span_has_none() -> None:
    """No ids of zeros."""
    with capture() as events:
        log.info("alone")
    assert not {"trace_id", "span_id", "trace_flags"} & events[0].keys()


def test_the_trace_of_obskit_comes_first() -> None:
    """Inside one of ours, and where the call names a trace, that id stands."""
    with capture() as events, tracer.start_as_current_span("work"):
        with obskit.trace("/status", user_id="42") as trace:
            log.info("in ours")
        log.info("named", trace_id="0af7651916cd43dd8448eb211c80319c")
    assert events[0]["trace_id"] == trace.trace_id
    assert "span_id" not in events[0]
    assert events[-1]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("module", [SimpleNamespace(), SimpleNamespace(get_current_span=lambda: None)])
def test_a_library_that_is_half_imported_costs_no_line(
    module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may be importing it at this moment."""
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", module)
    with capture() as events:
        log.info("still here")
    assert events[0]["msg"] == "still here"


def test_obskit_never_imports_it() -> None:
    """A program without OpenTelemetry pays nothing for it."""
    program = "import sys, obskit; obskit.get_logger().info('x'); sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
