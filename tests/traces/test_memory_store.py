"""The memory store keeps the newest traces within its bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from obskit.errors import ConfigError
from obskit.testing import FakeClock
from obskit.traces import ExecutionTrace, MemoryTraceStore, SafeTrace, Step
from tests.sinks.test_lines import struck


def make(number: int, user_id: str | None) -> SafeTrace:
    """Make a running trace."""
    return SafeTrace(
        ExecutionTrace(f"{number:032x}", "/x", user_id=user_id, correlation_id=None, started_at=str(number))
    )


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
    assert len(entry.packed) <= 1_000


def test_nothing_is_pending_and_closing_keeps_what_is_there() -> None:
    """The memory store has nothing to wait for."""
    store = MemoryTraceStore()
    store.started(make(1, "ada"))
    assert store.flush(0)
    store.close()
    assert store.last("ada") is not None


def test_a_forked_child_goes_on_with_what_is_there() -> None:
    """Whatever lock a thread of the parent held, and wherever it stopped."""
    store = MemoryTraceStore(per_user=2)
    store.started(make(1, "ada"))
    store._lock = None  # type: ignore[assignment]
    store._by_user.clear()
    store.start_anew()
    store.started(make(2, "ada"))
    assert len(store.recent("ada")) == 2
    assert store.get(f"{1:032x}") is not None


@pytest.mark.parametrize("wrong", [{"per_user": 0}, {"total": -1}, {"ttl": 0}, {"ttl": float("nan")}])
def test_a_bound_that_is_no_bound_is_refused(wrong: dict[str, Any]) -> None:
    """The error names the setting and what it got."""
    name, value = next(iter(wrong.items()))
    with pytest.raises(ConfigError, match=f"{name} must be a .*number.*, got {value}"):
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


@pytest.mark.parametrize("known", [2, 3])
@pytest.mark.parametrize(
    ("question", "argument"), [("last", "ada"), ("find", "00"), ("recent", None), ("forget", "ada")]
)
def test_a_signal_handler_may_record_while_somebody_asks(question: str, argument: object, known: int) -> None:
    """Wherever it strikes, also where that makes a trace give way."""
    for place in range(1, 200):
        store = MemoryTraceStore(per_user=3)
        for number in range(1, known + 1):
            store.started(make(number, "ada"))
        ask = partial(getattr(store, question), argument)
        if not struck(ask, lambda: store.started(make(9, "ada")), place):  # noqa: B023
            break
        stats = store.stats()
        assert stats["made"] == known + 1 == stats["kept"] + stats["evicted"] + stats["forgotten"]
    assert place > 5


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
