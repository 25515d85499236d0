"""A trace's place travels in headers and environment variables."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit import runtime
from obskit.traces import ENVIRONMENT, TraceContext

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{PARENT}-01"
XRAY = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"
PLACE = TraceContext(trace_id=TRACE, parent_id=PARENT)
STATE = "rojo=00f067aa0ba902b7,tenant@vendor=1"
BAGGAGE = "user.id=42;private,region=eu%20west"


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test does, nothing is written to stderr."""
    yield
    assert capfd.readouterr().err == ""


#: What comes in, what is made of it, and what does not conform.
CASES: list[tuple[dict[str, str], TraceContext | None, set[str]]] = [
    ({}, None, set()),
    ({"Accept": "text/html"}, None, set()),
    ({"traceparent": GOOD}, PLACE, set()),
    ({"Traceparent": f"  {GOOD}\t"}, PLACE, set()),
    ({"TRACEPARENT": GOOD}, PLACE, set()),
    ({"traceparent": GOOD[:-2] + "00"}, replace(PLACE, sampled=False), set()),
    ({"traceparent": GOOD[:-2] + "03"}, PLACE, set()),
    ({"traceparent": "01" + GOOD[2:] + "-what-comes-later"}, PLACE, set()),
    ({"traceparent": "ff" + GOOD[2:]}, None, {"traceparent"}),
    ({"traceparent": GOOD + "-more"}, None, {"traceparent"}),
    ({"traceparent": GOOD.upper()}, None, {"traceparent"}),
    ({"traceparent": GOOD[:-1]}, None, {"traceparent"}),
    ({"traceparent": f"00-{'0' * 32}-{PARENT}-01"}, None, {"traceparent"}),
    ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None, {"traceparent"}),
    ({"traceparent": GOOD, "TRACEPARENT": GOOD}, PLACE, set()),
    ({"traceparent": GOOD, "Traceparent": GOOD[:-2] + "00"}, None, {"traceparent"}),
    ({"traceparent": GOOD, "tracestate": STATE}, replace(PLACE, tracestate=STATE), set()),
    (
        {"traceparent": GOOD, "tracestate": "rojo=1,,congo=2"},
        replace(PLACE, tracestate="rojo=1,,congo=2"),
        set(),
    ),
    ({"traceparent": GOOD, "tracestate": "Rojo=1"}, PLACE, {"tracestate"}),
    ({"traceparent": GOOD, "tracestate": ",".join(f"k{n}=1" for n in range(33))}, PLACE, {"tracestate"}),
    ({"traceparent": GOOD, "tracestate": "k=" + "v" * 600}, PLACE, {"tracestate"}),
    ({"traceparent": "no", "tracestate": STATE}, None, {"traceparent"}),
    ({"baggage": BAGGAGE}, TraceContext(baggage=BAGGAGE), set()),
    ({"traceparent": GOOD, "baggage": "a=1, b = 2"}, replace(PLACE, baggage="a=1, b = 2"), set()),
    ({"traceparent": GOOD, "baggage": "no pair"}, PLACE, {"baggage"}),
    ({"traceparent": GOOD, "BAGGAGE": "k=" + "v" * 9_000}, PLACE, {"baggage"}),
    ({"X-Correlation-Id": "order-7"}, TraceContext(correlation_id="order-7"), set()),
    ({"X_CORRELATION_ID": "order-7", "traceparent": GOOD}, replace(PLACE, correlation_id="order-7"), set()),
    ({"x-correlation-id": "a b", "traceparent": GOOD}, PLACE, {"x-correlation-id"}),
    ({"X-Amzn-Trace-Id": XRAY}, PLACE, set()),
    ({"_X_AMZN_TRACE_ID": f"{XRAY};Lineage=a:0"}, PLACE, set()),
    ({"X-Amzn-Trace-Id": f"Self=1-0-0; {XRAY}"}, PLACE, set()),
    ({"X-Amzn-Trace-Id": XRAY.partition(";")[0]}, TraceContext(trace_id=TRACE), set()),
    ({"X-Amzn-Trace-Id": XRAY[:-1] + "0"}, replace(PLACE, sampled=False), set()),
    ({"X-Amzn-Trace-Id": "Root=1-0-0"}, None, {"x-amzn-trace-id"}),
    ({"X-Amzn-Trace-Id": f"Root=1-{'0' * 8}-{'0' * 24}"}, None, {"x-amzn-trace-id"}),
    ({"X-Amzn-Trace-Id": "Root", "traceparent": GOOD}, PLACE, {"x-amzn-trace-id"}),
    ({"X-Amzn-Trace-Id": XRAY, "traceparent": "no"}, PLACE, {"traceparent"}),
    ({"X-Amzn-Trace-Id": XRAY, "tracestate": STATE}, PLACE, set()),
]


