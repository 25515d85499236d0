"""Trace and log context go along into other threads where they are asked to."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import obskit
from obskit.traces import ContextThreadPool, bind
from tests.traces.recorded import last, shape


def work(name: str) -> str:
    """Do something in a step; tell which trace it belongs to."""
    with obskit.step(name), obskit.step(f"{name}.inner"):
        return str(obskit.get_context().get("cmd"))


def test_a_bound_function_records_into_the_trace_it_was_bound_in() -> None:
    """A thread knows the command, and its steps lie where it was started."""
    seen: list[str] = []
    with obskit.trace("/x", "42"), obskit.step("start"):

        def run() -> None:
            seen.append(work("a"))

        thread = threading.Thread(target=bind(run))
        thread.start()
        thread.join()
    assert seen == ["/x"]
    assert shape(last()) == [("start", None), ("a", "start"), ("a.inner", "a")]


def test_a_bound_function_can_be_called_by_many_threads_at_once() -> None:
    """Each call has a context of its own, and the function keeps its name."""
    with obskit.trace("/x", "42"), obskit.step("start"):
        bound = bind(work)
    barrier = threading.Barrier(4)

    def call(number: int) -> str:
        barrier.wait()
        return bound(str(number))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(4))) == ["/x"] * 4
    assert bound.__name__ == "work"


def test_a_pool_takes_the_context_of_each_call() -> None:
    """Two users who share a worker stay apart."""
    with ContextThreadPool(1) as pool:
        for user in ("ada", "bob"):
            with obskit.trace(f"/{user}", user):
                assert list(pool.map(work, [user])) == [f"/{user}"]
        assert pool.submit(obskit.current_trace).result() is None
    assert shape(last("ada")) == [("ada", None), ("ada.inner", "ada")]
    assert shape(last("bob")) == [("bob", None), ("bob.inner", "bob")]


def test_a_pool_can_serve_an_event_loop() -> None:
    """What `run_in_executor` runs is a part of the step that waits for it."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ContextThreadPool(2))
        async with obskit.trace("/x", "42"), obskit.step("wait"):
            await loop.run_in_executor(None, work, "a")

    asyncio.run(run())
    assert shape(last()) == [("wait", None), ("a", "wait"), ("a.inner", "a")]
