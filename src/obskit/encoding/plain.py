"""
Turn any value into JSON values, whatever it is and whatever it does.

Rule 1: a value's own code (``__repr__``, ``items()``, ...) may raise, lie or
recurse; the siblings of such a value come out intact.
Rule 2: what comes out is a tree of exact ``dict``, ``list``, ``str``, ``int``,
``float``, ``bool`` and ``None`` within a `Budget`; what was cut says so.
Rule 3: nothing here knows what a secret is. Strings are cut far above the size
a line shows, so that the redactor still sees a secret whole.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from types import MappingProxyType
from typing import Final, cast
from uuid import UUID

from ..event import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How large a tree may become before parts of it are cut."""

    depth: int = 16  #: containers inside containers
    items: int = 1_000  #: entries of one container
    nodes: int = 10_000  #: values in the whole tree
    text: int = 300_000  #: characters of one string


DEFAULT_BUDGET: Final = Budget()

_JSON_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_INT64: Final = 1 << 63
#: Python refuses to print integers of more digits by default (CVE-2020-10735).
_MAX_INT_BITS: Final = 14_000


def plain(value: object, budget: Budget = DEFAULT_BUDGET) -> Json:
    """
    Turn *value* into JSON values; never raises, never changes *value*.

    Generators and other iterators are not consumed.

    >>> plain({"when": timedelta(seconds=90), "path": PurePath("a/b"), 3: {1}})
    {'when': 90.0, 'path': 'a/b', '3': [1]}
    """
    return _Walk(budget).value(value, 0)


