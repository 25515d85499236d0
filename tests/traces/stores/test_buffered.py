"""What all stores outside of the process have in common: nobody waits, and nothing is lost unseen."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from obskit.errors import StoreError
from obskit.testing import FakeClock, check_trace_store
from obskit.traces import SafeTrace
from obskit.traces.stores import Bounds, BufferedTraceStore, buffered
from obskit.traces.users import user_key
from tests.traces.stores.machine import make_step, make_trace
from tests.traces.stores.shelf import PATIENCE, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obskit.traces import ExecutionTrace

BOUNDS = Bounds(per_user=3, total=5)
OUT_OF_REACH = StoreError("nobody is there")
WHAT_NOW = "traces are kept in memory until it is back"


@pytest.fixture
def shelf() -> Shelf:
    """Where the traces go."""
    return Shelf()


@pytest.fixture
def kept(shelf: Shelf, clock: FakeClock) -> Iterator[BufferedTraceStore]:
    """A store over the shelf, with room for five traces."""
    store = BufferedTraceStore(shelf, BOUNDS, clock)
    yield store
    shelf.fault = None
    shelf.open.set()
    store.close()


@pytest.fixture
def other(shelf: Shelf, clock: FakeClock) -> BufferedTraceStore:
    """A store of another process over the same shelf."""
    return BufferedTraceStore(shelf, BOUNDS, clock)


def record(store: BufferedTraceStore, clock: FakeClock, number: int = 1, user_id: str = "ada") -> SafeTrace:
    """Record a trace from start to end."""
    trace = make_trace(number, user_id, clock)
    store.started(trace)
    trace.status = "ok"
    store.ended(trace)
    return trace


def eventually(is_so: Any) -> None:
    """Wait until another thread has made it so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def numbers(traces: list[ExecutionTrace]) -> list[int]:
    """Return the ids as the numbers that they were made from."""
    return [int(trace.trace_id, 16) for trace in traces]


# --- what is written ---


def test_it_keeps_the_rules_of_a_store() -> None:
    """The kit finds nothing."""
    check_trace_store(lambda: BufferedTraceStore(Shelf(), Bounds(9, 99), FakeClock()))


