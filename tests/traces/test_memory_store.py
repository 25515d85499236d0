"""The memory store keeps the newest traces within its bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from obskit.errors import ConfigError
from obskit.testing import FakeClock
from obskit.traces import ExecutionTrace, MemoryTraceStore, SafeTrace, Step

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
        self.open = 0

    @rule(target=running, user_id=users, number=st.integers(1, 6))
    def start(self, user_id: str | None, number: int) -> SafeTrace:
        """Begin a trace; where there is no room, the oldest ended one gives way, else the oldest."""
        trace = make(number, user_id)
        own = [known for known in self.model if known.user_id == user_id]
        crowd = own if len(own) >= 3 else self.model if len(self.model) >= 5 else []
        if crowd:
            self.model.remove(next((known for known in crowd if known.status != "running"), crowd[0]))
        self.model.append(trace)
        self.open += 1
        self.store.started(trace)
        return trace

    @rule(trace=consumes(running))
    def end(self, trace: SafeTrace) -> None:
        """End a trace, which may have been evicted meanwhile."""
        trace.status = "ok"
        self.open -= 1
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
        for user_id in ("ada", "bob", "eve", None):
            own = [trace.trace_id for trace in reversed(self.model) if trace.user_id == user_id]
            if user_id is not None:
                assert [trace.trace_id for trace in self.store.recent(user_id)] == own
            found = self.store.last(user_id)
            assert (found.trace_id if found else None) == (own[0] if own else None)
        for trace in self.model:
            same_id = [known.to_dict() for known in reversed(self.model) if known.trace_id == trace.trace_id]
            assert [found.to_dict() for found in self.store.find(trace.trace_id)] == same_id
            newest_of_id = self.store.get(trace.trace_id)
            assert newest_of_id is not None
            assert newest_of_id.to_dict() == same_id[0]
        stats = self.store.stats()
        assert stats["kept"] == len(self.model)
        assert stats["users"] == len({trace.user_id for trace in self.model})
        assert stats["made"] == stats["kept"] + stats["evicted"] + stats["forgotten"] + stats["expired"]
        assert stats["made"] == stats["written"] + stats["dropped"] + self.open


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


def test_an_id_from_outside_takes_nothing_from_another_user() -> None:
    """Whoever sends an id that is known already has a trace of their own under it."""
    store = MemoryTraceStore()
    store.started(make(1, "ada"))
    store.started(make(1, "bob"))
    for user in ("ada", "bob"):
        assert [trace.user_id for trace in store.recent(user)] == [user]
    newest = store.get("00000000-0000-0000-0000-000000000001")
    assert newest is not None
    assert newest.user_id == "bob"
    store.forget("bob")
    older = store.get(f"{1:032x}")
    assert older is not None
    assert older.user_id == "ada"


def test_a_trace_that_ends_after_it_was_evicted_is_counted() -> None:
    """An end without a beginning is no error."""
    store = MemoryTraceStore(total=1)
    first = make(1, "ada")
    store.started(first)
    store.started(make(2, "bob"))
    store.ended(first)
    stats = store.stats()
    assert (stats["evicted"], stats["dropped"], stats["dropped_late"]) == (1, 1, 1)


def test_a_user_of_any_type_is_found_by_text() -> None:
    """An id that is a number finds what was recorded as text."""
    store = MemoryTraceStore()
    store.started(make(1, "42"))
    assert store.last(42) is not None


def test_a_finished_trace_takes_little_room() -> None:
    """Five steps fit into a kilobyte."""
    store = MemoryTraceStore()
    trace = make(1, "ada")
    store.started(trace)
    for number in range(5):
        step = Step("Dispatch workflow", f"{number:016x}", None)
        step.status = "ok"
        trace.steps.append(step)
    trace.status = "ok"
    store.ended(trace)
    (entry,) = store._entries
    assert entry.running is None
    assert len(entry.frozen) <= 1_000


def test_nothing_is_pending_and_closing_keeps_what_is_there() -> None:
    """The memory store has nothing to wait for."""
    store = MemoryTraceStore()
    store.started(make(1, "ada"))
    assert store.flush(0)
    store.close()
    assert store.last("ada") is not None


@pytest.mark.parametrize("wrong", [{"per_user": 0}, {"total": -1}, {"ttl": 0}, {"ttl": float("nan")}])
def test_a_bound_that_is_no_bound_is_refused(wrong: dict[str, Any]) -> None:
    """The error names the setting and what it got."""
    name, value = next(iter(wrong.items()))
    with pytest.raises(ConfigError, match=f"{name} must be a number above 0, got {value}"):
        MemoryTraceStore(**wrong)


def test_a_million_users_would_not_grow_the_store() -> None:
    """Users are bounded with their traces, also where traces never end."""
    store = MemoryTraceStore(per_user=2, total=10)
    for number in range(1, 500):
        trace = make(number, f"user {number}")
        store.started(trace)
        if number % 10:
            store.ended(trace)
    stats = store.stats()
    assert (stats["kept"], stats["users"], len(store._by_id)) == (10, 10, 10)


def test_many_threads_keep_the_bounds() -> None:
    """Writers and readers at once break nothing."""
    store = MemoryTraceStore(per_user=5, total=20)

    def work(user: str) -> int:
        for number in range(1, 200):
            trace = make(number, user)
            store.started(trace)
            store.last(user)
            store.ended(trace)
            store.recent(limit=5)
        return len(store.recent(user, limit=99))

    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(work, "abcdef"))
    assert max(kept) <= 5
    stats = store.stats()
    assert (stats["made"], stats["kept"]) == (6 * 199, 20)
    assert stats["written"] + stats["dropped"] == stats["made"]
