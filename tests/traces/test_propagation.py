"""A trace's place travels in headers and environment variables."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.traces import TraceContext

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT"])
def test_a_traceparent_is_read_in_any_case(name: str) -> None:
    """Headers and environment variables name the same thing."""
    assert obskit.extract({name: GOOD}) == TraceContext(trace_id=TRACE, parent_id=PARENT)


@pytest.mark.parametrize("name", ["X-Correlation-Id", "x-correlation-id", "X_CORRELATION_ID"])
def test_a_correlation_id_is_read_alone_or_beside(name: str) -> None:
    """Either of the two may be missing."""
    assert obskit.extract({name: "order-7"}) == TraceContext(correlation_id="order-7")
    both = obskit.extract({name: "order-7", "traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert both == TraceContext(trace_id=TRACE, parent_id=PARENT, correlation_id="order-7", sampled=False)


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """The recommendation asks to accept what a newer version adds at the end."""
    assert obskit.extract({"traceparent": f"01-{TRACE}-{PARENT}-01-more"}) is not None


@pytest.mark.parametrize(
    "bad",
    [
        "",
        GOOD.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{GOOD}-more",
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
    assert time.perf_counter() - began < 1


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
