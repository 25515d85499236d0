"""A trace survives being written and read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from obskit.traces import STATUSES, Cause, ErrorInfo, ExecutionTrace, MemoryTraceStore, SafeTrace, Step
from tests.strategies import any_text, json_scalars, json_values

names = any_text
ids = st.text("0123456789abcdef", min_size=16, max_size=16)
causes = st.builds(Cause, type=names, message=names, relation=st.sampled_from(["cause", "context", "member"]))
errors = st.none() | st.builds(
    ErrorInfo, type=names, message=names, stack=names, causes=st.lists(causes, max_size=2).map(tuple)
)
durations = st.floats(0, 1e9).map(lambda value: round(value, 3))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Make a step of any content."""
    step = Step(draw(names), draw(ids), draw(st.none() | ids))
    step.status = draw(st.sampled_from(STATUSES))
    step.details = draw(st.dictionaries(names, json_scalars | names, max_size=2))
    step.error = draw(errors)
    step.started_ms = draw(durations)
    step._duration_ms = draw(durations)
    return step


@st.composite
def traces(draw: st.DrawFn) -> ExecutionTrace:
    """Make a trace of any content."""
    trace = ExecutionTrace(
        draw(ids) * 2,
        draw(names),
        user_id=draw(st.none() | st.text(min_size=1, max_size=5)),
        correlation_id=draw(st.none() | st.text(min_size=1, max_size=5)),
        started_at="2026-01-02T03:04:05.000006+00:00",
    )
    trace.span_id = draw(ids)
    trace.parent_id = draw(st.none() | ids)
    trace.status = draw(st.sampled_from(STATUSES))
    trace.error = draw(errors)
    trace.steps = draw(st.lists(steps(), max_size=6))
    trace.dropped = draw(
        st.dictionaries(st.sampled_from(["steps", "fields", "links", "ids"]), st.integers(1, 9))
    )
    trace.links = draw(
        st.dictionaries(names, st.sampled_from(["https://example.org/a_b", "https://x.y/(1)"]), max_size=2)
    )
    trace.attributes = draw(st.dictionaries(names, json_values, max_size=2))
    trace._duration_ms = draw(durations)
    return trace


@given(traces())
def test_what_was_written_is_read_the_same(trace: ExecutionTrace) -> None:
    """to_dict() gives JSON, and from_dict() gives the trace back."""
    written = json.loads(json.dumps(trace.to_dict()))
    again = ExecutionTrace.from_dict(written)
    assert again.to_dict() == trace.to_dict()
    assert again.duration_ms == trace.duration_ms
    assert again.step_count == trace.step_count


@given(traces())
def test_what_memory_keeps_comes_back_the_same(trace: ExecutionTrace) -> None:
    """No text is too odd to be kept, lone surrogates included."""
    store = MemoryTraceStore()
    store.started(SafeTrace(trace))
    store.ended(SafeTrace(trace))
    (found,) = store.recent()
    assert found.to_dict() == trace.to_dict()


def test_a_trace_names_itself_without_its_content() -> None:
    """repr() tells which one it is and how it went, nothing that a user typed into it."""
    trace = ExecutionTrace("ab" * 16, "/x", user_id="42", correlation_id=None, started_at="")
    assert repr(trace) == f"<ExecutionTrace '/x' {'ab' * 16} running>"
    assert repr(Step("look", "cd" * 8, None)) == "<Step 'look' running>"
