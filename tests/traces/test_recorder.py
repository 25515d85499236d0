"""What a program does inside a trace is recorded, and recording never disturbs it."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from opentelemetry.sdk.trace import TracerProvider

import obskit
from obskit import runtime
from obskit.encoding.exceptions import ErrorInfo
from obskit.errors import ConfigError
from obskit.testing import capture
from obskit.traces import MemoryTraceStore, SafeTrace
from obskit.traces.bounds import MAX_STEPS, ROOM, Room
from obskit.traces.current import current_node
from obskit.traces.model import Step
from obskit.traces.stores import SQLiteTraceStore
from tests.sinks.test_lines import struck
from tests.traces.recorded import last, shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from obskit.testing import FakeClock

SECRET = "ghp_" + "fake" * 9


def test_a_trace_tells_who_did_what_and_how_long_it_took(clock: FakeClock) -> None:
    """Command, user, steps with details and timings are all there afterwards."""
    with obskit.trace("/diagnose", user_id=42, repository="shop") as trace:
        with trace.step("Validate input", option="x") as step:
            clock.advance(0.25)
            step.add(found=3)
        clock.advance(1)
        trace.link("View Run", "https://example.org/runs/7")
    kept = last()
    assert (kept.trace_id, kept.command, kept.user_id, kept.status) == (
        trace.trace_id,
        "/diagnose",
        "42",
        "ok",
    )
    assert kept.started_at == "2023-11-14T22:13:20.000000+00:00"
    assert kept.duration_ms == pytest.approx(1250)
    assert kept.attributes == {"repository": "shop"}
    assert kept.links == {"View Run": "https://example.org/runs/7"}
    assert (kept.steps[0].name, kept.steps[0].status) == ("Validate input", "ok")
    assert kept.steps[0].duration_ms == pytest.approx(250)
    assert kept.steps[0].details == {"option": "x", "found": 3}


def test_an_escaping_exception_fails_step_and_trace_and_passes_on() -> None:
    """The error is recorded where it happened, and the program sees it as before."""
    error = ValueError("no such run")
    with (
        pytest.raises(ValueError, match="no such run") as raised,
        obskit.trace("/x", "42"),
        obskit.step("look"),
    ):
        raise error
    assert raised.value is error
    kept = last()
    assert (kept.status, str(kept.error)) == ("error", "ValueError: no such run")
    assert kept.error is not None
    assert "test_recorder.py" in kept.error.stack
    assert (kept.steps[0].status, str(kept.steps[0].error)) == ("error", "ValueError: no such run")


def test_a_failed_step_does_not_fail_its_trace() -> None:
    """What was handled is a failure of the step alone."""
    with obskit.trace("/x", "42") as trace, trace.step("try") as step:
        step.fail("timed out, used the cache")
    kept = last()
    assert (kept.status, kept.steps[0].status) == ("ok", "error")
    assert str(kept.steps[0].error) == "Failed: timed out, used the cache"


def test_a_trace_can_be_failed_without_an_exception() -> None:
    """fail() takes an exception or words."""
    with obskit.trace("/x", "42") as trace:
        trace.fail(OSError("gone"))
    assert (last().status, str(last().error)) == ("error", "OSError: gone")


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(0)])
def test_what_ends_a_task_is_no_error_of_the_command(error: BaseException) -> None:
    """Cancelled is neither success nor failure."""
    with pytest.raises(type(error)), obskit.trace("/x", "42"), obskit.step("wait"):
        raise error
    assert (last().status, last().steps[0].status, last().error) == ("cancelled", "cancelled", None)


def test_steps_nest_by_where_they_begin() -> None:
    """A step inside another one is its part; the next one is not."""
    with obskit.trace("/x", "42"):
        with obskit.step("outer"):
            with obskit.step("inner"):
                pass
            with obskit.step("second"):
                pass
        with obskit.step("after"):
            pass
    assert shape(last()) == [("outer", None), ("inner", "outer"), ("second", "outer"), ("after", None)]


def test_log_lines_inside_a_trace_carry_it() -> None:
    """The context has the trace's fields for its length, and what was bound before returns."""
    with capture() as events, obskit.bound_context(cmd="outer"):
        with obskit.trace("/x", user_id="42", correlation_id="c-1") as trace:
            obskit.get_logger().info("inside")
        obskit.get_logger().info("outside")
    inside, ended, outside = events
    assert (inside["trace_id"], inside["user_id"], inside["cmd"]) == (trace.trace_id, "42", "/x")
    assert inside["correlation_id"] == "c-1"
    assert (ended["event"], ended["outcome"], ended["failed"], ended["steps"]) == ("command.end", "ok", 0, 0)
    assert outside["cmd"] == "outer"
    assert "trace_id" not in outside


