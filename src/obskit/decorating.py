"""
Run every call of a function inside a block, whatever kind of function it is.

The one subtle kind is the generator: its body stops at each ``yield`` while the
caller goes on. So the two have values of their own of the context variables that the
block sets, and a caller never finds itself inside the block of a generator that it
iterates.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, ParamSpec, Self, TypeAlias, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
#: A function of whatever kind.
_AnyFunction: TypeAlias = Callable[..., Any]
_MakeBlock: TypeAlias = Callable[[], AbstractContextManager[object, bool | None]]
_Variables: TypeAlias = tuple[ContextVar[Any], ...]


def decorate(function: Callable[P, R], make_block: _MakeBlock, *variables: ContextVar[Any]) -> Callable[P, R]:
    """
    Wrap *function* so that each call runs inside a new block.

    Args:
        function: A function, coroutine function, generator function or async
            generator function.
        make_block: Called once per call.
        variables: Those that the block, or what runs in it, sets.
    """
    body = _body_of(function)
    call: _AnyFunction
    if inspect.isasyncgenfunction(body):
        call = _async_generator(function, make_block, variables)
    elif inspect.isgeneratorfunction(body):
        call = _generator(function, make_block, variables)
    elif inspect.iscoroutinefunction(body):
        call = _coroutine(function, make_block)
    else:
        call = _function(function, make_block)
    return cast("Callable[P, R]", functools.wraps(function)(call))


def _body_of(function: _AnyFunction) -> _AnyFunction:
    """Find what tells of which kind *function* is: of an object with ``__call__``, that method."""
    while isinstance(function, functools.partial):
        function = function.func
    is_object = not (inspect.isroutine(function) or inspect.isclass(function))
    # What somebody marked as a coroutine function is one, whatever its ``__call__`` is.
    if is_object and not inspect.iscoroutinefunction(function):
        return type(function).__call__
    return function


def _function(function: _AnyFunction, make_block: _MakeBlock) -> _AnyFunction:
    def call(*args: Any, **kwargs: Any) -> Any:
        with make_block():
            return function(*args, **kwargs)

    return call


def _coroutine(function: _AnyFunction, make_block: _MakeBlock) -> _AnyFunction:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with make_block():
            return await function(*args, **kwargs)

    return call


class _Sides:
    """
    Of a generator and its caller one waits; keeps the values that context variables have on its side.

    A signal handler may raise anywhere in here: the caller's values are its own in the end.
    """

    def __init__(self, variables: _Variables) -> None:
        self._variables = variables

    def __enter__(self) -> Self:
        self._outside = self._values()
        return self

    def __exit__(self, *error: object) -> None:
        self._put(self._outside)

    def go_out(self) -> None:
        """Let the caller go on, with the values that it had."""
        self._inside = self._values()
        self._put(self._outside)
        self._outside = []  # from here on they are what the caller makes of them

    def come_in(self) -> None:
        """Let the generator go on, with the values that it had."""
        self._outside = self._values()
        self._put(self._inside)

    def _values(self) -> list[object]:
        return [variable.get() for variable in self._variables]

    def _put(self, values: list[object]) -> None:
        for variable, value in zip(self._variables, values, strict=False):
            variable.set(value)


def _generator(function: _AnyFunction, make_block: _MakeBlock, variables: _Variables) -> _AnyFunction:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _Sides(variables) as sides, make_block():
            inner = function(*args, **kwargs)
            step = functools.partial(next, inner)
            while True:
                try:
                    item = step()
                except StopIteration as stop:
                    return stop.value
                sides.go_out()
                try:
                    sent = yield item
                except BaseException as error:
                    step = functools.partial(inner.throw, error)
                else:
                    step = functools.partial(inner.send, sent)
                sides.come_in()

    return call


def _async_generator(function: _AnyFunction, make_block: _MakeBlock, variables: _Variables) -> _AnyFunction:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _Sides(variables) as sides, make_block():
            inner = function(*args, **kwargs)
            step = inner.__anext__
            while True:
                try:
                    item = await step()
                except StopAsyncIteration:
                    return
                sides.go_out()
                try:
                    sent = yield item
                except BaseException as error:
                    step = functools.partial(inner.athrow, error)
                else:
                    step = functools.partial(inner.asend, sent)
                sides.come_in()

    return call
