"""The memory store keeps the newest traces within its bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from obskit.errors import ConfigError
from obskit.testing import FakeClock
from obskit.traces import ExecutionTrace, MemoryTraceStore, SafeTrace

users = st.sampled_from(["ada", "bob", "eve", None])


def make(number: int, user_id: str | None) -> SafeTrace:
    """Make a running trace."""
    return SafeTrace(
        ExecutionTrace(f"{number:032x}", "/x", user_id=user_id, correlation_id=None, started_at=str(number))
    )


class MemoryStoreModel(RuleBasedStateMachine):
    """The store against a plain list of what should be in it."""

    running: Bundle[SafeTrace] = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryTraceStore(per_user=3, total=5, clock=FakeClock())
        self.model: list[SafeTrace] = []
        self.made = 0

    @rule(target=running, user_id=users)
    def start(self, user_id: str | None) -> SafeTrace:
        """Begin a trace; where there is no room, the oldest ended one gives way, else the oldest."""
        self.made += 1
        trace = make(self.made, user_id)
        own = [known for known in self.model if known.user_id == user_id]
        crowd = own if len(own) >= 3 else self.model if len(self.model) >= 5 else []
        if crowd:
            self.model.remove(next((known for known in crowd if known.status != "running"), crowd[0]))
        self.model.append(trace)
        self.store.started(trace)
        return trace

    @rule(trace=consumes(running))
    def end(self, trace: SafeTrace) -> None:
        """End a trace, which may have been evicted meanwhile."""
        trace.status = "ok"
        self.store.ended(trace)

    @rule(user_id=users)
    def forget(self, user_id: str | None) -> None:
        """Erase a user."""
        gone = [known for known in self.model if known.user_id == user_id]
        assert self.store.forget(user_id) == len(gone)
        self.model = [known for known in self.model if known not in gone]

    @invariant()
    def agrees(self) -> None:
        """Every way to read gives what the list holds."""
        newest = [trace.trace_id for trace in reversed(self.model)]
        assert [trace.trace_id for trace in self.store.recent(limit=99)] == newest
        for user_id in ("ada", "bob", "eve"):
            own = [trace.trace_id for trace in reversed(self.model) if trace.user_id == user_id]
            assert [trace.trace_id for trace in self.store.recent(user_id)] == own
            found = self.store.last(user_id)
            assert (found.trace_id if found else None) == (own[0] if own else None)
        for trace in self.model:
            kept = self.store.get(trace.trace_id)
            assert kept is not None
            assert kept.to_dict() == trace.to_dict()
        stats = self.store.stats()
        assert stats["kept"] == len(self.model)
        assert stats["users"] == len({trace.user_id for trace in self.model})
        assert stats["made"] == stats["kept"] + stats["evicted"] + stats["forgotten"] + stats["expired"]


MemoryStoreModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestMemoryStoreModel = MemoryStoreModel.TestCase


def test_a_trace_is_found_by_the_beginning_of_its_id() -> None:
    """What people quote is enough, in any case; nothing finds nothing."""
    store = MemoryTraceStore()
    first, second = make(0xAB << 120, "ada"), make((0xAB << 120) + 1, "bob")
    store.started(first)
    store.started(second)
    assert [trace.trace_id for trace in store.find("AB000")] == [second.trace_id, first.trace_id]
    assert store.find("") == []
    assert store.find("ff") == []


def test_old_traces_expire() -> None:
    """Past its time a trace is gone from every read."""
    clock = FakeClock()
    store = MemoryTraceStore(ttl=60, clock=clock)
    store.started(make(1, "ada"))
    clock.advance(30)
    store.started(make(2, "ada"))
    clock.advance(30)
    assert [trace.started_at for trace in store.recent("ada")] == ["2"]
    assert store.get(f"{1:032x}") is None
    assert store.stats()["expired"] == 1


def test_the_same_id_again_takes_the_place_of_the_first() -> None:
    """An id from outside may come twice."""
    store = MemoryTraceStore()
    store.started(make(1, "ada"))
    store.started(make(1, "bob"))
    assert (store.last("ada"), len(store.recent())) == (None, 1)


def test_a_trace_that_ends_after_it_was_evicted_is_counted() -> None:
    """An end without a beginning is no error."""
    store = MemoryTraceStore(total=1)
    first = make(1, "ada")
    store.started(first)
    store.started(make(2, "bob"))
    store.ended(first)
    assert store.stats()["late"] == 1


def test_a_user_of_any_type_is_found_by_text() -> None:
    """An id that is a number finds what was recorded as text."""
    store = MemoryTraceStore()
    store.started(make(1, "42"))
    assert store.last(42) is not None


def test_a_finished_trace_takes_little_room() -> None:
    """Five steps fit into a kilobyte."""
    from obskit.traces import Step

    store = MemoryTraceStore()
    trace = make(1, "ada")
    store.started(trace)
    for number in range(5):
        step = Step("Dispatch workflow", f"{number:016x}", None)
        step.status = "ok"
        trace.steps.append(step)
    trace.status = "ok"
    store.ended(trace)
    assert len(store._entries[trace.trace_id].frozen) <= 1_000


def test_nothing_is_pending_and_closing_keeps_what_is_there() -> None:
    """The memory store has nothing to wait for."""
    store = MemoryTraceStore()
    store.started(make(1, "ada"))
    assert store.flush(0)
    store.close()
    assert store.last("ada") is not None


@pytest.mark.parametrize("wrong", [{"per_user": 0}, {"total": -1}, {"ttl": 0}])
def test_a_bound_that_is_no_bound_is_refused(wrong: dict[str, Any]) -> None:
    """The error names the setting and what it got."""
    name, value = next(iter(wrong.items()))
    with pytest.raises(ConfigError, match=f"{name} must be a number above 0, got {value}"):
        MemoryTraceStore(**wrong)
