"""What traces cost: to record them, to ask for them, and to keep them."""

from __future__ import annotations

import gc
import time
import tracemalloc
import uuid
from collections import deque
from collections.abc import Callable
from functools import partial

from aws_xray_sdk.core.context import Context  # type: ignore[import-untyped]
from aws_xray_sdk.core.recorder import AWSXRayRecorder  # type: ignore[import-untyped]
from opentelemetry import trace as opentelemetry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import obskit
from benchmarks.measure import Contender, Scenario
from obskit.traces import MemoryTraceStore

STEPS = ("validate", "dispatch", "wait", "report")
_KEPT = 1_000
#: More than the scenario of memory records, so that nothing is let go meanwhile.
_ALL = 100_000


def _floor(kept: int = _KEPT) -> Callable[[], object]:
    ring: deque[dict[str, object]] = deque(maxlen=kept)

    def call() -> None:
        began = time.monotonic_ns()
        steps = []
        for name in STEPS:
            start = time.monotonic_ns()
            steps.append({"name": name, "status": "ok", "ms": (time.monotonic_ns() - start) / 1e6})
        ms = (time.monotonic_ns() - began) / 1e6
        ring.append({"id": uuid.uuid4().hex, "user": "184", "command": "/diagnose", "steps": steps, "ms": ms})

    return call


def _obskit(kept: int = _KEPT) -> Callable[[], object]:
    store = MemoryTraceStore(per_user=kept // 10, total=kept)
    obskit.configure(service="bench", level="critical", trace_store=store, capture_logging=False, hooks=False)

    def call() -> None:
        with obskit.trace("/diagnose", user_id="184") as trace:
            for name in STEPS:
                with trace.step(name):
                    pass

    return call


def _opentelemetry(kept: int = _KEPT) -> Callable[[], object]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(InMemorySpanExporter(max_spans=kept * 5)))
    return _spans(provider.get_tracer("bench"))


def _logfire(kept: int = _KEPT) -> Callable[[], object]:
    import logfire

    provider = logfire.configure(
        local=True,
        send_to_logfire=False,
        console=False,
        additional_span_processors=[SimpleSpanProcessor(InMemorySpanExporter(max_spans=kept * 5))],
    )

    def call() -> None:
        with provider.span("/diagnose", user_id="184"):
            for name in STEPS:
                with provider.span(name):
                    pass

    return call


def _spans(tracer: opentelemetry.Tracer) -> Callable[[], object]:
    def call() -> None:
        with tracer.start_as_current_span("/diagnose", attributes={"enduser.id": "184"}):
            for name in STEPS:
                with tracer.start_as_current_span(name):
                    pass

    return call


class _Ring:
    """Keeps segments of X-Ray instead of sending them to the daemon."""

    def __init__(self, kept: int) -> None:
        self._kept: deque[object] = deque(maxlen=kept)

    def send_entity(self, entity: object) -> None:
        self._kept.append(entity)


def _xray(kept: int = _KEPT) -> Callable[[], object]:
    recorder = AWSXRayRecorder()
    recorder.configure(service="bench", sampling=False, context=Context(), emitter=_Ring(kept))

    def call() -> None:
        with recorder.in_segment("diagnose"):
            for name in STEPS:
                with recorder.in_subsegment(name):
                    pass

    return call


def _read(users: int) -> Callable[[], Callable[[], object]]:
    """Ask for the last trace of one of *users*."""

    def prepare() -> Callable[[], object]:
        store = MemoryTraceStore(per_user=10, total=20_000)
        with obskit.configure(
            service="bench", level="critical", trace_store=store, capture_logging=False, hooks=False
        ):
            for number in range(users):
                with obskit.trace("/diagnose", user_id=str(number)), obskit.step("validate"):
                    pass
        wanted = str(users // 2)
        return lambda: store.last(wanted)

    return prepare


def _lookup() -> Callable[[], object]:
    ring = {"184": deque([{"id": 1}], maxlen=100)}
    return lambda: ring["184"][-1]


def _nothing() -> Callable[[], object]:
    def call() -> None:
        pass

    return call


def _step_without_a_trace() -> Callable[[], object]:
    def call() -> None:
        with obskit.step("validate"):
            pass

    return call


def _span_that_is_not_recorded() -> Callable[[], object]:
    tracer = opentelemetry.NoOpTracerProvider().get_tracer("bench")

    def call() -> None:
        with tracer.start_as_current_span("validate"):
            pass

    return call


def _kilobytes(call: Callable[[], object]) -> float:
    """Return the kilobytes that a call leaves behind."""
    call()
    gc.collect()
    tracemalloc.start()
    for _ in range(_CALLS):
        call()
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / _CALLS / 1_000


_CALLS = 500

SCENARIOS = (
    Scenario(
        "Trace with four steps, kept in memory",
        Contender("floor: dicts and a deque", _floor),
        (
            Contender("obskit", _obskit),
            Contender("X-Ray SDK", _xray),
            Contender("OpenTelemetry SDK", _opentelemetry),
            Contender("logfire", _logfire),
        ),
        12,
    ),
    Scenario(
        "Memory of a trace with four steps",
        Contender("floor: dicts and a deque", partial(_floor, _ALL)),
        (
            Contender("obskit", partial(_obskit, _ALL)),
            Contender("X-Ray SDK", partial(_xray, _ALL)),
            Contender("OpenTelemetry SDK", partial(_opentelemetry, _ALL)),
            Contender("logfire", partial(_logfire, _ALL)),
        ),
        unit="kB",
        measure=_kilobytes,
    ),
    Scenario(
        "Step where no trace is open",
        Contender("floor: a call", _nothing),
        (
            Contender("obskit", _step_without_a_trace),
            Contender("OpenTelemetry API", _span_that_is_not_recorded),
        ),
    ),
    Scenario(
        "Last trace of a user",
        Contender("floor: a dict of deques", _lookup),
        (Contender("obskit, 10 users", _read(10)), Contender("obskit, 10,000 users", _read(10_000))),
    ),
)
