"""Objects whose methods raise, lie, recurse, log, or answer to everything."""

from __future__ import annotations

import functools
import inspect
import io
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock, NonCallableMagicMock

from faultcard.calls.model import BESIDE, Calls
from faultcard.contenders import Log

CALLS = Calls()
call, value = CALLS.call, CALLS.value


def _fail(*_: Any, **__: Any) -> Any:
    raise ValueError("broken on purpose")


def _object(**methods: Callable[..., Any] | property) -> Any:
    """Make an object of a new class with *methods*."""
    return type("Broken", (), methods)()


@value()
def repr_raises() -> Any:
    """An object whose `__repr__` raises."""
    return _object(__repr__=_fail)


@value()
def str_raises() -> Any:
    """An object whose `__str__` raises."""
    return _object(__str__=_fail)


@value()
def format_raises() -> Any:
    """An object whose `__format__` raises."""
    return _object(__format__=_fail)


@value()
def repr_returns_a_number() -> Any:
    """An object whose `__repr__` returns a number."""
    return _object(__repr__=lambda self: 42)


@value()
def str_returns_none() -> Any:
    """An object whose `__str__` returns None."""
    return _object(__str__=lambda self: None)


@value()
def repr_recurses() -> Any:
    """An object whose `__repr__` calls itself."""
    return _object(__repr__=repr)


@value()
def repr_of_5_megabytes() -> Any:
    """An object whose `__repr__` is 5 MB long."""
    return _object(__repr__=lambda self: "x" * 5_000_000)


@value()
def repr_with_line_breaks() -> Any:
    """An object whose `__repr__` has line breaks and a lone surrogate."""
    return _object(__repr__=lambda self: "a\r\nb\u2028c\ud800")


@value()
def repr_exits() -> Any:
    """An object whose `__repr__` raises SystemExit, as a careless library does."""
    return _object(__repr__=lambda self: sys.exit(3))


@call(BESIDE, lines=2)
def repr_logs(log: Log) -> None:
    """An object whose `__repr__` logs a line of its own; both lines arrive."""

    class Chatty:
        def __repr__(self) -> str:
            log.info("inner", beside=BESIDE)
            return "chatty"

        __str__ = __repr__

    log.info("outer %s", Chatty(), beside=BESIDE)


@value()
def getattr_answers_everything() -> Any:
    """An object that has every attribute, each callable and returning another such object."""

    class Everything:
        def __getattr__(self, name: str) -> Any:
            return Everything()

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return Everything()

    return Everything()


@value()
def getattribute_raises() -> Any:
    """An object that refuses every look at it."""
    return _object(__getattribute__=_fail)


@value()
def class_raises() -> Any:
    """An object whose `__class__` raises."""
    return _object(__class__=property(_fail))


@value()
def class_lies() -> Any:
    """An object that says it is a dict and a str."""
    return [_object(__class__=property(lambda self: dict)), _object(__class__=property(lambda self: str))]


@value()
def class_lies_about_a_dataclass() -> Any:
    """An object that looks like a dataclass, a named tuple and a pydantic model, and is none."""
    return _object(
        __dataclass_fields__=property(_fail),
        _fields=property(_fail),
        model_dump=_fail,
        dict=_fail,
        to_dict=_fail,
        __json__=_fail,
        _asdict=_fail,
    )


@value()
def dict_attribute_raises() -> Any:
    """An object whose `__dict__` raises."""
    return _object(__dict__=property(_fail))


@value()
def eq_raises() -> Any:
    """An object that cannot be compared."""
    return _object(__eq__=_fail, __hash__=object.__hash__)


@value()
def hash_raises() -> Any:
    """An object that cannot be hashed."""
    return _object(__hash__=_fail)


@value()
def bool_raises() -> Any:
    """A scalar without truth, as of an array library."""
    return _object(__bool__=_fail, __len__=_fail)


@value()
def array_without_truth() -> Any:
    """An array whose comparison is another array that has no truth."""

    class Array:
        def __eq__(self, other: object) -> Any:
            return Array()

        __ne__ = __eq__
        __hash__ = None  # type: ignore[assignment]

        def __bool__(self) -> bool:
            raise ValueError("the truth value of an array is ambiguous")

        def tolist(self) -> Any:
            return [1.0, float("nan")]

        item = tolist

    return Array()


@value()
def numbers_protocol_raises() -> Any:
    """An object that claims to be a number and fails when asked which."""
    return _object(__int__=_fail, __float__=_fail, __index__=_fail, __bool__=_fail)


@value()
def iter_raises() -> Any:
    """An iterable that cannot be iterated."""
    return _object(__iter__=_fail, __getitem__=_fail, __len__=_fail)


@value()
def path_protocol_raises() -> Any:
    """An object that claims to be a path and fails when asked which."""
    return _object(__fspath__=_fail, __bytes__=_fail)


@value()
def magic_mock() -> Any:
    """A MagicMock, which supports every protocol."""
    return MagicMock()


@value()
def magic_mock_of_a_dictionary() -> Any:
    """A mock that passes for a dictionary and one that passes for a list."""
    return [NonCallableMagicMock(spec=dict), NonCallableMagicMock(spec=list)]


@value()
def dead_proxy() -> Any:
    """A weak proxy whose object is gone."""

    class Gone:
        pass

    return weakref.proxy(Gone())


@value()
def metaclass_whose_repr_raises() -> Any:
    """A class whose own `__repr__` and name raise."""

    meta: Any = type("Meta", (type,), {"__repr__": _fail, "__name__": property(_fail)})
    return [meta("Odd", (), {}), meta("Odd", (), {})()]


@value()
def functions() -> Any:
    """A lambda, a partial, a bound method and a builtin."""
    return [lambda: 0, functools.partial(print, end=""), "x".join, len]


@value()
def modules_and_classes() -> Any:
    """A module, a class and a generic alias."""
    return [sys, dict, list[int]]


@value()
def open_things() -> Any:
    """A lock, a thread and a closed stream."""
    stream = io.StringIO()
    stream.close()
    return [threading.Lock(), threading.current_thread(), stream]


@value()
def frames_and_code() -> Any:
    """A frame, a code object and a traceback."""
    frame = inspect.currentframe()
    assert frame is not None
    return [frame, frame.f_code, types.TracebackType(None, frame, 0, 1)]


@value("inner-value")
def namespace() -> Any:
    """A SimpleNamespace; what is in it is visible."""
    return types.SimpleNamespace(inner="inner-value")


@value()
def object_inside_itself() -> Any:
    """A SimpleNamespace that contains itself."""
    space = types.SimpleNamespace()
    space.self = space
    return space


@value()
def slots_never_set() -> Any:
    """An object with slots that were never set."""
    return type("Slotted", (), {"__slots__": ("a", "b")})()


@value()
def property_that_raises() -> Any:
    """An object whose every property raises."""
    return _object(a=property(_fail), name=property(_fail), value=property(_fail))


@value()
def exception_as_value() -> Any:
    """Exceptions as values, one of them a group and one that cannot be shown."""
    mute = type("Mute", (Exception,), {"__str__": _fail, "__repr__": _fail})()
    return [ValueError("x"), ExceptionGroup("many", [KeyError("y")]), mute]


@value()
def setattr_on_read() -> Any:
    """An object that changes its class while it is shown."""

    class Other:
        __repr__ = _fail

    class Turncoat:
        def __repr__(self) -> str:
            self.__class__ = Other  # type: ignore[assignment]
            return "turncoat"

    return Turncoat()
