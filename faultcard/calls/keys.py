"""Keys that are no text, keys that become the same text, and fields that bear a name of the logger's own."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Callable
from typing import Any

from faultcard.calls.model import BESIDE, Calls
from faultcard.contenders import Log

CALLS = Calls()
call, value = CALLS.call, CALLS.value


@value("one", "yes")
def keys_that_collide() -> Any:
    """The keys 1 and "1"; both values are visible."""
    return {1: "one", "1": "yes"}


@value("yes", "no")
def keys_that_collide_in_json() -> Any:
    """The keys None, True and their JSON names; all values are visible."""
    return {None: "nothing", "null": "word", True: "yes", "true": "no"}


@value("first", "second")
def keys_of_equal_text() -> Any:
    """Two keys whose text is equal; both values are visible."""

    class Key:
        def __str__(self) -> str:
            return "same"

        __repr__ = __str__

    return {Key(): "first", Key(): "second"}


@value("held")
def key_nan() -> Any:
    """NaN as a key."""
    return {float("nan"): "held"}


@value("held")
def key_tuple() -> Any:
    """A tuple as a key."""
    return {("a", 1): "held"}


@value("held")
def key_bytes() -> Any:
    """Bytes that are no UTF-8 as a key."""
    return {b"\xff\xfe": "held"}


@value("held")
def key_enum() -> Any:
    """A member of an Enum as a key."""

    class Colour(enum.Enum):
        RED = 1

    return {Colour.RED: "held"}


@value("held")
def key_uuid_and_date() -> Any:
    """A UUID and a date as keys."""
    return {uuid.UUID(int=1): "held", dt.date(2026, 1, 2): "held"}


@value("held")
def key_frozen_set() -> Any:
    """A frozen set and a huge integer as keys."""
    return {frozenset({1}): "held", 10**5000: "held"}


@value("held")
def key_whose_str_raises() -> Any:
    """A key that cannot be turned into text."""

    class Mute:
        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = __str__

    return {Mute(): "held"}


@value("held")
def key_whose_hash_raises_later() -> Any:
    """A key that could be hashed when it was put in and cannot any more."""

    class Fickle:
        fixed = 1

        def __hash__(self) -> int:
            return Fickle.fixed

    inside = {Fickle(): "held"}
    Fickle.fixed = None  # type: ignore[assignment]
    return inside


@value("held")
def key_with_surrogate() -> Any:
    """A lone surrogate in a key."""
    return {"half \udc80": "held"}


@value("held")
def key_with_line_break() -> Any:
    """A key with a line break, a quote and a NUL."""
    return {'a\n"b\x00': "held"}


@value("held")
def key_empty() -> Any:
    """An empty key."""
    return {"": "held"}


@value()
def key_of_a_megabyte() -> Any:
    """A key of a megabyte."""
    return {"k" * 1_000_000: "held"}


@value("held")
def key_of_a_str_subclass() -> Any:
    """A key of a subclass of str whose methods raise."""

    class Label(str):
        __slots__ = ()

        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = encode = __str__  # type: ignore[assignment]

    return {Label("label"): "held"}


@call("nested-one", "dotted-two")
def field_with_a_dot(log: Log) -> None:
    """A nested field and another whose name spells the way to it; both are visible."""
    log.info("call", a={"b": "nested-one"}, **{"a.b": "dotted-two"})


@call("held")
def field_with_odd_name(log: Log) -> None:
    """A field name with a space, a line break, a quote and a lone surrogate."""
    log.info("call", **{'odd name\n"\udc80': "held"})


@call("held")
def field_with_empty_name(log: Log) -> None:
    """A field whose name is empty."""
    log.info("call", **{"": "held"})


@call(BESIDE)
def field_with_name_of_a_megabyte(log: Log) -> None:
    """A field whose name is a megabyte long."""
    log.info("call", beside=BESIDE, **{"k" * 1_000_000: 1})


def _field_named(name: str) -> Callable[[Log], None]:
    def run(log: Log) -> None:
        log.info("call", **{name: "users-own-value"}, beside=BESIDE)

    run.__name__ = f"field_named_{name}"
    run.__doc__ = f"A field called `{name}`; message and level stay what they were, and the value is visible."
    return run


for _name in (
    "message",
    "msg",
    "event",
    "level",
    "levelname",
    "severity",
    "timestamp",
    "time",
    "ts",
    "name",
    "logger",
    "service",
    "args",
    "module",
    "function",
    "fn",
    "lineno",
    "location",
    "error",
    "stack",
    "exception",
    "extra",
    "record",
    "text",
    "self",
    "process",
    "thread",
):
    call("users-own-value", BESIDE, message="call")(_field_named(_name))


@call(BESIDE, message="call")
def field_level_of_a_bound_logger(log: Log) -> None:
    """A bound field called `level`, which must not change the line's level."""
    log.bind(level="forged").info("call", beside=BESIDE)
