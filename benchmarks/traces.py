"""What a trace with four steps costs, kept in memory."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import obskit
from benchmarks.measure import Contender, Scenario

STEPS = ("validate", "dispatch", "wait", "report")
_KEPT = 1_000


def _floor() -> Callable[[], object]:
    ring: deque[dict[str, object]] = deque(maxlen=_KEPT)

    def call() -> None:
        began = time.monotonic_ns()
        steps = []
        for name in STEPS:
            start = time.monotonic_ns()
            steps.append({"name": name, "status": "ok", "ms": (time.monotonic_ns() - start) / 1e6})
        ms = (time.monotonic_ns() - began) / 1e6
        ring.append({"id": uuid.uuid4().hex, "user": "184", "command": "/diagnose", "steps": steps, "ms": ms})

    return call


def _obskit() -> Callable[[], object]:
    obskit.configure(service="bench", level="critical", capture_logging=False, hooks=False)

    def call() -> None:
        with obskit.trace("/diagnose", user_id="184") as trace:
            for name in STEPS:
                with trace.step(name):
                    pass

    return call


def _opentelemetry() -> Callable[[], object]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter(max_spans=_KEPT * 5)))
    tracer = provider.get_tracer("bench")

    def call() -> None:
        with tracer.start_as_current_span("/diagnose", attributes={"enduser.id": "184"}):
            for name in STEPS:
                with tracer.start_as_current_span(name):
                    pass

    return call


SCENARIOS = (
    Scenario(
        "Trace with four steps, kept in memory",
        Contender("floor: dicts and a deque", _floor),
        (Contender("obskit", _obskit), Contender("OpenTelemetry SDK", _opentelemetry)),
        12,
    ),
)