def test_a_trace_can_be_renamed_while_it_runs() -> None:
    """Its later lines have the new name; those of a trace inside it, or of other threads, keep theirs."""
    log = obskit.get_logger()
    with capture() as events, obskit.trace("GET /orders/7", user_id="42") as trace:
        trace.rename(f"GET /orders/{SECRET}")
        log.info("renamed")
        with obskit.trace("inner"):
            trace.rename("GET /orders/{id}")
            log.info("inside")
        thread = threading.Thread(target=trace.rename, args=["GET /orders/{number}"])
        thread.start()
        thread.join()
    assert [(event["cmd"], event["msg"]) for event in events] == [
        ("GET /orders/***fake", "renamed"),
        ("inner", "inside"),
        ("inner", "inner ended: ok"),
        ("GET /orders/{number}", "GET /orders/{number} ended: ok"),
    ]
    assert last().command == "GET /orders/{number}"


def test_the_summary_line_of_a_failed_trace_is_an_error() -> None:
    """One line per command, whatever came of it."""
    with capture() as events, obskit.trace("/x", user_id="42") as trace:
        trace.fail("no")
    assert [(event["level"], event["outcome"], event["failed"]) for event in events] == [
        ("error", "error", 1)
    ]


def test_a_trace_inside_a_trace_is_its_own_with_the_same_correlation_id() -> None:
    """The inner one has a new id and its own steps; the outer one goes on afterwards."""
    with obskit.trace("/outer", "42", correlation_id="c-1") as outer:
        with obskit.trace("/inner", "42") as inner, obskit.step("in"):
            assert obskit.current_trace() is inner
        with obskit.step("out"):
            assert obskit.current_trace() is outer
    assert inner.trace_id != outer.trace_id
    assert inner.correlation_id == "c-1"
    assert (shape(inner), shape(outer)) == ([("in", None)], [("out", None)])


@pytest.mark.parametrize(
    "given", ["0AF76519-16CD-43DD-8448-EB211C80319C", "0af7651916cd43dd8448eb211c80319c"]
)
def test_a_good_id_from_outside_is_taken(given: str) -> None:
    """Hex digits or a UUID become the trace's id."""
    with obskit.trace("/x", trace_id=given) as trace:
        assert trace.trace_id == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("given", ["", "0" * 32, "../../etc", "a" * 10**6, 42, "x\r\n"])
def test_a_bad_id_from_outside_is_replaced(given: Any) -> None:
    """Whatever a caller sends, the id is a W3C id."""
    with obskit.trace("/x", trace_id=given) as trace:
        assert len(trace.trace_id) == 32
        assert trace.trace_id != given
    assert obskit.get_trace_store().stats()["ids_dropped"] == 1


def test_without_a_trace_a_step_does_nothing() -> None:
    """Library code can use steps without knowing whether anybody records."""
    with obskit.step("lonely", a=1) as step:
        step.add(b=2)
        step.fail("no")

    async def run() -> None:
        async with obskit.step("lonely"):
            pass

    asyncio.run(run())
    assert obskit.current_trace() is None
    assert obskit.get_trace_store().recent() == []


