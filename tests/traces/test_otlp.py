"""Traces leave as OTLP that the official schema and a real collector take, with nothing lost or bent."""

from __future__ import annotations

import base64
import copy
import gzip
import importlib.util
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import obskit
from obskit.http import endpoint
from obskit.traces import ErrorInfo, ExecutionTrace, Step, to_otlp
from tests.programs import free_port, running
from tests.servers import Request, scripted_server
from tests.traces.test_model import traces
from tests.traces.test_view import sample


def judged(document: dict[str, Any]) -> ExportTraceServiceRequest:
    """
    Read *document* by the official schema, refusing what it does not know.

    Ids are in hex there and in base64 in the general JSON of protobuf: taken as they
    are, they would be read as something else, without an error.
    """
    general = copy.deepcopy(json.loads(json.dumps(document, allow_nan=False)))
    for span in spans(general):
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    request = ExportTraceServiceRequest()
    json_format.ParseDict(general, request)
    return request


def spans(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the spans of a document that has one resource and one scope."""
    (resource,) = document["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    found: list[dict[str, Any]] = scope["spans"]
    return found


def official(document: dict[str, Any]) -> list[Span]:
    """Return the spans as the official schema reads them."""
    return list(judged(document).resource_spans[0].scope_spans[0].spans)


def attributes(span: Span) -> dict[str, Any]:
    """Return the attributes of a span, those that hold one value."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "") for pair in span.attributes}


@given(traces())
def test_any_trace_conforms_to_the_schema(trace: ExecutionTrace) -> None:
    """A span for the trace and one for each step, with ids of the right length and times in order."""
    root, *steps = official(to_otlp(trace))
    assert (root.trace_id.hex(), len(root.span_id)) == (trace.trace_id, 8)
    assert [span.span_id.hex() for span in steps] == [step.id for step in trace.steps]
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in (root, *steps))
    assert all(span.parent_span_id for span in steps)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=9)
)
def test_any_value_conforms_to_the_schema(value: Any) -> None:
    """Numbers of any size, none at all, and text that UTF-8 cannot hold."""
    trace = sample(0)
    trace.attributes = {"value": value, "inner": {"value": value}}
    assert official(to_otlp(trace))


def test_times_and_parents_are_exact() -> None:
    """To the microsecond, as they were measured."""
    trace = sample(2)
    trace.span_id, trace.parent_id = "c" * 16, "d" * 16
    trace.started_at = "2026-01-02T03:04:05.000006+00:00"
    trace.steps[1].parent_id = trace.steps[0].id
    trace.steps[1].started_ms, trace.steps[1]._duration_ms = 250.001, 1_000.002
    root, first, second = official(to_otlp(trace))
    began = 1_767_323_045_000_006_000
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (began, began + 1_250_000_000)
    assert second.start_time_unix_nano == began + 250_001_000
    assert second.end_time_unix_nano == began + 1_250_003_000
    parents = [span.parent_span_id.hex() for span in (root, first, second)]
    assert parents == ["d" * 16, "c" * 16, first.span_id.hex()]
    assert (root.kind, first.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_INTERNAL)


def test_what_is_known_of_a_trace_becomes_attributes_and_events() -> None:
    """User, correlation, links, details, errors, and how much was left out."""
    with obskit.trace("/x", "42", correlation_id="c", tries=2, ratio=0.5, deep=True) as recorded:
        recorded.link("Run", "https://example.org/7")
        recorded.link("bad", "no address")
        with recorded.step("look", places=["a", None], where={"in": 1}) as step:
            step.fail(OSError("gone"))
        recorded.fail(ValueError("no"))
    recorded.dropped = {"fields": 2, "steps": 3}
    root, look = official(to_otlp(recorded))
    expected = {"tries": 2, "ratio": 0.5, "deep": True, "user.id": "42", "correlation_id": "c"}
    expected |= {"link.Run": "https://example.org/7", "obskit.status": "error", "obskit.dropped_steps": 3}
    assert attributes(root) == expected
    assert (root.status.code, root.status.message) == (2, "ValueError: no")
    assert root.dropped_attributes_count == 2
    (event,) = look.events
    assert {pair.key: pair.value.string_value for pair in event.attributes} == {
        "exception.type": "OSError",
        "exception.message": "gone",
    }
    (resource,) = judged(to_otlp(recorded, resource={"a": 1})).resource_spans
    assert [pair.key for pair in resource.resource.attributes] == ["service.name", "a"]


@pytest.mark.parametrize(
    ("status", "code"), [("ok", 1), ("error", 2), ("lost", 2), ("running", 0), ("cancelled", 0)]
)
def test_the_status_is_told_as_far_as_opentelemetry_has_a_word(status: Any, code: int) -> None:
    """Ours stands in an attribute as well."""
    trace = sample(0)
    trace.status = status
    (root,) = official(to_otlp(trace))
    assert (root.status.code, attributes(root)["obskit.status"]) == (code, status)


# --- a real collector ---


def collector() -> str:
    """Return the path of rotel, a collector that comes as a wheel; without it the test is skipped."""
    found = importlib.util.find_spec("rotel")
    if found is None or found.origin is None:
        if os.environ.get("OBSKIT_TEST_PROGRAMS") == "required":
            pytest.fail("rotel is not installed")
        pytest.skip("rotel is not installed")
    return str(Path(found.origin).with_name("rotel-agent"))


def odd_trace() -> ExecutionTrace:
    """Make a trace of everything that receivers are known to stumble over."""
    trace = sample(2)
    trace.attributes = {
        "none": None,
        "nan": float("nan"),
        "huge": 2**70,
        "\ud800": "\ud800",
        "empty": {},
        "list": [None],
    }
    trace.error = ErrorInfo("OSError", "gone", "stack")
    trace.steps.append(Step("runs", "e" * 16, None))
    return trace


@pytest.mark.slow
def test_a_real_collector_takes_it_and_passes_on_the_same() -> None:
    """What rotel made of our JSON, sent on as protobuf, is what the schema says it is."""
    http, grpc = free_port(), free_port()
    with scripted_server() as sink:
        sink.answers[0] = (200, {"Content-Type": "application/x-protobuf"}, b"")
        options = {
            "otlp-http-endpoint": f"127.0.0.1:{http}",
            "otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
            "exporter": "otlp",
            "otlp-exporter-protocol": "http",
            "otlp-exporter-endpoint": sink.url,
            "batch-timeout": "100ms",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        with running(collector(), "start", *arguments):
            document = to_otlp(odd_trace())
            status = _post(f"http://127.0.0.1:{http}/v1/traces", json.dumps(document).encode())
            assert status == 200
            deadline = time.monotonic() + 20
            while not sink.requests and time.monotonic() < deadline:
                time.sleep(0.05)
    received = ExportTraceServiceRequest.FromString(_plain(sink.requests[0]))
    assert list(received.resource_spans[0].scope_spans[0].spans) == official(document)


def _plain(request: Request) -> bytes:
    return (
        gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
    )


def _post(url: str, body: bytes) -> int:
    """Send *body* as soon as somebody listens."""
    target = endpoint(url, setting="url", what="the test")
    deadline = time.monotonic() + 20
    while True:
        try:
            return target.post(body, headers={"Content-Type": "application/json"}).status
        except obskit.errors.SinkError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
