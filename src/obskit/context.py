"""
Fields bound to the running task, which stand on every line that it logs.

One context variable holds one `Scope`, which knows the scope around it. Nothing is
ever reset by token, and a block keeps nothing of its own: one that is left from
another task, or by a generator that the garbage collector closes, finds no scope
of its own and changes nothing, and the same one may be entered again and again, in
itself and by many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final, ParamSpec, TypeVar

from .event import Bound

P = ParamSpec("P")
R = TypeVar("R")


class Scope(Bound):
    """
    The fields that are bound here, the block that bound them, and the scope around it.

    What `set_context` binds inside of a block is a scope of nobody in that of the block.
    """

    __slots__ = ("has_ended", "outer", "owner")

    def __init__(
        self, fields: Mapping[str, object], owner: bound_context | None, outer: Scope | None
    ) -> None:
        super().__init__(fields)
        self.owner: Final = owner
        self.outer = outer
        self.has_ended = False  #: tasks that began in the block may go on in the scope

    def lasting(self) -> Scope:
        """Return this scope, or one of the same fields where its block has ended."""
        return Scope(self.fields, None, None) if self.has_ended else self


_EMPTY: Final = Scope(MappingProxyType({}), None, None)
#: Holds the scope of the running task.
SCOPE: Final[ContextVar[Scope]] = ContextVar("obskit_context", default=_EMPTY)
#: Returns it; bound once, since every event asks.
current_scope: Final = SCOPE.get


def set_context(**fields: object) -> None:
    """
    Bind *fields* to the running task until they are cleared or their block ends.

    A field that is already bound gets the new value. Tasks started later inherit
    what is bound at that moment; tasks do not see each other's changes.

    >>> set_context(guild="g-1")
    >>> get_context()["guild"]
    'g-1'
    >>> clear_context()
    """
    _bind({**SCOPE.get().fields, **fields})


def clear_context(*names: str) -> None:
    """Unbind the fields called *names*, or all of them; unknown names are ignored."""
    gone = {str.__str__(name) for name in names if issubclass(type(name), str)}
    _bind({name: value for name, value in SCOPE.get().fields.items() if names and name not in gone})


def _bind(fields: Mapping[str, object]) -> None:
    """Have *fields* bound, and no others, until the block around ends."""
    scope = SCOPE.get()
    SCOPE.set(Scope(fields, None, scope.outer if scope.owner is None else scope))


def get_context() -> Mapping[str, object]:
    """Return the bound fields; the mapping cannot be changed."""
    return MappingProxyType(dict(SCOPE.get().fields))


class bound_context:  # noqa: N801 - used as a function, with and without `with`
    """
    Bind fields for the length of a block or of a function's call.

    Works with ``with`` and ``async with``, and as a decorator of functions,
    coroutines, generators and async generators. What was bound before comes back
    at the end, also for names that the block changed by `set_context`.

    >>> with bound_context(cmd="/status"):
    ...     get_context()["cmd"]
    '/status'
    >>> "cmd" in get_context()
    False
    """

    __slots__ = ("fields", "recording")

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        #: Where logs keep the lines below the level of a trace that this block belongs to.
        self.recording: object = None

    def __enter__(self) -> None:
        around = scope = SCOPE.get().lasting()
        while scope.outer is not None:  # a job that starts the next one would drag all that have ended along
            scope.outer = scope = scope.outer.lasting()
        SCOPE.set(Scope({**around.fields, **self.fields}, self, around))

    def __exit__(self, *error: object) -> None:
        scope: Scope | None = SCOPE.get()
        while scope is not None and scope.owner is not self:
            scope = scope.outer
        if scope is not None:
            scope.has_ended = True
            SCOPE.set(scope.outer or _EMPTY)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self.__exit__()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Bind the fields anew in every call of *function*."""
        from .decorating import decorate  # not at import: it loads inspect

        return decorate(function, lambda: bound_context(**self.fields), SCOPE)