def test_nothing_secret_is_recorded(store: MemoryTraceStore) -> None:
    """Attributes, details, names, errors, links and users go through the gate."""
    with (
        pytest.raises(ValueError, match="bad"),
        obskit.trace(f"/x {SECRET}", f"u {SECRET}", correlation_id=SECRET, token=SECRET) as trace,
    ):
        trace.add(note=f"uses {SECRET}", **{f"name {SECRET}": 1})
        trace.link(f"run {SECRET}", f"https://example.org/?token={SECRET}")
        with trace.step(f"call {SECRET}", headers={"Authorization": f"Bearer {SECRET}"}) as step:
            step.fail(f"refused {SECRET}")
        raise ValueError(f"bad {SECRET}")
    (entry,) = store._entries
    assert entry.running is None
    assert b"fakefakefake" not in entry.packed + repr(list(store._by_user)).encode()


def test_a_user_whose_id_cannot_be_kept_is_found_all_the_same(store: MemoryTraceStore) -> None:
    """Two such users are never taken for one."""
    users = [f"{SECRET}1", f"{SECRET}2", "x" * 5_000 + "1", "x" * 5_000 + "2"]
    for number, user in enumerate(users):
        with obskit.trace(f"/{number}", user):
            pass
    assert [last(user).command for user in users] == ["/0", "/1", "/2", "/3"]
    assert store.stats()["users"] == 4
    assert store.forget(users[0]) == 1
    assert store.last(users[0]) is None


@pytest.mark.parametrize(
    ("given", "asked"), [(42, "42"), ("43", 43), (b"ada", "ada"), (4.5, "4.5"), (True, "True")]
)
def test_a_user_is_found_by_text(given: object, asked: object) -> None:
    """An id of any type is the text that it is written as."""
    with obskit.trace("/x", given):
        pass
    assert last(asked).command == "/x"


@pytest.mark.parametrize("nobody", [None, ""])
def test_a_trace_without_a_user_is_nobodys(nobody: object) -> None:
    """None and the empty text name nobody."""
    with obskit.trace("/x", nobody):
        pass
    assert last(None).user_id is None
    assert obskit.get_trace_store().last("None") is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x", "/relative", "https://a b", "", "https://" + "a" * 3000]
)
def test_a_link_that_is_no_web_address_is_left_out(url: str) -> None:
    """Only what can be followed safely is kept."""
    with obskit.trace("/x", "42") as trace:
        trace.link("Run", url)
    assert (last().links, last().dropped) == ({}, {"links": 1})


def test_what_is_recorded_is_bounded() -> None:
    """Long values, many fields and many links are cut."""
    with obskit.trace("/x" * 500, "42", big="x" * 10_000, nested=["y" * 500] * 50) as trace:
        trace.add(**{f"field{n}": n for n in range(200)})
        for number in range(50):
            trace.link(f"link {number}", "https://example.org/")
    kept = last()
    assert len(kept.command) == 200
    assert len(kept.attributes) == 50
    assert all(len(str(value)) <= 2_000 for value in kept.attributes.values())
    assert len(kept.links) == 10
    assert kept.dropped == {"fields": 152, "links": 40}


def test_all_of_a_trace_together_is_bounded(store: MemoryTraceStore) -> None:
    """Many large details fill the room of the trace once, whatever their number."""
    with obskit.trace("/x", "42") as trace:
        for number in range(100):
            with trace.step(f"step {number}", a="x" * 1_900, b="y" * 1_900):
                pass
    assert ROOM - 4_000 < len(json.dumps(last().to_dict())) < ROOM + 20_000
    assert store.stats()["fields_dropped"] == last().dropped["fields"] > 0


def test_a_step_that_gives_way_makes_room_for_the_latest() -> None:
    """The end of a long trace is told as fully as its beginning."""
    with obskit.trace("/x", "42") as trace:
        for number in range(1_000):
            with trace.step(f"step {number}", note="x" * 400):
                pass
    assert last().steps[-1].details["note"] == "x" * 400


