"""
A trace follows the flow of the program, and never leaks out of it.

Every test here also holds that nothing is written to stderr, where other tracers complain.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import pytest

import obskit
from tests.traces.recorded import last, shape


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Whatever a test does, nothing is written to stderr."""
    yield
    gc.collect()
    assert capfd.readouterr().err == ""


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


async def _executor() -> None:
    loop = asyncio.get_running_loop()
    for name in ("a", "b"):
        await loop.run_in_executor(None, contextvars.copy_context().run, _in_step, name)


async def _thread_with_context() -> None:
    for name in ("a", "b"):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(_in_step, name))
        thread.start()
        thread.join()


async def _as_completed() -> None:
    for task in asyncio.as_completed([_child("a"), _child("b")]):
        await task


async def _wait_for() -> None:
    await asyncio.wait_for(_child("a"), 5)
    await asyncio.shield(_child("b"))


async def _copied_context() -> None:
    for name in ("a", "b"):
        contextvars.copy_context().run(_in_step, name)


@pytest.mark.parametrize(
    "flow",
    [
        _gather,
        _task_group,
        _to_thread,
        _executor,
        _thread_with_context,
        _as_completed,
        _wait_for,
        _copied_context,
    ],
)
def test_siblings_keep_their_own_parts(flow: Callable[[], Coroutine[Any, Any, None]]) -> None:
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


def _in_thread(call: Callable[[], object]) -> object:
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(call()))
    thread.start()
    thread.join()
    return seen[0]