@pytest.mark.parametrize(("carrier", "context", "refused"), CASES)
def test_what_comes_in_is_read_strictly_and_what_does_not_conform_is_counted(
    carrier: dict[str, str], context: TraceContext | None, refused: set[str]
) -> None:
    """A header counts as it is or not at all."""
    assert obskit.extract(carrier) == context
    counted = {name: count for name, count in runtime.current().stats().items() if "refused" in name}
    assert counted == {f"refused_{name}": 1 for name in refused}


@pytest.mark.parametrize("carrier", [carrier for carrier, context, _ in CASES if context is None])
def test_a_trace_begins_anew_where_its_origin_is_no_use(carrier: dict[str, str]) -> None:
    """A bad header costs the link to its sender, nothing else."""
    with obskit.trace("/x", parent=obskit.extract(carrier)) as trace:
        pass
    assert trace.trace_id != TRACE
    assert (trace.parent_id, trace.status) == (None, "ok")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        f"{GOOD}\r\nX-Evil: 1",
        "00-" + "a" * 10**6,
        f"00-{TRACE}-{PARENT}-\u0660\u0661",
    ],
)
def test_what_does_not_conform_counts_as_absent(bad: str) -> None:
    """Nothing is guessed from a header that is wrong."""
    assert obskit.extract({"traceparent": bad, "X-Correlation-Id": "bad id\n"}) is None


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=80)))
def test_any_carrier_can_be_read(carrier: dict[str, str]) -> None:
    """No header makes reading fail."""
    obskit.extract(carrier)


@pytest.mark.parametrize(
    "carrier",
    [None, {}, {"traceparent": None}, {b"traceparent": GOOD.encode()}, {7: GOOD}, {"traceparent": 7}],
)
def test_a_carrier_of_another_kind_holds_nothing(carrier: Any) -> None:
    """Headers that are missing or of another type are no error."""
    assert obskit.extract(carrier) is None


def test_what_was_written_continues_the_trace_elsewhere() -> None:
    """The other side has the same trace id and correlation id, and knows the step."""
    carrier: dict[str, str] = {}
    with obskit.trace("/x", correlation_id="order-7") as trace, trace.step("call") as step:
        obskit.inject(carrier)
    context = obskit.extract(carrier)
    assert context == TraceContext(trace_id=trace.trace_id, parent_id=step.id, correlation_id="order-7")
    with obskit.trace("/y", parent=context) as other:
        assert (other.trace_id, other.correlation_id) == (trace.trace_id, "order-7")


ids = st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}")
correlation_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}", fullmatch=True)


@given(trace_id=ids, correlation_id=correlation_ids, sampled_name=st.sampled_from([str.upper, str.lower]))
def test_any_place_survives_the_journey(
    trace_id: str, correlation_id: str, sampled_name: Callable[[str], str]
) -> None:
    """Whatever is written is read the same on the other side, however the carrier spells its names."""
    carrier: dict[str, str] = {}
    with obskit.trace("/x", trace_id=trace_id, correlation_id=correlation_id):
        obskit.inject(carrier)
    context = obskit.extract({sampled_name(name): value for name, value in carrier.items()})
    assert context is not None
    assert (context.trace_id, context.correlation_id) == (trace_id, correlation_id)


@pytest.mark.parametrize("unit", ["0", "00-", "a" * 32 + "-", "\u0660", " ", "-"])
def test_a_hostile_header_costs_no_time(unit: str) -> None:
    """Reading does not depend on how long or how odd a header is."""
    carriers = [
        dict.fromkeys(("traceparent", "X-Correlation-Id"), text) for text in (unit * 10**6, unit * 512)
    ]
    began = time.perf_counter()
    for carrier in carriers * 200:
        obskit.extract({name: value[:512] for name, value in carrier.items()})
        obskit.extract(carrier)
    assert time.perf_counter() - began < 5


def test_outside_a_step_the_trace_itself_is_the_parent() -> None:
    """A traceparent always has a parent id."""
    carrier: dict[str, str] = {}
    with obskit.trace("/x") as trace:
        obskit.inject(carrier)
    context = obskit.extract(carrier)
    assert context is not None
    assert (context.trace_id, context.correlation_id) == (trace.trace_id, None)


def test_without_a_trace_nothing_is_written() -> None:
    """A carrier stays as it is."""
    carrier: dict[str, str] = {}
    obskit.inject(carrier)
    assert carrier == {}


def test_a_correlation_id_that_no_header_can_hold_is_not_written() -> None:
    """Header injection ends here."""
    carrier: dict[str, str] = {}
    with obskit.trace("/x", correlation_id="a\r\nX-Evil: 1"):
        obskit.inject(carrier)
    assert list(carrier) == ["traceparent"]