def test_what_a_handler_or_thread_tells_meanwhile_stays() -> None:
    """Wherever it strikes: nothing is lost uncounted."""
    for place in range(1, 200):
        with obskit.trace("/x") as trace, trace.step("a") as step:

            def tell(name: str) -> None:
                step.add(**{name: name})
                trace.add(**{name: name})
                trace.link(name, f"https://x/{name}")

            was_struck = struck(lambda: tell("one"), lambda: tell("two"), place)
            names = {"one", "two"} if was_struck else {"one"}
            assert {*step.details} == {*trace.attributes} == {*trace.links} == names
        if not was_struck:
            break
    assert place > 50


def test_what_takes_room_meanwhile_is_counted_too() -> None:
    """The errors of two steps at once, and what one gives back that gives way."""
    small, large = ErrorInfo("Failed", "small", ""), ErrorInfo("Failed", "rather large", "")
    for place in range(1, 40):
        room = Room({})
        was_struck = struck(lambda: room.error(None, small), lambda: room.error(None, large), place)  # noqa: B023
        assert ROOM - room._left == len('["small"]') + was_struck * len('["rather large"]')
        if not was_struck:
            break
        room, steps = Room({}), [Step("a", f"{number}", error=small) for number in range(MAX_STEPS)]
        struck(lambda: room.append(steps[0], steps), lambda: room.error(None, large), place)  # noqa: B023
        assert room._left in {ROOM + len('["small"]') - len('["rather large"]'), ROOM + len('["small"]')}
    assert place > 5


def test_a_command_that_still_runs_when_the_next_one_begins_is_let_go() -> None:
    """A job that starts the next one does not keep all that were before."""

    async def run() -> int:
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running = set()

        async def job(number: int) -> None:
            with obskit.trace("/job"), obskit.step("a"):
                if number < 50:
                    running.add(asyncio.create_task(job(number + 1)))
                await asyncio.sleep(0)
                if number == 50:
                    node, depth = current_node(), 0
                    while node is not None:
                        node, depth = node.up, depth + 1
                    ended.set_result(depth)

        await job(0)
        return await ended

    assert asyncio.run(run()) <= 6


def test_a_detail_can_be_brought_up_to_date_for_ever() -> None:
    """A value that takes the place of another one takes no more room."""
    with obskit.trace("/x", "42") as trace, trace.step("copy") as step:
        for number in range(5_000):
            step.add(progress=number, note="x" * 500)
    assert (last().steps[0].details["progress"], last().dropped) == (4_999, {})


def test_steps_of_many_threads_are_all_counted() -> None:
    """Threads that record into one trace at once lose nothing from the count."""
    with obskit.trace("/x", "42") as trace:

        def work() -> None:
            for number in range(200):
                with trace.step(f"step {number}"):
                    pass

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (last().step_count, len(last().steps)) == (800, MAX_STEPS)


def test_of_too_many_steps_the_first_and_the_last_stay() -> None:
    """The middle is dropped and counted."""
    with obskit.trace("/x", "42") as trace:
        for number in range(300):
            with trace.step(f"step {number}"):
                pass
    kept = last()
    assert len(kept.steps) == MAX_STEPS
    assert (kept.dropped_steps, kept.step_count) == (300 - MAX_STEPS, 300)
    assert (kept.steps[0].name, kept.steps[-1].name) == ("step 0", "step 299")


class Broken(MemoryTraceStore):
    """A store and an observer that always fail."""

    def started(self, *args: object) -> None:
        """Fail."""
        raise RuntimeError("no")

    changed = ended = trace_started = trace_ended = started


def put_in_force(observer: runtime.TraceObserver, store: runtime.Part | None = None) -> None:
    """Let *observer* be the only one, and *store* keep the traces."""
    now = runtime.current()
    runtime.CELL.fill(
        runtime.Runtime(
            service=now.service,
            clock=now.clock,
            gate=now.gate,
            logs=now.logs,
            trace_store=runtime.ready(store or now.trace_store),
            alerter=runtime.ready(now.alerter),
            observers=(observer,),
        )
    )