def _in_pool(call: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def _in_empty_context(call: Callable[[], object]) -> object:
    return contextvars.Context().run(call)


@pytest.mark.parametrize("run", [_in_thread, _in_pool, _in_empty_context])
def test_a_plain_thread_does_not_inherit_the_trace(run: Callable[[Callable[[], object]], object]) -> None:
    """What has no context records nothing rather than something wrong."""
    with obskit.trace("/x", "42"):
        assert run(obskit.current_trace) is None


def test_a_pooled_thread_forgets_the_job_before() -> None:
    """One worker serves two users and mixes nothing."""
    with ThreadPoolExecutor(1) as pool:
        for user in ("ada", "bob"):
            with obskit.trace("/x", user):
                pool.submit(contextvars.copy_context().run, _in_step, user).result()
        assert pool.submit(obskit.current_trace).result() is None
    assert shape(last("ada")) == [("ada", None), ("ada.inner", "ada")]
    assert shape(last("bob")) == [("bob", None), ("bob.inner", "bob")]


def test_traces_of_two_tasks_do_not_see_each_other() -> None:
    """Two commands that run at once stay apart."""

    async def command(user: str) -> None:
        async with obskit.trace("/x", user):
            await _child(user)

    async def run() -> None:
        await asyncio.gather(command("ada"), command("bob"))

    asyncio.run(run())
    assert shape(last("ada")) == [("ada", None), ("ada.inner", "ada")]
    assert shape(last("bob")) == [("bob", None), ("bob.inner", "bob")]


def test_a_second_event_loop_finds_nothing_of_the_first() -> None:
    """Nothing holds on to a loop that is closed."""
    for user in ("ada", "bob"):
        with obskit.trace("/x", user):
            asyncio.run(_child("a"))
        assert shape(last(user)) == [("a", None), ("a.inner", "a")]


@pytest.mark.parametrize("awaits", range(5))
def test_a_task_can_be_cancelled_at_each_of_its_awaits(awaits: int) -> None:
    """Cancellation passes on, and what was open is cancelled."""

    async def command() -> None:
        async with obskit.trace("/x", "42"):
            await _child("a")
            await _child("b")
            await asyncio.Event().wait()

    async def run() -> None:
        task = asyncio.create_task(command())
        for _ in range(awaits + 1):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    kept = last()
    assert kept.status == "cancelled"
    assert {step.status for step in kept.steps} <= {"ok", "cancelled"}


def test_a_failing_member_of_a_task_group_cancels_the_other() -> None:
    """The one that failed is an error, the other one cancelled, the trace an error."""

    async def fail() -> None:
        with obskit.step("fail"):
            await asyncio.sleep(0)
            raise ValueError("no")

    async def wait() -> None:
        with obskit.step("wait"):
            await asyncio.Event().wait()

    async def run() -> None:
        async with obskit.trace("/x", "42"), asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(wait())

    with pytest.raises(ExceptionGroup):
        asyncio.run(run())
    assert last().status == "error"
    assert {step.name: step.status for step in last().steps} == {"fail": "error", "wait": "cancelled"}


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


def test_a_step_that_outlives_its_trace_adds_nothing_to_it() -> None:
    """What a detached task goes on doing inside its own step belongs to no trace."""

    async def late() -> None:
        with obskit.step("late"):
            await asyncio.sleep(0.01)
            with obskit.step("later"):
                assert obskit.current_trace() is None

    async def run() -> None:
        async with obskit.trace("/x", "42"):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        await task

    asyncio.run(run())
    assert (shape(last()), last().steps[0].status) == ([("late", None)], "running")


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
    assert shape(last()) == [
        ("count", None),
        ("item 0", "count"),
        ("mine", None),
        ("item 1", "count"),
        ("mine", None),
    ]


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


def test_an_async_generator_can_be_closed_by_another_task() -> None:
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


def test_a_generator_that_is_collected_ends_its_step() -> None:
    """A forgotten generator ends its step and nothing else."""
    with obskit.trace("/x", "42"):
        items = count(3)
        next(items)
        with obskit.step("mine"):
            del items
            gc.collect()
    assert dict(shape(last()))["mine"] is None


def test_a_generator_gets_what_is_sent_and_thrown() -> None:
    """The decorator is a generator like the one inside."""

    @obskit.traced
    def echo() -> Generator[object, object, str]:
        got: object = "ready"
        try:
            while True:
                got = yield got
        except LookupError:
            return "done"

    with obskit.trace("/x", "42"):
        items = echo()
        assert (next(items), items.send(1), items.send(2)) == ("ready", 1, 2)
        with pytest.raises(StopIteration) as stopped:
            items.throw(LookupError())
    assert (stopped.value.value, last().steps[0].status) == ("done", "ok")


def test_an_async_generator_gets_what_is_sent_and_thrown() -> None:
    """The same for an async generator."""

    @obskit.traced
    async def echo() -> Any:
        got: object = "ready"
        while True:
            got = yield got

    async def run() -> None:
        async with obskit.trace("/x", "42"), aclosing(echo()) as items:
            assert (await anext(items), await items.asend(1)) == ("ready", 1)
            with pytest.raises(LookupError):
                await items.athrow(LookupError("no"))

    asyncio.run(run())
    assert (last().status, str(last().steps[0].error)) == ("ok", "LookupError: no")


def test_an_async_generator_that_is_forgotten_ends_its_step() -> None:
    """The event loop closes it, in a context of its own."""

    async def run() -> None:
        async with obskit.trace("/x", "42"):
            await anext(stream(3))
            gc.collect()
            await asyncio.sleep(0.01)
            with obskit.step("mine"):
                pass

    asyncio.run(run())
    assert shape(last()) == [("stream", None), ("mine", None)]
    assert last().steps[0].status == "ok"


def test_an_undecorated_generator_can_be_closed_after_the_trace() -> None:
    """A step that was left open in a generator ends late and changes nothing."""

    def items() -> Iterator[int]:
        with obskit.step("open"):
            yield 1

    with obskit.trace("/x", "42"):
        left = items()
        next(left)
    assert obskit.current_trace() is None
    del left
    gc.collect()
    with obskit.trace("/y", "42"), obskit.step("mine"):
        pass
    assert shape(last()) == [("mine", None)]


def test_a_generator_with_a_trace_of_its_own_does_not_leak_it() -> None:
    """Between two items the caller has neither the generator's trace nor its log context."""
    for _ in count(2):
        assert obskit.current_trace() is None
        assert dict(obskit.get_context()) == {}
    (kept,) = obskit.get_trace_store().recent()
    assert (kept.command, shape(kept)) == ("count", [("item 0", None), ("item 1", None)])


def test_what_a_traced_generator_binds_stays_inside_of_it() -> None:
    """As a step it has a log context of its own, as it has where it is a trace."""

    @obskit.traced
    def items() -> Iterator[dict[str, object]]:
        obskit.set_context(item=1)
        with obskit.bound_context(more=2):
            yield dict(obskit.get_context())
        yield dict(obskit.get_context())

    with obskit.trace("/x", "42"):
        outside = dict(obskit.get_context())
        for inside in items():
            assert inside["item"] == 1
            assert obskit.get_context() == outside
        assert obskit.get_context() == outside


def test_generators_can_be_iterated_in_turns() -> None:
    """Two that are open at once stay apart."""
    with obskit.trace("/x", "42"):
        for _ in zip(count(2), count(2), strict=True):
            pass
    parents = {step.id: step for step in last().steps}
    items = [step for step in last().steps if step.name == "item 0"]
    assert len({parents[step.parent_id or ""].id for step in items}) == 2


def test_a_decorated_generator_moves_between_traces() -> None:
    """It may be begun under one command and finished under another."""
    with obskit.trace("/first", "42") as first:
        items = count(2)
        next(items)
    with obskit.trace("/second", "42") as second:
        assert list(items) == [1]
        assert obskit.current_trace() is second
    assert (first.status, second.status) == ("ok", "ok")


def test_many_traces_leave_the_context_as_it_was() -> None:
    """Nothing is stacked up in the context of a task that serves for ever."""
    before = contextvars.copy_context()
    for _ in range(100):
        with obskit.trace("/x", "42"), obskit.step("a"):
            pass
    after = contextvars.copy_context()
    assert obskit.current_trace() is None
    assert {variable: after[variable] for variable in before} == dict(before.items())


def test_a_generator_can_be_resumed_from_within_its_own_context() -> None:
    """A context that was copied inside a generator may go on with it."""
    contexts: list[contextvars.Context] = []

    @obskit.traced("items")
    def items() -> Iterator[int]:
        contexts.append(contextvars.copy_context())
        for number in range(2):
            with obskit.step(f"item {number}"):
                yield number

    with obskit.trace("/x", "42"):
        left = items()
        assert next(left) == 0
        assert contexts[0].run(next, left) == 1
        assert list(left) == []
    assert shape(last()) == [("items", None), ("item 0", "items"), ("item 1", "items")]
