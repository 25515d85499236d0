"""Numbers that JSON cannot say, and the types of the standard library that turn up in logs."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import types
import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple

from faultcard.calls.model import Calls

CALLS = Calls()
value = CALLS.value


@value()
def nan() -> Any:
    """A float that is not a number."""
    return float("nan")


@value()
def infinity() -> Any:
    """A float without bound."""
    return float("inf")


@value()
def infinity_below_zero() -> Any:
    """A float without bound below zero."""
    return float("-inf")


@value()
def nan_inside() -> Any:
    """NaN deep inside lists and dictionaries."""
    return {"a": [{"b": (1.5, float("nan"))}]}


@value("340282366920938463463374607431768211456")
def integer_of_129_bits() -> Any:
    """An integer beyond 64 bits; all digits are visible."""
    return 2**128


@value()
def integer_of_5000_digits() -> Any:
    """An integer that Python itself refuses to print."""
    return 10**5000


@value()
def integer_below_zero_of_5000_digits() -> Any:
    """A negative integer that Python itself refuses to print, inside a list."""
    return [-(10**5000)]


@value("3.1415926535897932384626433")
def decimal_digits() -> Any:
    """A Decimal with more digits than a float holds; all are visible."""
    return decimal.Decimal("3.1415926535897932384626433")


@value()
def decimal_nan() -> Any:
    """A Decimal that is a signalling NaN."""
    return decimal.Decimal("sNaN")


@value()
def decimal_of_huge_exponent() -> Any:
    """A Decimal of a billion digits, if it were written out."""
    return decimal.Decimal("1E+999999999")


@value()
def fraction() -> Any:
    """A Fraction."""
    return fractions.Fraction(1, 3)


@value()
def complex_number() -> Any:
    """A complex number with a NaN part."""
    return complex(1, float("nan"))


@value("12345")
def int_whose_str_raises() -> Any:
    """A subclass of int whose text methods raise; the number is visible."""

    class Count(int):
        def __repr__(self) -> str:
            raise ValueError("no repr")

        __str__ = __repr__

    return Count(12345)


@value("2.5")
def float_whose_repr_raises() -> Any:
    """A subclass of float whose text methods raise; the number is visible."""

    class Ratio(float):
        __slots__ = ()

        def __repr__(self) -> str:
            raise ValueError("no repr")

        __str__ = __repr__

    return Ratio(2.5)


@value("red-in-colour")
def enum_member() -> Any:
    """A member of an Enum; its value is visible."""

    class Colour(enum.Enum):
        RED = "red-in-colour"

    return Colour.RED


@value()
def enum_of_a_cycle() -> Any:
    """A member of an Enum whose value contains itself."""
    loop: list[Any] = []
    loop.append(loop)

    class Loop(enum.Enum):
        ROUND = loop

    return Loop.ROUND


@value("7")
def int_enum_whose_str_raises() -> Any:
    """An IntEnum whose text methods raise; the number is visible."""

    class Code(enum.IntEnum):
        SEVEN = 7

        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = __str__

    return Code.SEVEN


@value()
def flags() -> Any:
    """A combination of flags that has no name."""

    class Access(enum.Flag):
        READ = 1
        WRITE = 2

    return Access.READ | Access.WRITE


@value("12345678-1234-5678-1234-567812345678")
def a_uuid() -> Any:
    """A UUID; its usual form is visible."""
    return uuid.UUID("12345678-1234-5678-1234-567812345678")


@value("2026-01-02")
def datetime_without_zone() -> Any:
    """A naive dt."""
    return dt.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - the point of it


@value("2026-01-02")
def datetime_whose_zone_raises() -> Any:
    """A datetime with a time zone that fails; the date is visible."""

    class Broken(dt.tzinfo):
        def utcoffset(self, when: Any) -> Any:
            raise OSError("no zone data")

        dst = tzname = utcoffset

    return [dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, tzinfo=Broken())]


@value("0001-01-01")
def earliest_datetime() -> Any:
    """The first moment that Python knows, in a zone that puts it before year one."""
    return dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14)))


@value()
def date_time_and_duration() -> Any:
    """A date, a time and a duration in one list."""
    return [dt.date(2026, 1, 2), dt.time(3, 4), dt.timedelta.max]


@value("some/where")
def path() -> Any:
    """A path."""
    return pathlib.PurePosixPath("some/where")


@value()
def path_not_utf8() -> Any:
    """A path with a byte that is no UTF-8, as Linux allows."""
    return pathlib.PurePosixPath(b"caf\xe9".decode("utf-8", "surrogateescape"))


@value("plain-bytes")
def bytes_of_ascii() -> Any:
    """Bytes that are text; the text is visible."""
    return b"plain-bytes"


@value()
def bytes_of_all_kinds() -> Any:
    """All 256 bytes, in bytes, bytearray and memoryview."""
    everything = bytes(range(256))
    return [everything, bytearray(everything), memoryview(everything)]


@value("alpha")
def set_of_text() -> Any:
    """A set."""
    return {"alpha"}


@value("alpha")
def set_that_cannot_be_sorted() -> Any:
    """A set of values that have no order among them, a set among those."""
    return {1, "alpha", None, 2.5, b"x", frozenset({(1, "y")})}


@value("alpha")
def deque() -> Any:
    """A deque and an array."""
    return [collections.deque(["alpha"]), array.array("d", [1.0, float("nan")])]


class _Point(NamedTuple):
    x: Any
    y: Any


@value("north")
def named_tuple() -> Any:
    """A named tuple with a NaN."""
    return _Point("north", float("nan"))


@dataclass
class _Order:
    sku: str
    parent: Any = None


@value("part-77")
def a_dataclass() -> Any:
    """A dataclass; its value is visible."""
    return _Order("part-77")


@value()
def dataclass_inside_itself() -> Any:
    """A dataclass whose field is the dataclass itself."""
    order = _Order("part-77")
    order.parent = order
    return order


@value()
def dataclass_without_its_fields() -> Any:
    """A dataclass that was never initialised."""
    return object.__new__(_Order)


@value("inner-value")
def mapping_proxy() -> Any:
    """A read-only view of a dictionary; what is in it is visible."""
    return types.MappingProxyType({"inner": "inner-value"})


@value("inner-value")
def chain_of_maps() -> Any:
    """Mappings that are no dictionaries: a ChainMap over a UserDict."""
    return collections.ChainMap({}, collections.UserDict({"inner": "inner-value"}))