def test_a_store_or_an_observer_that_fails_disturbs_nobody() -> None:
    """Whoever listens to traces cannot break the program; each failure is counted."""
    broken = Broken()
    put_in_force(broken, store=broken)
    with obskit.trace("/x", "42") as trace, trace.step("go on"):
        pass
    assert (trace.status, trace.steps[0].status) == ("ok", "ok")
    assert runtime.current().refused == {"trace": 6}


def test_an_interrupt_while_a_trace_ends_leaves_nothing_behind() -> None:
    """Ctrl-C in an observer passes on, and the context is as it was."""

    class Interrupted(Broken):
        def trace_ended(self, *args: object) -> None:
            raise KeyboardInterrupt

    put_in_force(Interrupted())
    with pytest.raises(KeyboardInterrupt), obskit.trace("/x", "42"):
        pass
    assert (obskit.current_trace(), dict(obskit.get_context())) == (None, {})


def test_any_name_can_be_a_detail() -> None:
    """Names of our own parameters are free for details."""
    with obskit.trace("/x", "42", name="n", self="s", attributes=1) as trace:
        trace.add(self="t", attributes=2)
        with obskit.step("a", name="n", self="s") as step:
            step.add(self="t", details=1)
        with trace.step("b", name="n", self="s"):
            pass
    assert last().attributes == {"name": "n", "self": "t", "attributes": 2}
    assert [step.details["name"] for step in last().steps] == ["n", "n"]


def test_a_copy_that_was_read_stays_as_it_was() -> None:
    """What is recorded later does not change what was read before."""
    with obskit.trace("/x", "42") as trace, trace.step("a", tries=1) as step:
        seen, details = obskit.get_trace_store().recent("42")[0], step.details
        step.add(tries=2)
    assert (seen.status, seen.steps[0].details, details) == ("running", {"tries": 1}, {"tries": 1})


def test_last_leaves_out_every_trace_that_the_caller_is_inside_of() -> None:
    """A command that shows the last one does not show itself."""
    with obskit.trace("/work", "42"):
        pass
    with obskit.trace("/debug-last", "42"), obskit.step("look"), obskit.trace("/inner", "42"):
        assert last().command == "/work"
    assert last().command == "/inner"


def test_last_shows_the_command_that_started_the_caller_and_has_ended(tmp_path: Path) -> None:
    """A job that a command leaves behind is not inside of it any more."""
    store = SQLiteTraceStore(tmp_path / "traces.db")
    obskit.configure(trace_store=store, output=io.BytesIO(), capture_logging=False, hooks=False)

    async def job(ended: asyncio.Event) -> str | None:
        with obskit.trace("/job", "42"):
            await ended.wait()
            found = store.last("42")
            return None if found is None else found.command

    async def run() -> str | None:
        ended = asyncio.Event()
        with obskit.trace("/x", "42"):
            left_behind = asyncio.create_task(job(ended))
            await asyncio.sleep(0)
        ended.set()
        return await left_behind

    assert asyncio.run(run()) == "/x"


def test_a_used_trace_or_step_records_nothing_more() -> None:
    """Entering twice is a mistake that harms nobody."""
    with obskit.trace("/x", "42") as trace:
        with trace, trace.step("a") as step:
            pass
        assert obskit.current_trace() is None
    with trace, step:
        assert obskit.current_trace() is None
    assert (last().status, len(last().steps), len(obskit.get_trace_store().recent())) == ("ok", 1, 1)


def test_an_exception_after_fail_takes_its_place() -> None:
    """What escapes is the last word."""
    with pytest.raises(OSError, match="gone"), obskit.trace("/x", "42") as trace, trace.step("a") as step:
        trace.fail("first")
        step.fail(ValueError("first"))
        raise OSError("gone")
    assert (str(last().error), str(last().steps[0].error)) == ("OSError: gone", "OSError: gone")


