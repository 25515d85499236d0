"""
Run every call of a function inside a block, whatever kind of function it is.

The one subtle kind is the generator: its body stops at each ``yield`` while the
caller goes on, so the block is suspended there and resumed afterwards. A
caller never finds itself inside the block of a generator that it iterates.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
#: A function of whatever kind.
_AnyFunction: TypeAlias = Callable[..., Any]


class Block(Protocol):
    """A context manager that can step out of the running context for a while."""

    def __enter__(self) -> object:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        """End the block; an exception is never swallowed."""

    def suspend(self) -> None:
        """Leave the running context without ending."""

    def resume(self) -> None:
        """Come back into the running context."""


def decorate(function: Callable[P, R], make_block: Callable[[], Block]) -> Callable[P, R]:
    """
    Wrap *function* so that each call runs inside a new block.

    Args:
        function: A function, coroutine function, generator function or async
            generator function.
        make_block: Called once per call.
    """
    body = _body_of(function)
    if inspect.isasyncgenfunction(body):
        wrap = _wrap_async_generator
    elif inspect.isgeneratorfunction(body):
        wrap = _wrap_generator
    elif inspect.iscoroutinefunction(body):
        wrap = _wrap_coroutine
    else:
        wrap = _wrap_function
    return cast("Callable[P, R]", functools.wraps(function)(wrap(function, make_block)))


def _body_of(function: _AnyFunction) -> _AnyFunction:
    """Find what tells of which kind *function* is: of an object with ``__call__``, that method."""
    while isinstance(function, functools.partial):
        function = function.func
    is_object = not (inspect.isroutine(function) or inspect.isclass(function))
    # What somebody marked as a coroutine function is one, whatever its ``__call__`` is.
    if is_object and not inspect.iscoroutinefunction(function):
        return type(function).__call__
    return function


def _wrap_function(function: _AnyFunction, make_block: Callable[[], Block]) -> _AnyFunction:
    def call(*args: Any, **kwargs: Any) -> Any:
        with make_block():
            return function(*args, **kwargs)

    return call


def _wrap_coroutine(function: _AnyFunction, make_block: Callable[[], Block]) -> _AnyFunction:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with make_block():
            return await function(*args, **kwargs)

    return call


def _wrap_generator(function: _AnyFunction, make_block: Callable[[], Block]) -> _AnyFunction:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        block = make_block()
        with block:
            inner = function(*args, **kwargs)
            step = functools.partial(next, inner)
            while True:
                try:
                    item = step()
                except StopIteration as stop:
                    return stop.value
                block.suspend()
                try:
                    sent = yield item
                except BaseException as error:
                    step = functools.partial(inner.throw, error)
                else:
                    step = functools.partial(inner.send, sent)
                block.resume()

    return call


def _wrap_async_generator(function: _AnyFunction, make_block: Callable[[], Block]) -> _AnyFunction:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        block = make_block()
        with block:
            inner = function(*args, **kwargs)
            step = inner.__anext__
            while True:
                try:
                    item = await step()
                except StopAsyncIteration:
                    return
                block.suspend()
                try:
                    sent = yield item
                except BaseException as error:
                    step = functools.partial(inner.athrow, error)
                else:
                    step = functools.partial(inner.asend, sent)
                block.resume()

    return call