class _Walk:
    """One conversion: counts its nodes and remembers the containers it is inside of."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, value: object, depth: int) -> Json:
        self._nodes += 1
        if self._nodes > self._budget.nodes:
            return "[cut: too many values]"
        convert = _CONVERTERS.get(type(value))
        try:
            if convert is not None:
                return convert(self, value, depth)
            return self._foreign(value, depth)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        # A value's own code ran: SystemExit or RecursionError from a __repr__ is as
        # contained as any other error.
        except BaseException as error:
            return f"[unreadable {_type_name(value)}: {_type_name(error)}]"

    def text(self, text: str) -> str:
        limit = self._budget.text
        return text if len(text) <= limit else f"{text[:limit]}[+{len(text) - limit} characters]"

    def mapping(self, pairs: Iterable[tuple[object, object]], size: int, owner: object, depth: int) -> Json:
        def fill() -> dict[str, Json]:
            result: dict[str, Json] = {}
            for key, item in islice(pairs, self._budget.items):
                result[self._free_name(self._key(key), result)] = self.value(item, depth + 1)
            if size > self._budget.items:
                result[self._free_name("...", result)] = f"[+{size - self._budget.items} more]"
            return result

        return self._inside(owner, depth, fill)

    def sequence(self, items: Iterable[object], size: int, owner: object, depth: int) -> Json:
        def fill() -> list[Json]:
            result = [self.value(item, depth + 1) for item in islice(items, self._budget.items)]
            if size > self._budget.items:
                result.append(f"[+{size - self._budget.items} more]")
            return result

        return self._inside(owner, depth, fill)

    def _inside(self, owner: object, depth: int, fill: Callable[[], Json]) -> Json:
        """Run *fill* unless *owner* is being filled already or lies too deep."""
        if id(owner) in self._open:
            return "[cycle]"
        if depth >= self._budget.depth:
            return f"[cut: {_type_name(owner)} nested too deep]"
        self._open.add(id(owner))
        try:
            return fill()
        finally:
            self._open.discard(id(owner))

    def _key(self, key: object) -> str:
        if type(key) is str:
            return self.text(key)
        converted = self.value(key, self._budget.depth - 1)
        return converted if isinstance(converted, str) else str(converted)

    @staticmethod
    def _free_name(name: str, taken: Mapping[str, Json]) -> str:
        """Two keys may become the same text (1 and "1"); the later one gets a number."""
        if name not in taken:
            return name
        return next(
            candidate
            for candidate in (f"{name}#{number}" for number in range(2, len(taken) + 3))
            if candidate not in taken
        )

    def _foreign(self, value: object, depth: int) -> Json:
        """Convert a value whose exact type is not in the table, by what its type descends from."""
        kind = type(value)
        if (shown := getattr(kind, "model_dump", None)) is not None and callable(shown):
            return self.value(shown(value), depth)
        if is_dataclass(kind):
            pairs = ((field.name, _attribute(value, field.name)) for field in fields(kind))
            return self.mapping(pairs, 0, value, depth)
        if (specs := getattr(kind, "__attrs_attrs__", None)) is not None:
            pairs = ((spec.name, _attribute(value, spec.name)) for spec in specs)
            return self.mapping(pairs, 0, value, depth)
        if (names := getattr(kind, "_fields", None)) is not None and issubclass(kind, tuple):
            parts = zip(names, cast("tuple[object, ...]", value), strict=False)
            return self.mapping(parts, 0, value, depth)
        for base, convert in _BY_BASE:
            if issubclass(kind, base):
                return convert(self, value, depth)
        return self.text(repr(value))


_Converter = Callable[[_Walk, "object", int], Json]


def _attribute(value: object, name: str) -> object:
    return getattr(value, name, "[missing]")


def _type_name(value: object) -> str:
    return type(value).__name__


def _integer(walk: _Walk, value: object, depth: int) -> Json:
    number = int.__int__(cast("int", value))
    if -_INT64 <= number < _INT64:
        return number
    bits = number.bit_length()
    return str(number) if bits <= _MAX_INT_BITS else f"[int of {bits} bits]"


def _number(walk: _Walk, value: object, depth: int) -> Json:
    number = float.__float__(cast("float", value))
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _string(walk: _Walk, value: object, depth: int) -> Json:
    return walk.text(str.__str__(cast("str", value)))


def _bytes(walk: _Walk, value: object, depth: int) -> Json:
    view = memoryview(cast("bytes", value)).cast("B")
    return walk.text(bytes(view[: walk._budget.text + 1]).decode("utf-8", "backslashreplace"))


def _mapping(walk: _Walk, value: object, depth: int) -> Json:
    pairs = list(islice(cast("Mapping[object, object]", value).items(), walk._budget.items))
    return walk.mapping(pairs, len(cast("Mapping[object, object]", value)), value, depth)


def _sequence(walk: _Walk, value: object, depth: int) -> Json:
    items = cast("list[object]", value)
    return walk.sequence(list(islice(items, walk._budget.items)), len(items), value, depth)


def _set(walk: _Walk, value: object, depth: int) -> Json:
    """Sets have no order of their own: sorting by text makes equal sets equal lines."""
    items = sorted(islice(cast("set[object]", value), walk._budget.items), key=_sort_key)
    return walk.sequence(items, len(cast("set[object]", value)), value, depth)


def _sort_key(value: object) -> tuple[str, str]:
    kind = type(value)
    return (kind.__name__, str(value) if kind in _JSON_SCALARS else "")


def _moment(walk: _Walk, value: object, depth: int) -> Json:
    return cast("datetime", value).isoformat()


def _duration(walk: _Walk, value: object, depth: int) -> Json:
    return cast("timedelta", value).total_seconds()


def _as_text(walk: _Walk, value: object, depth: int) -> Json:
    return walk.text(str(value))


def _enum(walk: _Walk, value: object, depth: int) -> Json:
    return walk.value(cast("Enum", value).value, depth)


def _exception(walk: _Walk, value: object, depth: int) -> Json:
    text = str(value)
    return walk.text(f"{_type_name(value)}: {text}" if text else _type_name(value))


def _kind(walk: _Walk, value: object, depth: int) -> Json:
    kind = cast("type", value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _itself(walk: _Walk, value: object, depth: int) -> Json:
    return cast("bool | None", value)


#: What the standard types become; asked by exact type first.
_CONVERTERS: Final[dict[type, _Converter]] = {
    str: _string,
    int: _integer,
    float: _number,
    bool: _itself,
    type(None): _itself,
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
    set: _set,
    frozenset: _set,
    deque: _sequence,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    datetime: _moment,
    date: _moment,
    time: _moment,
    timedelta: _duration,
    Decimal: _as_text,
    UUID: _as_text,
    MappingProxyType: _mapping,
}

#: The same for types that descend from them, in this order.
_BY_BASE: Final[tuple[tuple[type, _Converter], ...]] = (
    (Enum, _enum),
    (str, _string),
    (int, _integer),
    (float, _number),
    (bytes, _bytes),
    (bytearray, _bytes),
    (datetime, _moment),
    (date, _moment),
    (time, _moment),
    (timedelta, _duration),
    (Decimal, _as_text),
    (UUID, _as_text),
    (PurePath, _as_text),
    (BaseException, _exception),
    (Mapping, _mapping),
    (list, _sequence),
    (tuple, _sequence),
    (deque, _sequence),
    (set, _set),
    (frozenset, _set),
    (type, _kind),
)