def test_what_was_failed_stays_so_when_it_is_cancelled() -> None:
    """What the program said counts more than how it ended."""
    with pytest.raises(SystemExit), obskit.trace("/x", "42") as trace:
        trace.fail("no answer in time")
        raise SystemExit
    assert (last().status, str(last().error)) == ("error", "Failed: no answer in time")


def test_each_member_of_a_group_is_told() -> None:
    """An exception group shows what its members were."""
    group = ExceptionGroup("two", [ValueError("first"), OSError("second")])
    with pytest.raises(ExceptionGroup), obskit.trace("/x", "42"):
        raise group
    error = last().error
    assert error is not None
    assert "ValueError: first" in error.stack
    assert "OSError: second" in error.stack


def test_a_trace_without_a_correlation_id_shares_its_own_id() -> None:
    """Where nobody gave one, the outer trace's id joins it to the inner one."""
    with obskit.trace("/outer", "42") as outer, obskit.trace("/inner", "42") as inner:
        pass
    assert outer.correlation_id == inner.correlation_id == outer.trace_id


@pytest.mark.parametrize("parent", ["00-ab", 7, {}])
def test_a_parent_that_is_no_context_is_passed_over(parent: Any) -> None:
    """The trace begins all the same."""
    with obskit.trace("/x", "42", parent=parent):
        pass
    assert last().status == "ok"


def test_the_time_so_far_is_shown_while_something_runs(clock: FakeClock) -> None:
    """A command that hangs is visible, with the step that it hangs in."""
    with obskit.trace("/x", "42"), obskit.step("wait"):
        clock.advance(1.5)
        (seen,) = obskit.get_trace_store().recent("42")
    assert (seen.status, seen.duration_ms) == ("running", 1500)
    assert (seen.steps[0].status, seen.steps[0].duration_ms) == ("running", 1500)


def test_a_decorated_function_is_a_step_or_a_trace_of_its_own() -> None:
    """Where no trace is open, the call is recorded as one."""

    @obskit.traced()
    def work(value: int) -> int:
        return value + 1

    @obskit.traced("named")
    async def wait() -> str:
        return "done"

    assert work(1) == 2
    with obskit.trace("/x", "42"):
        assert work(2) == 3
        assert asyncio.run(wait()) == "done"
    assert [trace.command.rpartition(".")[2] for trace in obskit.get_trace_store().recent()] == ["/x", "work"]
    assert [step.name.rpartition(".")[2] for step in last().steps] == ["work", "named"]


def test_an_object_is_traced_as_its_call_is() -> None:
    """An asynchronous ``__call__`` is recorded to its end, also inside a partial function."""

    class Work:
        async def __call__(self) -> str:
            assert obskit.current_trace() is not None
            await asyncio.sleep(0)
            assert cast("Any", current_node()).name == "work"
            return "done"

    class Items:
        def __call__(self) -> Iterator[int]:
            yield 1

    async def main() -> None:
        with obskit.trace("/t"):
            assert await obskit.traced("work")(Work())() == "done"
            assert await obskit.traced("work")(functools.partial(Work()))() == "done"
            assert list(obskit.traced("items")(Items())()) == [1]

    asyncio.run(main())


def test_a_class_whose_exceptions_hide_their_cause_does_not_replace_them() -> None:
    """What escapes from a step is what the program raised."""

    class Hostile(Exception):
        @property
        def __cause__(self) -> BaseException:  # type: ignore[override]
            raise RuntimeError("boom")

    with pytest.raises(Hostile), obskit.trace("/t") as trace, trace.step("s"):
        raise Hostile("no")
    assert trace.error is not None
    assert trace.error.summary == "Hostile: no"


def test_whatever_can_be_called_can_be_traced() -> None:
    """A callable without a name of its own is called by its type."""
    work = obskit.traced(functools.partial(int, "7"))
    assert work() == 7
    assert last(None).command == "partial"