class Hostile(Mapping[str, str]):
    """A carrier whose every method raises."""

    def __getitem__(self, name: str) -> str:
        """Fail."""
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[str]:
        """Fail."""
        raise RuntimeError("no")

    def __len__(self) -> int:
        """Fail."""
        raise RuntimeError("no")


def test_a_carrier_that_raises_disturbs_nobody() -> None:
    """Its errors stay here, and are counted."""
    assert obskit.extract(Hostile()) is None
    assert runtime.current().stats()["refused_carrier"] == 1
    with obskit.trace("/x"):
        obskit.inject(Hostile())  # type: ignore[arg-type]


def test_what_came_in_is_passed_on() -> None:
    """State, baggage and the decision to sample go along; the step is the new parent."""
    came = {"traceparent": GOOD[:-2] + "00", "tracestate": STATE, "baggage": BAGGAGE}
    carrier: dict[str, str] = {}
    with obskit.trace("/x", parent=obskit.extract(came)) as trace, trace.step("call") as step:
        obskit.inject(carrier)
    assert carrier == {**came, "traceparent": f"00-{TRACE}-{step.id}-00"}
    assert (trace.trace_id, trace.parent_id) == (TRACE, PARENT)


def test_a_secret_in_baggage_goes_no_further() -> None:
    """Baggage is for everybody, so it is no place for one."""
    context = TraceContext(trace_id=TRACE, baggage="token=ghp_" + "fake" * 9)
    carrier: dict[str, str] = {}
    with obskit.trace("/x", parent=context):
        obskit.inject(carrier)
    assert list(carrier) == ["traceparent"]


@pytest.mark.parametrize("bad", ["a=1\r\nb: c", "\n", "<b>", "a=" + "b" * 9_000])
def test_a_context_made_by_hand_is_looked_at_too(bad: str) -> None:
    """Nothing gets into a header that is not fit for it."""
    context = TraceContext(trace_id=TRACE, parent_id=bad, tracestate=bad, baggage=bad, correlation_id=bad)
    carrier: dict[str, str] = {}
    with obskit.trace("/x", parent=context) as trace:
        obskit.inject(carrier)
    assert (list(carrier), trace.parent_id) == (["traceparent"], None)


def test_each_service_gets_the_names_that_it_knows() -> None:
    """A header of X-Ray, or one input of a GitHub workflow, which refuses any other."""
    with obskit.trace("/x", correlation_id="c") as trace, trace.step("call") as step:
        inputs: dict[str, str] = {"repository": "shop"}
        obskit.inject(inputs, names=["traceparent", "no-such"])
        request: dict[str, str] = {}
        obskit.inject(request, names=["X-Amzn-Trace-Id"])
    assert inputs == {"repository": "shop", "traceparent": f"00-{trace.trace_id}-{step.id}-01"}
    root = f"Root=1-{trace.trace_id[:8]}-{trace.trace_id[8:]}"
    assert request == {"X-Amzn-Trace-Id": f"{root};Parent={step.id};Sampled=1"}
    assert obskit.extract(request) == TraceContext(trace_id=trace.trace_id, parent_id=step.id)


CHILD = """
import os, obskit
with obskit.trace("/child", parent=obskit.extract(os.environ)) as trace:
    print(trace.trace_id, trace.parent_id, trace.correlation_id)
"""


def test_a_new_process_goes_on_with_the_trace_of_its_parent() -> None:
    """Variables carry it, whatever starts the process."""
    variables: dict[str, str] = {}
    with obskit.trace("/x", correlation_id="order-7") as trace, trace.step("spawn") as step:
        obskit.inject(variables, ENVIRONMENT)
        done = subprocess.run(
            [sys.executable, "-c", CHILD],
            env={**variables, "OBSKIT_LEVEL": "error"},
            capture_output=True,
            check=True,
        )
    assert done.stdout.decode().split() == [trace.trace_id, step.id, "order-7"]
    assert done.stderr == b""


def test_a_trace_has_a_place_of_its_own() -> None:
    """Outside of a step, the trace is what calls."""
    carrier: dict[str, str] = {}
    with obskit.trace("/x") as trace:
        obskit.inject(carrier)
    assert carrier["traceparent"] == f"00-{trace.trace_id}-{trace.span_id}-01"


@pytest.mark.parametrize(
    "text",
    ["a=" * 4_000, "a" * 8_000, "a=1," * 2_000, "a=1;" * 2_000, " \t" * 4_000, "Root=1;" * 70],
)
@pytest.mark.parametrize("name", ["tracestate", "baggage", "X-Amzn-Trace-Id", "X-Correlation-Id"])
def test_a_hostile_list_costs_no_time(name: str, text: str) -> None:
    """Every pattern is linear."""
    began = time.perf_counter()
    for length in (len(text), 512):
        for _ in range(50):
            obskit.extract({name: text[:length], "traceparent": GOOD})
    assert time.perf_counter() - began < 5
