"""Documents: what is written comes back, and what anybody else wrote is looked at before it is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.encoding.exceptions import Cause, ErrorInfo
from obskit.errors import StoreError
from obskit.traces import STATUSES, ExecutionTrace, Step, render
from obskit.traces.stores import frozen

NOW_NS = 1_700_000_060_000_000_000
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
texts = st.text(st.characters(), max_size=20)
durations = st.floats(0, 1e9)
errors = st.none() | st.builds(
    ErrorInfo, texts, texts, texts, st.lists(st.builds(Cause, texts, texts, texts), max_size=2).map(tuple)
)


@st.composite
def traces(draw: st.DrawFn) -> ExecutionTrace:
    """Traces that have ended, with steps."""
    trace = ExecutionTrace(
        f"{draw(st.integers(1, 2**128 - 1)):032x}",
        draw(texts),
        user_id=draw(st.none() | texts),
        correlation_id=draw(st.none() | texts),
        started_at="2023-11-14T22:13:20.000000+00:00",
    )
    trace.status = draw(st.sampled_from([status for status in STATUSES if status != "running"]))
    trace.error, trace.links = draw(errors), {"Run": "https://example.org/"}
    trace._duration_ms, trace.dropped = draw(durations), {"steps": draw(st.integers(0, 9))}
    for number in range(draw(st.integers(0, 3))):
        step = Step(draw(texts), f"{number:016x}", draw(st.none() | texts))
        step.status, step.error = draw(st.sampled_from(STATUSES)), draw(errors)
        step.details = {"text": draw(texts)}
        trace.steps.append(step)
    return trace


def valid() -> dict[str, Any]:
    """Return the document of a trace that uses every field."""
    trace = ExecutionTrace(
        "1" * 32, "/x", user_id="ada", correlation_id="c", started_at="2023-11-14T22:13:20.000000+00:00"
    )
    trace.span_id, trace.parent_id, trace.status = "2" * 16, "3" * 16, "error"
    trace.error = ErrorInfo("ValueError", "no", "stack", (Cause("KeyError", "k", "cause"),))
    trace.links, trace.attributes, trace.dropped = {"Run": "https://example.org/"}, {"a": 1}, {"steps": 2}
    step = Step("Look up", "4" * 16, "5" * 16)
    step.status, step.error, step.details = "error", trace.error, {"found": 3}
    trace.steps = [step]
    return trace.to_dict()


def read(document: object) -> ExecutionTrace:
    """Read a document as a store does."""
    return frozen.thaw(json.dumps(document).encode(), is_lost=False, now_ns=NOW_NS)


@given(trace=traces())
def test_a_trace_comes_back_the_same(trace: ExecutionTrace) -> None:
    """Whatever is in it."""
    thawed = frozen.thaw(frozen.freeze(trace), is_lost=False, now_ns=NOW_NS)
    assert thawed.to_dict() == trace.to_dict()


@given(name=st.sampled_from(sorted(valid())), value=anything)
def test_a_trace_with_any_field_wrong_is_refused_or_harmless(name: str, value: object) -> None:
    """Whoever reads it can show it."""
    show_unless_refused({**valid(), name: value})


@given(name=st.sampled_from(sorted(valid()["steps"][0])), value=anything)
def test_a_step_with_any_field_wrong_is_refused_or_harmless(name: str, value: object) -> None:
    """The same goes for its parts."""
    show_unless_refused({**valid(), "steps": [{**valid()["steps"][0], name: value}]})


@given(name=st.sampled_from(["type", "message", "stack", "causes"]), value=anything)
def test_an_error_with_any_field_wrong_is_refused_or_harmless(name: str, value: object) -> None:
    """And for why it failed."""
    show_unless_refused({**valid(), "error": {**valid()["error"], name: value}})


@given(document=anything)
def test_anything_else_is_refused(document: object) -> None:
    """A document that is no object at all, or whose steps are none."""
    show_unless_refused(document)
    show_unless_refused({**valid(), "steps": [document]})


def show_unless_refused(document: object) -> None:
    """Read a document; what is not refused can be written and rendered."""
    try:
        trace = read(document)
    except StoreError:
        return
    json.dumps(trace.to_dict())
    assert isinstance(render(trace), str)
    assert "Trace" in repr(trace)


@pytest.mark.parametrize(
    "changes",
    [
        {"trace_id": "A" * 32},
        {"trace_id": "0" * 32},
        {"status": "great"},
        {"duration_ms": -1},
        {"duration_ms": True},
        {"duration_ms": 1e300},
        {"started_at": "yesterday"},
        {"started_at": "2023-11-14T22:13:20"},
        {"links": {"Run": "javascript:alert(1)"}},
        {"dropped": {"steps": -1}},
        {"error": {"type": "ValueError", "message": 3, "stack": ""}},
        {"steps": [{}]},
    ],
)
def test_what_obskit_never_writes_is_refused(changes: dict[str, Any]) -> None:
    """One thing that is wrong is enough."""
    read(valid())
    with pytest.raises(StoreError, match="what is kept is no trace"):
        read({**valid(), **changes})


def test_every_part_of_a_trace_is_looked_at() -> None:
    """Whoever adds one says here what it looks like."""
    assert set(frozen._TRACE) | {"steps"} == {slot.lstrip("_") for slot in ExecutionTrace.__slots__}
    assert set(frozen._STEP) == {slot.lstrip("_") for slot in Step.__slots__}
