"""What a program does inside a trace is recorded, and recording never disturbs it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import obskit
from obskit.testing import FakeClock, capture
from obskit.traces import ExecutionTrace, MemoryTraceStore
from obskit.traces.recorder import MAX_STEPS

SECRET = "ghp_" + "fake" * 9


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture(autouse=True)
def store(clock: FakeClock) -> Iterator[MemoryTraceStore]:
    """The store of a program that is set up with that clock."""
    kept = MemoryTraceStore(clock=clock)
    with obskit.configure(
        output=io.BytesIO(), trace_store=kept, clock=clock, capture_logging=False, hooks=False
    ):
        yield kept


def last(user_id: object = "42") -> ExecutionTrace:
    """Return the last trace of a user, which must be there."""
    found = obskit.get_trace_store().last(user_id)
    assert found is not None
    return found


def shape(trace: ExecutionTrace) -> list[tuple[str, str | None]]:
    """Name the steps of a trace with their parents."""
    names = {step.id: step.name for step in trace.steps}
    return [(step.name, names.get(step.parent_id or "")) for step in trace.steps]


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
    """Attributes, details, names, errors and links go through the gate."""
    with pytest.raises(ValueError, match="bad"), obskit.trace(f"/x {SECRET}", "42", token=SECRET) as trace:
        trace.add(note=f"uses {SECRET}")
        trace.link(f"run {SECRET}", f"https://example.org/?token={SECRET}")
        with trace.step(f"call {SECRET}", headers={"Authorization": f"Bearer {SECRET}"}) as step:
            step.fail(f"refused {SECRET}")
        raise ValueError(f"bad {SECRET}")
    entry = next(iter(store._entries.values()))
    assert SECRET.encode() not in entry.frozen
    assert b"fakefakefake" not in entry.frozen


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x", "/relative", "https://a b", "", "https://" + "a" * 3000]
)
def test_a_link_that_is_no_web_address_is_left_out(url: str) -> None:
    """Only what can be followed safely is kept."""
    with obskit.trace("/x", "42") as trace:
        trace.link("Run", url)
    assert last().links == {}


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


def test_an_observer_that_fails_disturbs_nobody(clock: FakeClock) -> None:
    """Whoever listens to traces cannot break the program."""
    from dataclasses import replace

    from obskit import runtime

    class Broken:
        def trace_started(self, trace: object, /) -> None:
            raise RuntimeError("no")

        trace_ended = trace_started

    before = runtime.current()
    runtime.CELL.fill(replace(before, observers=(Broken(),)))
    with obskit.trace("/x", "42"):
        pass
    runtime.CELL.fill(before)
    assert last().status == "ok"


# --- where a trace goes with the program's flow ---------------------------------------------------


async def _child(name: str) -> None:
    async with obskit.step(name):
        await asyncio.sleep(0)
        with obskit.step(f"{name}.inner"):
            await asyncio.sleep(0)


async def _gather() -> None:
    await asyncio.gather(_child("a"), _child("b"))


async def _task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_child("a"))
        group.create_task(_child("b"))


def _in_step(name: str) -> None:
    with obskit.step(name), obskit.step(f"{name}.inner"):
        pass


async def _to_thread() -> None:
    await asyncio.gather(asyncio.to_thread(_in_step, "a"), asyncio.to_thread(_in_step, "b"))


async def _copied_context() -> None:
    for name in ("a", "b"):
        contextvars.copy_context().run(_in_step, name)


@pytest.mark.parametrize("flow", [_gather, _task_group, _to_thread, _copied_context])
def test_siblings_that_run_at_once_keep_their_own_parts(flow: Callable[[], Any]) -> None:
    """Concurrent steps never become each other's parts."""

    async def run() -> None:
        async with obskit.trace("/x", "42"), obskit.step("root"):
            await flow()

    asyncio.run(run())
    assert set(shape(last())) == {
        ("root", None),
        ("a", "root"),
        ("a.inner", "a"),
        ("b", "root"),
        ("b.inner", "b"),
    }


@pytest.mark.parametrize("start", ["thread", "executor"])
def test_a_plain_thread_does_not_inherit_the_trace(start: str) -> None:
    """What has no context records nothing rather than something wrong."""
    seen: list[object] = []
    with obskit.trace("/x", "42"):
        if start == "thread":
            thread = threading.Thread(target=lambda: seen.append(obskit.current_trace()))
            thread.start()
            thread.join()
        else:
            with ThreadPoolExecutor(1) as pool:
                seen.append(pool.submit(obskit.current_trace).result())
    assert seen == [None]


def test_a_task_that_outlives_its_trace_sees_none() -> None:
    """After the end of a trace nobody records into it."""

    async def late() -> object:
        await asyncio.sleep(0.01)
        return obskit.current_trace()

    async def run() -> object:
        async with obskit.trace("/x", "42"):
            task = asyncio.create_task(late())
        return await task

    assert asyncio.run(run()) is None


@obskit.traced
def count(to: int) -> Iterator[int]:
    """Yield numbers, each in a step."""
    for number in range(to):
        with obskit.step(f"item {number}"):
            yield number


@obskit.traced("stream")
async def stream(to: int) -> AsyncIterator[int]:
    """Yield numbers."""
    for number in range(to):
        await asyncio.sleep(0)
        yield number


def test_a_suspended_generator_is_not_the_callers_step() -> None:
    """Steps of the caller between two items are not parts of the generator."""
    with obskit.trace("/x", "42"):
        for _ in count(2):
            with obskit.step("mine"):
                pass
    names = dict(shape(last()))
    assert names["count"] is None
    assert names["item 0"] == "count"


def test_an_async_generator_is_a_step_and_leaks_nothing() -> None:
    """The same for async generators, also when they are left early."""

    async def run() -> None:
        async with obskit.trace("/x", "42"):
            async for _ in stream(3):
                with obskit.step("mine"):
                    pass
                break

    asyncio.run(run())
    assert set(shape(last())) == {("stream", None), ("mine", None)}


def test_an_async_generator_closed_by_another_task_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """What other tracers log an error for is nothing special here."""

    async def run() -> str:
        async with obskit.trace("/x", "42"):
            items = stream(3)
            await anext(items)
            await asyncio.create_task(items.aclose())  # type: ignore[attr-defined]
            current = obskit.current_trace()
            assert current is not None
            return current.command

    assert asyncio.run(run()) == "/x"
    assert last().steps[0].status == "ok"
    assert capfd.readouterr().err == ""


def test_a_generator_that_is_collected_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """A forgotten generator ends its step and nothing else."""
    with obskit.trace("/x", "42"):
        items = count(3)
        next(items)
        with obskit.step("mine"):
            del items
            gc.collect()
    assert dict(shape(last()))["mine"] is None
    assert capfd.readouterr().err == ""


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