def test_a_decorator_of_something_else_is_refused() -> None:
    """The mistake shows when the program starts."""
    with pytest.raises(ConfigError, match="traced takes a name or a function, got int"):
        obskit.traced(7)  # type: ignore[call-overload]


def test_a_step_knows_when_it_began(clock: FakeClock) -> None:
    """Its start is told from that of the trace, to the microsecond."""
    with obskit.trace("/x", "42") as trace:
        clock.advance(0.25)
        with trace.step("a"):
            clock.advance(1.000001)
            with trace.step("b"):
                pass
    assert [step.started_ms for step in last().steps] == [250.0, 1250.001]


def test_a_step_of_a_trace_that_has_not_begun_is_kept(clock: FakeClock) -> None:
    """It is a mistake, but what was done is there."""
    trace = obskit.trace("/x", "42")
    with trace.step("early"):
        clock.advance(1)
    with trace:
        pass
    assert [(step.name, step.started_ms) for step in last().steps] == [("early", 0.0)]


def test_a_step_can_be_failed_before_it_begins() -> None:
    """It has failed whatever happens in it then."""
    with obskit.trace("/x", "42") as trace:
        step = trace.step("a")
        step.fail("no")
        with step:
            pass
    assert (last().steps[0].status, str(last().steps[0].error)) == ("error", "Failed: no")


def test_the_whole_chain_of_an_error_is_told() -> None:
    """Causes, what was being handled, and members of groups, each with its message, without secrets."""
    with pytest.raises(ExceptionGroup), obskit.trace("/x", "42"):
        try:
            try:
                raise KeyError("inner")
            except KeyError:
                raise ValueError(f"bad token={SECRET}")  # noqa: B904 - the context is looked at
        except ValueError as bad:
            raise ExceptionGroup("both", [OSError("disk")]) from bad
    error = last().error
    assert error is not None
    assert [(cause.relation, cause.type) for cause in error.causes] == [
        ("member", "OSError"),
        ("cause", "ValueError"),
        ("context", "KeyError"),
    ]
    assert SECRET not in repr(error)


def test_an_endless_chain_of_errors_is_cut() -> None:
    """Exceptions that cause each other are told once each."""
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    with obskit.trace("/x", "42") as trace:
        trace.fail(first)
    assert last().error is not None
    assert [cause.message for cause in last().error.causes] == ["2"]  # type: ignore[union-attr]


def test_errors_of_steps_share_the_room_of_the_trace() -> None:
    """However many steps fail with long messages, the trace stays small, and tells what it left out."""
    with obskit.trace("/x", "42") as trace:
        for number in range(MAX_STEPS):
            with trace.step(f"step {number}") as step:
                step.fail("\x00" * 2_000)
    kept = last()
    assert sum(len(json.dumps(str(step.error))) for step in kept.steps) < ROOM + 10 * MAX_STEPS
    assert kept.dropped["fields"] > 0
    assert {step.error.type for step in kept.steps if step.error} == {"Failed"}


def test_an_error_that_is_told_again_takes_no_more_room() -> None:
    """The last word takes the place of what was said before."""
    with obskit.trace("/x", "42") as trace, trace.step("try") as step:
        for _ in range(1_000):
            step.fail("x" * 1_000)
    assert last().dropped == {}


