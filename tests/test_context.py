"""Fields bound to a task stand on its lines, and on no other's."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit import bound_context, clear_context, context, get_context, set_context
from tests.sinks.test_lines import struck

names = st.sampled_from(["cmd", "user_id", "guild"])


@pytest.fixture(autouse=True)
def _nothing_bound() -> Iterator[None]:
    """Each test starts and ends without context."""
    clear_context()
    yield
    clear_context()


def test_what_is_set_is_there_until_it_is_cleared() -> None:
    """Fields come, get new values, and go one by one or together."""
    set_context(cmd="/status", user_id="1")
    set_context(user_id="2")
    clear_context("cmd", "unknown")
    assert get_context() == {"user_id": "2"}
    clear_context()
    assert get_context() == {}


def test_the_context_that_was_given_out_cannot_be_changed() -> None:
    """What a program reads is a view of its own."""
    set_context(cmd="/status")
    with pytest.raises(TypeError):
        get_context()["cmd"] = "/other"  # type: ignore[index]


@given(
    st.dictionaries(names, st.integers()),
    st.dictionaries(names, st.integers()),
    st.dictionaries(names, st.integers()),
)
def test_a_block_gives_back_what_was_bound_before(
    before: dict[str, int], bound: dict[str, int], inside: dict[str, int]
) -> None:
    """Whatever the block binds or sets, the end restores the beginning."""
    clear_context()
    set_context(**before)
    with bound_context(**bound):
        set_context(**inside)
        assert get_context() == before | bound | inside
    assert get_context() == before


def test_a_block_that_raises_gives_back_too() -> None:
    """The exception passes, the fields go."""
    with pytest.raises(ValueError, match="no"), bound_context(cmd="/status"):
        raise ValueError("no")
    assert get_context() == {}


async def _in_block(number: int) -> object:
    async with bound_context(user_id=number):
        await asyncio.sleep(0)
        return get_context()["user_id"]


def test_tasks_do_not_see_each_other() -> None:
    """A hundred tasks at once each keep their own value."""

    async def run() -> list[object]:
        return list(await asyncio.gather(*(_in_block(number) for number in range(100))))

    assert asyncio.run(run()) == list(range(100))


def test_a_new_thread_starts_without_context() -> None:
    """A plain thread inherits nothing."""
    set_context(cmd="/status")
    seen: list[dict[str, object]] = []
    thread = threading.Thread(target=lambda: seen.append(dict(get_context())))
    thread.start()
    thread.join()
    assert seen == [{}]


@bound_context(cmd="/function")
def function() -> object:
    """Return the bound command."""
    return get_context().get("cmd")


@bound_context(cmd="/coroutine")
async def coroutine() -> object:
    """Return the bound command."""
    await asyncio.sleep(0)
    return get_context().get("cmd")


@bound_context(cmd="/generator")
def generator() -> Iterator[object]:
    """Yield the bound command twice."""
    with bound_context(inner=1):
        yield get_context().get("cmd")
    set_context(extra=1)
    yield get_context()["cmd"], get_context()["extra"]
    yield get_context()["extra"]


@bound_context(cmd="/async-generator")
async def async_generator() -> AsyncIterator[object]:
    """Yield the bound command twice."""
    yield get_context().get("cmd")
    await asyncio.sleep(0)
    yield get_context().get("cmd")


def test_as_a_decorator_it_binds_in_every_call() -> None:
    """Functions and coroutines see the fields, their callers do not."""
    assert (function(), function()) == ("/function", "/function")
    assert asyncio.run(coroutine()) == "/coroutine"
    assert function.__name__ == "function"
    assert get_context() == {}


def test_a_suspended_generator_does_not_leak_into_its_caller() -> None:
    """Between two items the caller has its own context, the generator keeps its own."""
    items = generator()
    assert next(items) == "/generator"
    assert get_context() == {}
    set_context(cmd="/caller")
    assert next(items) == ("/generator", 1)
    assert get_context() == {"cmd": "/caller"}
    assert list(items) == [1]
    assert get_context() == {"cmd": "/caller"}


def test_a_handler_that_raises_leaves_the_caller_of_a_generator_its_own_context() -> None:
    """Wherever it strikes: the caller is never inside of the generator."""

    def strike() -> None:
        raise TimeoutError

    cut = 0
    for place in range(1, 500):
        before, items = context.current_scope(), generator()
        try:
            if not struck(lambda: list(items), strike, place):  # noqa: B023
                break
        except TimeoutError:
            cut += 1
        assert context.current_scope() is before
    assert cut > 50


def test_a_suspended_async_generator_does_not_leak_into_its_caller() -> None:
    """The same holds for async generators."""

    async def run() -> list[object]:
        seen: list[object] = []
        async for item in async_generator():
            seen += [item, dict(get_context())]
        return seen

    assert asyncio.run(run()) == ["/async-generator", {}, "/async-generator", {}]


def test_a_generator_that_is_left_early_disturbs_nobody() -> None:
    """Closing and collecting a generator elsewhere leaves the context alone."""
    items = generator()
    next(items)
    set_context(cmd="/caller")
    contextvars.Context().run(items.close)  # type: ignore[attr-defined]
    del items
    gc.collect()
    assert get_context() == {"cmd": "/caller"}


@bound_context(cmd="/echo")
def echo() -> Generator[object, object, str]:
    """Give back what is sent and what is thrown, then end with a result."""
    received: object = None
    while received != "stop":
        try:
            received = yield received
        except KeyError as error:
            received = error
    return "done"


def test_a_decorated_generator_can_be_sent_to_thrown_into_and_ended() -> None:
    """The whole protocol of generators passes through."""
    items = echo()
    assert next(items) is None
    assert items.send("hello") == "hello"
    error = KeyError("x")
    assert items.throw(error) is error
    with pytest.raises(StopIteration) as end:
        items.send("stop")
    assert end.value.value == "done"


def test_a_decorated_async_generator_can_be_sent_to_and_thrown_into() -> None:
    """The whole protocol of async generators passes through."""

    @bound_context(cmd="/echo")
    async def echo_async() -> AsyncGenerator[object, object]:
        received: object = None
        while received != "stop":
            try:
                received = yield received
            except KeyError as error:
                received = error

    async def run() -> None:
        items = echo_async()
        assert await anext(items) is None
        assert await items.asend("hello") == "hello"
        error = KeyError("x")
        assert await items.athrow(error) is error
        with pytest.raises(StopAsyncIteration):
            await items.asend("stop")

    asyncio.run(run())


def test_a_block_left_in_another_context_changes_nothing_there() -> None:
    """Ending a block where it did not begin is harmless."""
    block = bound_context(cmd="/inner")
    contextvars.copy_context().run(block.__enter__)
    set_context(cmd="/outer")
    block.__exit__(None, None, None)
    assert get_context() == {"cmd": "/outer"}


def test_one_block_serves_many_threads_and_itself() -> None:
    """A block that is kept and entered again mixes nobody's fields."""
    block = bound_context(component="w")
    with block:
        with block:
            assert get_context() == {"component": "w"}
        assert get_context() == {"component": "w"}
    assert get_context() == {}
    together = threading.Barrier(2)
    seen = {}

    def serve(user: str) -> None:
        with bound_context(user_id=user):
            together.wait(10)
            with block:
                together.wait(10)
                assert get_context() == {"user_id": user, "component": "w"}
                together.wait(10)
            seen[user] = dict(get_context())

    threads = [threading.Thread(target=serve, args=(user,)) for user in ("ada", "grace")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == {"ada": {"user_id": "ada"}, "grace": {"user_id": "grace"}}


def depth(scope: context.Scope | None) -> int:
    """Count the scopes around *scope*, itself included."""
    return 0 if scope is None else 1 + depth(scope.outer)


def test_a_job_that_starts_the_next_one_drags_nothing_along() -> None:
    """The context of a task that began in an ended block is its fields, not all blocks before."""

    async def run() -> int:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def tick(number: int) -> None:
            with bound_context(tick=number):
                if number < 50:
                    loop.call_soon(tick, number + 1)
                    return
                ended.set_result(depth(context.current_scope()))

        tick(0)
        return await ended

    assert asyncio.run(run()) <= 2


@pytest.mark.parametrize("binds", [False, True])
def test_a_job_that_still_runs_when_the_next_one_starts_drags_nothing_along(binds: bool) -> None:
    """What has ended meanwhile is let go, also where the job has bound more for itself."""

    async def run() -> int:
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        running = set()

        async def job(number: int) -> None:
            with bound_context(number=number):
                if binds:
                    set_context(early=number)
                if number < 50:
                    running.add(asyncio.create_task(job(number + 1)))
                set_context(late=number)
                for _ in range(3):
                    await asyncio.sleep(0)
                if number == 50:
                    assert get_context()["number"] == 50
                    ended.set_result(depth(context.current_scope()))

        await job(0)
        return await ended

    assert asyncio.run(run()) <= 20