def test_recording_never_waits_and_what_came_meanwhile_is_written_once(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """While one write hangs, traces and steps begin and end; each needs one change afterwards."""
    shelf.open.clear()
    record(kept, clock, 1)
    assert shelf.reached.wait(PATIENCE)
    trace = make_trace(2, "bob", clock)
    kept.started(trace)
    for _ in range(3):
        step = make_step(trace)
        kept.changed(trace)
        step.status = "ok"
        kept.changed(trace)
    record(kept, clock, 3)
    trace.status = "ok"
    kept.ended(trace)
    shelf.open.set()
    assert kept.flush(PATIENCE)
    written = [(int(change.trace_id, 16), change.is_new, change.is_final) for change in shelf.changes]
    assert written == [(1, True, True), (2, True, True), (3, True, True)]
    assert len(json.loads(shelf.changes[1].document)["steps"]) == 3


def test_a_thread_that_could_not_start_is_started_for_the_next_trace(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine may be short of threads for a moment."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as refusing:
        refusing.setattr(threading.Thread, "start", refuse)
        record(kept, clock, 1)
    record(kept, clock, 2)
    eventually(lambda: len(shelf.traces) == 2)


def test_the_user_is_named_to_nobody(kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock) -> None:
    """A backend gets a key, which is short whatever the id."""
    record(kept, clock, user_id="ada@example.org" * 20)
    assert kept.flush(PATIENCE)
    assert shelf.changes[0].user == user_key("ada@example.org" * 20)
    assert len(shelf.changes[0].user) == 21


# --- while writing is behind ---


@pytest.fixture
def behind(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> BufferedTraceStore:
    """The store with trace 1, which has begun, and 2 on the shelf, and a writer that hangs."""
    monkeypatch.setattr(buffered, "_PATIENCE", 0.01)
    kept.started(make_trace(1, "ada", clock))
    record(kept, clock, 2, "bob")
    assert kept.flush(PATIENCE)
    shelf.open.clear()
    shelf.reached.clear()
    return kept


def test_readers_see_what_is_not_written_yet(behind: BufferedTraceStore, clock: FakeClock) -> None:
    """They wait a moment; then what this process has recorded comes first, by every way to read."""
    record(behind, clock, 3)
    running = make_trace(4, "ada", clock)
    behind.started(running)
    make_step(running, "now")
    behind.changed(running)
    assert numbers(behind.recent()) == [4, 3, 2, 1]
    assert numbers(behind.recent("ada")) == [4, 3, 1]
    assert numbers(behind.recent("ada", 1)) == [4]
    assert numbers(behind.find("0")) == [4, 3, 2, 1]
    last, found = behind.last("ada"), behind.get(f"{3:032x}")
    assert last is not None
    assert found is not None
    assert (last.status, [step.name for step in last.steps], found.status) == ("running", ["now"], "ok")
    assert not behind.flush(0.01)


def test_readers_see_the_latest_of_what_is_written_in_part(
    behind: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """Of a trace whose beginning is on the shelf, its end is known here."""
    (running,) = behind._records
    running.status = "error"
    behind.ended(SafeTrace(running))
    assert [trace.status for trace in behind.recent()] == ["ok", "error"]


def test_bounds_hold_also_for_what_is_not_written_yet(behind: BufferedTraceStore, clock: FakeClock) -> None:
    """Nobody sees more traces than the store keeps."""
    for number in range(3, 7):
        record(behind, clock, number)
    assert numbers(behind.recent("ada", 99)) == [6, 5, 4]
    assert numbers(behind.recent(limit=99)) == [6, 5, 4, 3, 2]


def test_what_is_not_written_yet_becomes_too_old_as_well(shelf: Shelf, clock: FakeClock) -> None:
    """As it would if it were written."""
    kept = BufferedTraceStore(shelf, Bounds(ttl=60), clock)
    shelf.fault = OUT_OF_REACH
    record(kept, clock, 1)
    clock.advance(30)
    record(kept, clock, 2)
    assert numbers(kept.recent()) == [2, 1]
    clock.advance(30)
    assert numbers(kept.recent()) == [2]
    kept.close()


def test_a_trace_that_is_written_while_somebody_reads_is_seen_once(
    behind: BufferedTraceStore, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a second time among what was read."""
    record(behind, clock, 3)
    recent = shelf.recent

    def slow(*asked: Any) -> Any:
        shelf.open.set()
        assert behind.flush(PATIENCE)
        return recent(*asked)

    monkeypatch.setattr(shelf, "recent", slow)
    assert numbers(behind.recent()) == [3, 2, 1]


def test_what_is_not_written_yet_is_forgotten_as_well(
    behind: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """It counts, and is written no more: the writer lets whoever erases go first."""
    record(behind, clock, 3)
    assert shelf.reached.wait(PATIENCE)
    record(behind, clock, 4)
    threading.Timer(0.05, shelf.open.set).start()
    assert behind.forget("ada") == 3
    assert behind.flush(PATIENCE)
    assert numbers(behind.recent()) == [2]
    assert f"{4:032x}" not in [change.trace_id for change in shelf.changes]


# --- out of reach ---


def test_while_it_is_out_of_reach_memory_answers(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """Told once, counted, and written in the order of their starts when it is back."""
    running = make_trace(1, "ada", clock)
    kept.started(running)
    ended = record(kept, clock, 2)
    assert kept.flush(PATIENCE)
    shelf.fault = OUT_OF_REACH
    step = make_step(running)
    kept.changed(running)
    record(kept, clock, 3, "bob")
    assert not kept.flush(PATIENCE)
    record(kept, clock, 4)
    assert numbers(kept.recent()) == [4, 3, 1]
    assert numbers(kept.recent("ada")) == [4, 1]
    assert numbers(kept.find("0")) == [4, 3, 1]
    assert kept.get(ended.trace_id) is None
    last = kept.last("bob")
    assert last is not None
    assert last.status == "ok"
    step.status = running.status = "ok"
    kept.ended(running)
    assert kept.stats() | {"made": 4, "written": 1, "pending": 3, "failures": 1} == kept.stats()
    shelf.fault = None
    clock.advance(1)
    eventually(lambda: kept.stats()["pending"] == 0)
    assert numbers(kept.recent()) == [4, 3, 2, 1]
    assert kept.stats() | {"written": 4, "dropped": 0} == kept.stats()
    assert capfd.readouterr().err.splitlines() == [
        f"obskit: the shelf is out of reach: {WHAT_NOW} (StoreError: {OUT_OF_REACH})"
    ]


def test_it_is_asked_less_and_less_often(kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock) -> None:
    """The pause doubles from a second to a minute; until it is over nobody asks."""
    shelf.fault = OUT_OF_REACH
    record(kept, clock, 1)
    eventually(lambda: kept.stats()["failures"] == 1)
    for failures, pause in enumerate([1, 2, 4, 8, 16, 32, 60, 60], start=1):
        clock.advance(pause - 0.5)
        record(kept, clock, 2)
        assert kept.recent("nobody") == []
        assert kept.stats()["failures"] == failures
        clock.advance(0.5)
        eventually(lambda: kept.stats()["failures"] == failures + 1)  # noqa: B023
    assert set(shelf.calls) == {"write"}


def test_flushing_does_not_wait_for_what_is_out_of_reach(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """At the end of a request there is no time to lose."""
    shelf.fault = OUT_OF_REACH
    record(kept, clock)
    eventually(lambda: kept.stats()["failures"] == 1)
    before = time.monotonic()
    assert not kept.flush(PATIENCE)
    assert time.monotonic() < before + PATIENCE / 2


def test_a_read_that_fails_is_answered_from_memory_as_well(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """What runs is known to this process anyway."""
    running = make_trace(1, "ada", clock)
    kept.started(running)
    assert kept.flush(PATIENCE)
    shelf.fault = OUT_OF_REACH
    assert numbers(kept.recent("ada")) == [1]
    shelf.fault = None
    clock.advance(1)
    assert numbers(kept.recent("ada")) == [1]
    assert kept.stats()["failures"] == 1


def test_a_reader_asks_only_if_writing_has_worked(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """One attempt at a time is enough."""
    shelf.fault = OUT_OF_REACH
    record(kept, clock)
    assert numbers(kept.recent("ada")) == [1]
    assert shelf.calls == ["write"]


def test_what_is_to_be_forgotten_is_erased_when_it_is_back(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """Until then flush() says that something is left, and no reader sees it."""
    record(kept, clock, 1)
    assert kept.flush(PATIENCE)
    shelf.fault = OUT_OF_REACH
    record(kept, clock, 2)
    eventually(lambda: kept.stats()["failures"] == 1)
    assert kept.forget("ada") == 1
    assert kept.stats()["dropped_forgotten"] == 1
    assert not kept.flush(PATIENCE)
    clock.advance(1)
    eventually(lambda: kept.stats()["failures"] == 2)
    shelf.fault = None
    clock.advance(2)
    eventually(lambda: not shelf.traces)
    assert kept.flush(PATIENCE)
    assert kept.recent("ada") == []


def test_a_forgetting_that_fails_is_done_later(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """It is the first thing that happens once the place is back."""
    record(kept, clock, 1)
    assert kept.flush(PATIENCE)
    shelf.fault = OUT_OF_REACH
    assert kept.forget("ada") == 0
    assert not kept.flush(0)
    shelf.fault = None
    clock.advance(1)
    assert kept.flush(PATIENCE)
    assert not shelf.traces


# --- what is lost is counted ---


def test_what_can_never_be_written_keeps_nothing_else_from_being(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is dropped, counted and told of, and the rest of its batch is written."""
    shelf.open.clear()
    shelf.poison = f"{2:032x}"
    record(kept, clock, 1)
    assert shelf.reached.wait(PATIENCE)
    for number in (2, 3):
        record(kept, clock, number)
    odd: Any = make_trace(4, "ada", clock)
    odd.attributes = {"a": object()}
    kept.started(odd)
    shelf.open.set()
    assert kept.flush(PATIENCE)
    assert numbers(kept.recent()) == [3, 1]
    assert kept.stats() | {"made": 4, "written": 2, "dropped": 2, "dropped_error": 2} == kept.stats()
    assert capfd.readouterr().err.startswith("obskit: a trace was not kept: ")


def test_a_poisoned_change_after_which_the_place_is_out_of_reach_comes_again(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its batch are not lost with it."""
    faults: list[Exception | None] = [None, ValueError("of both"), StoreError("of one")]
    write = shelf.write

    def failing(changes: Any, /) -> int:
        fault = faults.pop(0) if faults else None
        if fault is not None:
            raise fault
        return write(changes)

    monkeypatch.setattr(shelf, "write", failing)
    shelf.open.clear()
    record(kept, clock, 1)
    assert shelf.reached.wait(PATIENCE)
    for number in (2, 3):
        record(kept, clock, number)
    shelf.open.set()
    eventually(lambda: kept.stats()["failures"] == 1)
    clock.advance(1)
    eventually(lambda: kept.stats()["written"] == 3)


def test_what_is_forgotten_while_it_turns_out_to_be_poison_is_counted_once(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was dropped already."""
    monkeypatch.setattr(buffered, "_PATIENCE", 0.0)
    shelf.open.clear()
    shelf.poison = record(kept, clock, 1).trace_id
    assert shelf.reached.wait(PATIENCE)
    for number in range(2, 7):
        record(kept, clock, number)
    shelf.open.set()
    assert kept.flush(PATIENCE)
    assert kept.stats() | {"made": 6, "written": 5, "dropped": 1, "dropped_full": 1} == kept.stats()


def test_more_open_traces_than_the_store_keeps_give_way(kept: BufferedTraceStore, clock: FakeClock) -> None:
    """The oldest goes, and its end is passed over."""
    traces = [make_trace(number, "ada", clock) for number in range(1, 7)]
    for trace in traces:
        kept.started(trace)
    for trace in traces:
        trace.status = "ok"
        kept.ended(trace)
        kept.ended(trace)
    assert kept.flush(PATIENCE)
    assert kept.stats() | {"made": 6, "written": 5, "dropped": 1, "dropped_full": 1} == kept.stats()


def test_an_end_that_finds_its_trace_gone_is_counted(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """It was evicted by another process."""
    trace = make_trace(1, "ada", clock)
    kept.started(trace)
    assert kept.flush(PATIENCE)
    shelf.traces.clear()
    trace.dropped = {"steps": 3}
    kept.ended(trace)
    assert kept.flush(PATIENCE)
    assert kept.stats() | {"written": 0, "dropped": 1, "dropped_late": 1, "steps_dropped": 3} == kept.stats()


def test_what_gave_way_before_it_was_forgotten_is_not_counted(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """It was there no more, although it still runs."""
    for number in (1, 2):
        kept.started(make_trace(number, "ada", clock))
    assert kept.flush(PATIENCE)
    shelf.traces.popitem()
    assert kept.forget("ada") == 1


def test_a_trace_given_up_while_it_is_written_is_counted_once(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever becomes of the write: it was dropped."""
    monkeypatch.setattr(buffered, "_PATIENCE", 0.0)
    shelf.open.clear()
    record(kept, clock, 1)
    assert shelf.reached.wait(PATIENCE)
    for number in range(2, 7):
        record(kept, clock, number)
    shelf.fault = OUT_OF_REACH
    shelf.open.set()
    eventually(lambda: kept.stats()["failures"] == 1)
    shelf.fault = None
    clock.advance(1)
    eventually(lambda: kept.stats()["pending"] == 0)
    assert kept.stats() | {"made": 6, "written": 5, "dropped": 1, "dropped_full": 1} == kept.stats()


# --- what is read ---


def test_a_trace_of_a_process_that_is_gone_is_lost(
    kept: BufferedTraceStore, other: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """So are the steps that were running; it took as long as is known."""
    trace = make_trace(1, "ada", clock)
    kept.started(trace)
    for name, status in (("first", "ok"), ("second", "running")):
        step = make_step(trace, name)
        step.started_ms, step._duration_ms, step.status = 20.0, 15.0, status  # type: ignore[assignment]
        kept.changed(trace)
    assert kept.flush(PATIENCE)
    shelf.lost = set(shelf.traces)
    (seen,) = other.recent("ada")
    assert (seen.status, seen.duration_ms) == ("lost", 35.0)
    assert [(step.name, step.status) for step in seen.steps] == [("first", "ok"), ("second", "lost")]


def test_a_process_is_not_gone_for_itself(kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock) -> None:
    """It may have been stopped for a while, so that nobody has told the others that it lives."""
    kept.started(make_trace(1, "ada", clock))
    assert kept.flush(PATIENCE)
    shelf.lost = set(shelf.traces)
    assert [trace.status for trace in kept.recent("ada")] == ["running"]


def test_a_running_trace_has_taken_as_long_as_it_is_there(
    kept: BufferedTraceStore, other: BufferedTraceStore, clock: FakeClock
) -> None:
    """Whoever asks why it hangs sees for how long, also of its last step."""
    trace = make_trace(1, "ada", clock)
    kept.started(trace)
    step = make_step(trace)
    step.started_ms = 500.0
    kept.changed(trace)
    assert kept.flush(PATIENCE)
    clock.advance(60)
    (seen,) = other.recent("ada")
    assert (seen.duration_ms, seen.steps[0].duration_ms) == (60_000.0, 59_500.0)


def test_what_is_no_trace_is_passed_over(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is counted and told of, once."""
    for number in (1, 2):
        record(kept, clock, number)
        assert kept.flush(PATIENCE)
        key, change = shelf.traces.popitem()
        shelf.traces[key] = replace(change, document=b"[]")
    record(kept, clock, 3)
    assert numbers(kept.recent()) == [3]
    assert kept.stats()["unreadable"] == 2
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_trace_of_another_user_under_the_same_key_is_not_shown(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """Keys are short; who asks is compared once more."""
    record(kept, clock, 1, "ada")
    assert kept.flush(PATIENCE)
    ((key, change),) = shelf.traces.items()
    shelf.traces[key] = replace(change, user=user_key("bob"))
    assert kept.last("bob") is None
    assert kept.recent("bob") == []


# --- signs of life ---


def test_a_process_says_that_it_is_alive_while_traces_run(clock: FakeClock) -> None:
    """Before the first write, and then as often as the backend wants."""
    shelf = Shelf(beat_every=3)
    kept = BufferedTraceStore(shelf, BOUNDS, clock)
    trace = make_trace(1, "ada", clock)
    kept.started(trace)
    assert kept.flush(PATIENCE)
    assert shelf.calls[0] == "beat"
    assert shelf.calls.count("beat") == 1
    for beats in (2, 3):
        clock.advance(3)
        eventually(lambda: shelf.calls.count("beat") == beats)  # noqa: B023
    trace.status = "ok"
    kept.ended(trace)
    assert kept.flush(PATIENCE)
    clock.advance(3)
    eventually(lambda: not kept._worker.pending)
    record(kept, clock, 2)
    assert kept.flush(PATIENCE)
    assert shelf.calls[-3:].count("beat") == 1
    kept.close()


def test_a_beat_that_fails_ends_nothing(clock: FakeClock) -> None:
    """It is tried again after a moment, as everything else."""
    shelf = Shelf(beat_every=3)
    kept = BufferedTraceStore(shelf, BOUNDS, clock)
    kept.started(make_trace(1, "ada", clock))
    assert kept.flush(PATIENCE)
    shelf.fault = OUT_OF_REACH
    clock.advance(3)
    eventually(lambda: kept.stats()["failures"] == 1)  # and so it is known when to try again
    shelf.fault = None
    clock.advance(1)
    eventually(lambda: shelf.calls.count("beat") == 3)
    assert kept.stats()["failures"] == 1
    kept.close()


# --- the end, and forks ---


def test_closing_writes_what_waits(kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock) -> None:
    """What still runs is given up; what comes later is counted."""
    record(kept, clock, 1)
    kept.started(make_trace(2, "ada", clock))
    kept.close()
    kept.close()
    record(kept, clock, 3)
    assert [change.is_final for change in shelf.traces.values()] == [True, False]
    assert shelf.closed == 1
    assert kept.stats() | {"made": 3, "written": 1, "dropped": 2, "dropped_closed": 2} == kept.stats()
    assert kept.recent() == []
    assert not kept.flush(0) or kept.stats()["pending"] == 0


def test_closing_does_not_wait_for_what_hangs(shelf: Shelf, clock: FakeClock) -> None:
    """Nor does it take the backend away from the thread that hangs in it."""
    kept = BufferedTraceStore(shelf, BOUNDS, clock)
    shelf.open.clear()
    record(kept, clock)
    assert shelf.reached.wait(PATIENCE)
    kept.close(0.01)
    assert shelf.closed == 0
    assert kept.stats()["dropped_closed"] == 1
    shelf.open.set()


def test_a_forked_child_leaves_to_its_parent_what_began_before(
    kept: BufferedTraceStore, shelf: Shelf, clock: FakeClock
) -> None:
    """Neither a step nor the end of such a trace comes from the child."""
    trace = make_trace(1, "ada", clock)
    kept.started(trace)
    shelf.open.clear()
    make_step(trace)
    kept.changed(trace)
    child = os.fork()
    if child == 0:
        kept.changed(trace)
        kept.ended(trace)
        is_quiet = kept.flush(1) and kept.stats()["made"] == 0 and not kept.stats()["dropped"]
        record(kept, clock, 2, "bob")
        os._exit(0 if is_quiet and kept.last("bob") is not None else 1)
    shelf.open.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert numbers(kept.recent()) == [1]


def test_starting_anew_forgets_all_that_was_going_on(kept: BufferedTraceStore, clock: FakeClock) -> None:
    """What a forked child does, without one."""
    trace = make_trace(1, "ada", clock)
    kept.started(trace)
    kept.start_anew()
    kept.ended(trace)
    assert kept.stats()["made"] == 0
    record(kept, clock, 2)
    assert numbers(kept.recent())[0] == 2


def test_many_threads_record_into_one_store(shelf: Shelf) -> None:
    """Everything is accounted for."""
    kept = BufferedTraceStore(shelf, Bounds(), FakeClock())

    def work() -> None:
        for number in range(100):
            record(kept, FakeClock(), number + 1, str(number % 7))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.close()
    stats = kept.stats()
    assert (stats["made"], stats["pending"], len(shelf.traces)) == (800, 0, stats["written"])