@pytest.mark.parametrize("unit", ["x", '"', "\U0001f600"])
def test_no_trace_is_larger_than_an_item_of_dynamodb(unit: str) -> None:
    """Whatever it is told, written as JSON it stays under 400 KB."""
    long = unit * 5_000
    with obskit.trace(long, long, correlation_id=long) as trace:
        for number in range(MAX_STEPS + 2):
            with trace.step(f"{number}{long}", text=long) as step:
                step.fail(long)
            trace.add(**{f"{number}{long}": long})
            trace.link(f"{number}{long}", f"https://example.org/{'x' * 1_900}")
        try:
            raise ValueError(long) from OSError(long)
        except ValueError as error:
            trace.fail(error)
    written = json.dumps(trace.to_dict(), ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert len(written) < 400_000


class Told(MemoryTraceStore):
    """A store that takes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []

    def started(self, trace: SafeTrace, /) -> None:
        """Take it down."""
        self.told.append("started")

    def changed(self, trace: SafeTrace, /) -> None:
        """Take down how its steps are now."""
        self.told.append(*[f"{step.name} {step.status} {len(step.details)}" for step in trace.steps])

    def ended(self, trace: SafeTrace, /) -> None:
        """Take it down."""
        self.told.append("ended")


def test_a_store_is_told_of_every_change_between_start_and_end() -> None:
    """What is told before or after is in the trace it gets at the start, or nobody's business."""
    store = Told()
    with obskit.configure(trace_store=store, output=io.BytesIO(), capture_logging=False, hooks=False):
        with obskit.trace("/x", "42", early=1) as trace:
            with trace.step("a", before=1) as step:
                step.add(during=2)
                step.fail("no")
            trace.add(more=1)
            trace.link("Run", "https://example.org/")
            trace.fail("no")
        trace.add(late=1)
        step.add(late=1)
    assert store.told == [
        "started",
        "a running 1",
        "a running 2",
        "a running 2",
        "a error 2",
        "a error 2",
        "a error 2",
        "a error 2",
        "ended",
    ]


def test_a_command_inside_a_span_of_opentelemetry_has_its_ids() -> None:
    """Where the program is traced already, its trace goes on."""
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("work") as span, obskit.trace("/x", "42") as trace:
        with obskit.trace("/inner", "42") as inner:
            pass
        with obskit.trace("/given", "42", trace_id="ab" * 16) as given:
            pass
    context = span.get_span_context()
    assert (trace.trace_id, trace.parent_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert inner.trace_id != trace.trace_id
    assert (given.trace_id, given.parent_id) == ("ab" * 16, None)


MANY = """
import io, obskit

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4_096

obskit.configure(output=io.BytesIO(), level="critical", capture_logging=False, hooks=False)
for number in range(TRACES):
    with obskit.trace("/diagnose", user_id=number % 100_000, number=number), obskit.step("look"):
        pass
    if number == 20_000:
        before = resident()
stats = obskit.get_trace_store().stats()
print(resident() - before, stats["kept"], stats["users"])
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
def test_a_million_traces_of_a_hundred_thousand_users_leave_memory_flat() -> None:
    """Whatever was recorded long ago is gone, and nothing of its users is left."""
    code = MANY.replace("TRACES", "1_000_000")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    grown, kept, users = map(float, done.stdout.split())
    assert grown < 8_000_000
    assert (kept, users) == (1_000, 1_000)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_goes_on_recording_with_ids_of_its_own() -> None:
    """Both may still go on with the trace."""
    receiving, sending = os.pipe()
    with obskit.trace("/x", "42") as trace:
        with trace.step("before"):
            pass
        child = os.fork()
        if child == 0:  # pragma: no cover - in the child
            with trace.step("child") as step:
                trace.link("x", "no address")
            os.write(sending, step.id.encode())
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with trace.step("parent") as step:
            pass
    assert os.read(receiving, 16).decode() not in {step.id for step in trace.steps}
    os.close(receiving)
    os.close(sending)


def test_a_step_that_is_struck_while_it_begins_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its block will never run, nor its end: what a signal handler raises goes on, nothing stays current."""

    def strike(node: object, began_ns: int) -> None:
        raise KeyboardInterrupt

    with obskit.trace("/t", user_id="7") as trace:
        step = trace.step("s")
        with monkeypatch.context() as struck:
            struck.setattr(type(step), "begin", strike)
            with pytest.raises(KeyboardInterrupt), step:
                pytest.fail("the block must not run")
        assert obskit.current_trace() is trace
