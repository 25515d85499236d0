"""
Turn any value into JSON values, whatever it is and whatever it does, and redact it on the way.

Rule 1: a value's own code (``__repr__``, ``items()``, ...) may raise, lie or
recurse; the siblings of such a value come out intact.
Rule 2: what comes out is a tree of exact ``dict``, ``list``, ``str``, ``int``,
``float``, ``bool`` and ``None`` within a `Budget`; what was cut says so.
Rule 3: nothing here knows what a secret is: `Rules` do, and every text and every
name passes them. Texts are cut far above the size a line shows, and not where a
secret could be cut in half.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import islice
from sys import modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from ..errors import type_name
from ..event import PAIR_NAMES, PAIR_VALUES, Json
from ..interrupts import let_pass
from .budget import DEFAULT_BUDGET, Budget, Room

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from _typeshed import DataclassInstance


T = TypeVar("T")


class Rules(Protocol):
    """What is asked of a redactor; `obskit.Redactor` is one."""

    needs_place: bool  #: whether `inside` is to be asked

    def inside(self, name: str, /) -> Rules:
        """Give the rules for what stands under a safe *name*."""

    def name(self, name: str, /) -> tuple[Any, str]:
        """Give the verdict on a name, None where it is innocent, and the name itself made safe."""

    def text(self, text: str, /) -> str:
        """Make a text safe."""

    def number(self, value: T, /) -> T | str:
        """Make a number safe."""

    def hidden(self, value: Any, verdict: Any, /) -> Any:
        """Give the marker for *value* under a secret name, or *value* where it may stay."""

    def paired(self, value: str, verdict: Any, /, *, is_loose: bool) -> Any:
        """Do the same for a text that only stands next to a secret name."""


class _EverythingIsOpen:
    """Rules under which nothing is a secret."""

    needs_place = False

    def inside(self, name: str, /) -> Rules:  # pragma: no cover - never asked
        return self

    def name(self, name: str, /) -> tuple[None, str]:
        return None, name

    def text(self, text: str, /) -> str:
        return text

    def number(self, value: T, /) -> T:
        return value

    def hidden(self, value: Any, verdict: Any, /) -> Any:  # pragma: no cover - no name has a verdict
        return value

    def paired(self, value: str, verdict: Any, /, *, is_loose: bool) -> Any:  # pragma: no cover
        return value


NO_RULES: Final = _EverythingIsOpen()

_INT64: Final = 1 << 63
#: Python refuses to print integers of more digits by default (CVE-2020-10735).
_MAX_INT_BITS: Final = 14_000


def plain(value: object, rules: Rules = NO_RULES, budget: Budget = DEFAULT_BUDGET) -> Json:
    """
    Turn *value* into JSON values that *rules* made safe; never raises, never changes *value*.

    Generators and other iterators are not consumed.

    >>> from datetime import timedelta
    >>> from pathlib import PurePath
    >>> plain({"when": timedelta(seconds=90), "path": PurePath("a/b"), 3: {1}})
    {'when': 90.0, 'path': 'a/b', '3': [1]}
    """
    return Conversion(rules, budget).value(value, 0)


def text_of(value: object) -> str:
    """Read anything as text without trusting its own ``__str__``."""
    return value if type(value) is str else str(plain(value))


class Conversion:
    """One conversion: counts its nodes and remembers the containers it is inside of."""

    __slots__ = ("_budget", "_nodes_left", "_open", "_reserved", "_room", "_rules", "failures")

    def __init__(self, rules: Rules, budget: Budget = DEFAULT_BUDGET) -> None:
        self.failures = 0  #: values that could not be read: their own code raised, or there was no stack left
        self._rules = rules
        self._budget = budget
        self._room = Room(budget)
        self._open: set[int] = set()
        self._nodes_left = budget.nodes
        #: Nodes kept back, one for each entry that is still to come in the containers around:
        #: a huge value does not take the place of its siblings.
        self._reserved = 0

    def value(self, value: object, depth: int = 0) -> Json:
        """Convert *value*, which stands *depth* containers deep; what cannot be read says so."""
        if self._nodes_left <= self._reserved:
            return "[cut: too many values]"
        self._nodes_left -= 1
        try:
            convert = _CONVERTERS.get(type(value))
            return self._foreign(value, depth) if convert is None else convert(self, value, depth)
        # A value's own code ran: SystemExit or RecursionError from a __repr__ is as
        # contained as any other error.
        except BaseException as error:
            let_pass(error)
            self.failures += 1
            return self.text(f"[unreadable {type_name(value)}: {type_name(error)}]")

    def text(self, text: str) -> str:
        """Make *text* safe, and cut it where it is longer than the budget."""
        piece, missing = self._room.take(text)
        return self._room.fitted(self._rules.text(piece), missing)

    def mapping(self, pairs: Sequence[tuple[object, object]], more: int, owner: object, depth: int) -> Json:
        """Convert the entries of *owner*; *more* is how many there are besides *pairs*."""
        if (refusal := self._refuse(owner, depth)) is not None:
            return refusal
        result: dict[str, Json] = {}
        is_pair = any(type(name) is str and name in PAIR_VALUES for name, _ in pairs)
        reserved = self._enter(owner, len(pairs))
        try:
            for name, item in pairs:
                self._reserved -= 1
                self._put(name, item, result, depth + 1, is_pair=is_pair)
        finally:
            self._leave(owner, reserved)
        if not PAIR_VALUES.isdisjoint(result):
            self._hide_named_value(pairs, result)
        if more > 0:
            result[_free_name("...", result)] = f"[+{more} more]"
        return result

    def sequence(self, items: Sequence[object], more: int, owner: object, depth: int) -> Json:
        """Convert the items of *owner*; *more* is how many there are besides *items*."""
        if (refusal := self._refuse(owner, depth)) is not None:
            return refusal
        result: list[Json] = []
        reserved = self._enter(owner, len(items))
        try:
            for item in items:
                self._reserved -= 1
                result.append(self.value(item, depth + 1))
        finally:
            self._leave(owner, reserved)
        if len(result) == 2 and more <= 0:
            self._hide_in_pair(result, is_loose=type(owner) is list)
        if more > 0:
            result.append(f"[+{more} more]")
        return result

    def _enter(self, owner: object, entries: int) -> int:
        """Remember that *owner* is being converted, and keep a node back for each of its entries."""
        reserved = self._reserved
        self._reserved += entries
        self._open.add(id(owner))
        return reserved

    def _leave(self, owner: object, reserved: int) -> None:
        self._open.discard(id(owner))
        self._reserved = reserved

    def _refuse(self, owner: object, depth: int) -> str | None:
        if id(owner) in self._open:
            return "[cycle]"
        if depth >= self._budget.depth:
            return self.text(f"[cut: {type_name(owner)} nested too deep]")
        return None

    def _put(self, name: object, item: object, result: dict[str, Json], depth: int, *, is_pair: bool) -> None:
        piece, missing = self._room.take(self._spelled(name))
        verdict, safe = self._rules.name(piece)
        if missing:  # the end would have told whether it is a secret
            safe, item = self._room.fitted(safe, missing), "[cut: its name is too long]"
        elif verdict is not None:
            if is_pair and safe in PAIR_NAMES:  # as in ``{"key": "colour", "value": "red"}``
                verdict = verdict._replace(doubtful=True)
            item = self._rules.hidden(item, verdict)
        rules = self._rules
        if rules.needs_place:
            self._rules = rules.inside(safe)
        try:
            result[_free_name(safe, result)] = self.value(item, depth)
        finally:
            self._rules = rules

    def _spelled(self, name: object) -> str:
        """Spell a name of any type; rules look at it afterwards."""
        if isinstance(name, str):
            return str.__str__(name)
        shown = Conversion(NO_RULES, self._budget).value(name, self._budget.depth - 1)
        return shown if isinstance(shown, str) else str(shown)

    def _hide_named_value(self, pairs: Sequence[tuple[object, object]], result: dict[str, Json]) -> None:
        """Treat ``{"name": "Authorization", "value": ...}`` like ``{"Authorization": ...}``."""
        for name, called in pairs:
            if type(name) is not str or name not in PAIR_NAMES or not isinstance(called, str):
                continue
            verdict, _ = self._rules.name(self._spelled(called))
            if verdict is not None:
                for value_name in PAIR_VALUES & result.keys():
                    result[value_name] = self._rules.hidden(result[value_name], verdict)

    def _hide_in_pair(self, pair: list[Json], *, is_loose: bool) -> None:
        """Treat ``("Authorization", "...")`` like a named value where it looks like one."""
        name, text = pair
        if isinstance(name, str) and isinstance(text, str):
            verdict, _ = self._rules.name(name)
            if verdict is not None:
                pair[1] = self._rules.paired(text, verdict, is_loose=is_loose)

    def _foreign(self, value: object, depth: int) -> Json:
        """Convert a value whose exact type is not in the table, by what its type descends from."""
        kind = type(value)
        if callable(dump := getattr(kind, "model_dump", None)):
            return self.value(dump(value), depth)
        if hasattr(kind, "__dataclass_fields__"):
            from dataclasses import fields  # loaded already by whoever made the class, and slow to load

            pairs = [
                (field.name, getattr(value, field.name, "[missing]"))
                for field in fields(cast("type[DataclassInstance]", kind))
            ]
            return self.mapping(pairs, 0, value, depth)
        if (specs := getattr(kind, "__attrs_attrs__", None)) is not None:
            pairs = [(spec.name, getattr(value, spec.name, "[missing]")) for spec in specs]
            return self.mapping(pairs, 0, value, depth)
        if (names := getattr(kind, "_fields", None)) is not None and issubclass(kind, tuple):
            parts = list(zip(names, cast("tuple[object, ...]", value), strict=False))
            return self.mapping(parts, 0, value, depth)
        for base, convert in _BY_BASE:
            if issubclass(kind, base):
                return convert(self, value, depth)
        for base in kind.__mro__:
            found = _BY_NAME.get((base.__module__, base.__qualname__))
            if found is not None and getattr(modules.get(base.__module__), base.__qualname__, None) is base:
                _CONVERTERS[base] = found
                return found(self, value, depth)
        return self.text(repr(value))


_Converter = Callable[[Conversion, Any, int], Json]


def _free_name(name: str, taken: Mapping[str, Json]) -> str:
    """Two names may become the same text (1 and "1"); the later one gets a number."""
    if name not in taken:
        return name
    number = 2
    while f"{name}#{number}" in taken:
        number += 1
    return f"{name}#{number}"


def _integer(walk: Conversion, value: int, depth: int) -> Json:
    bits = int.bit_length(value)
    if bits > _MAX_INT_BITS:
        return f"[int of {bits} bits]"
    safe = walk._rules.number(int.__int__(value))
    return safe if -_INT64 <= value < _INT64 else str(safe)


def _number(walk: Conversion, value: float, depth: int) -> Json:
    number = float.__float__(value)
    if number - number == 0.0:  # it is finite; `math` would be one more module to load
        return walk._rules.number(number)
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, "NaN")


def _string(walk: Conversion, value: str, depth: int) -> Json:
    return walk.text(str.__str__(value))


def _bytes(walk: Conversion, value: bytes, depth: int) -> Json:
    limit = walk._budget.text + 1
    return walk.text(bytes(memoryview(value).cast("B")[:limit]).decode("utf-8", "backslashreplace"))


def _dict(walk: Conversion, value: dict[object, object], depth: int) -> Json:
    # A copy, in one step of the interpreter: another thread may change the dict meanwhile.
    pairs = list(value.items())
    limit = walk._budget.items
    return walk.mapping(pairs[:limit], len(pairs) - limit, value, depth)


def _mapping(walk: Conversion, value: Mapping[object, object], depth: int) -> Json:
    """Read a mapping of any class: it may have no end, and its length is what it says."""
    limit = walk._budget.items
    pairs = list(islice(value.items(), limit + 1))
    more = max(1, len(value) - limit) if len(pairs) > limit else 0
    return walk.mapping(pairs[:limit], more, value, depth)


def _sequence(walk: Conversion, value: list[object], depth: int) -> Json:
    limit = walk._budget.items
    return walk.sequence(list(islice(value, limit)), len(value) - limit, value, depth)


def _set(walk: Conversion, value: set[object], depth: int) -> Json:
    """Sets have no order of their own: sorting by text makes equal sets equal lines."""
    items = sorted(islice(value, walk._budget.items), key=_sort_key)
    return walk.sequence(items, len(value) - walk._budget.items, value, depth)


def _sort_key(value: object) -> tuple[str, str]:
    kind = type(value)
    return (kind.__name__, str(value) if kind in (str, int, float, bool) else "")


def _moment(walk: Conversion, value: datetime, depth: int) -> Json:
    return value.isoformat()


def _duration(walk: Conversion, value: timedelta, depth: int) -> Json:
    return value.total_seconds()


def _as_text(walk: Conversion, value: object, depth: int) -> Json:
    return walk.text(str(value))


def _enum(walk: Conversion, value: Enum, depth: int) -> Json:
    return walk.value(value.value, depth)


def _exception(walk: Conversion, value: BaseException, depth: int) -> Json:
    text = str(value)
    return walk.text(f"{type_name(value)}: {text}" if text else type_name(value))


def _kind(walk: Conversion, value: type, depth: int) -> Json:
    return walk.text(f"{value.__module__}.{value.__qualname__}")


def _itself(walk: Conversion, value: bool | None, depth: int) -> Json:
    return value


#: What the standard types become; asked by exact type first.
_CONVERTERS: Final[dict[type, _Converter]] = {
    str: _string,
    int: _integer,
    float: _number,
    bool: _itself,
    type(None): _itself,
    dict: _dict,
    list: _sequence,
    tuple: _sequence,
    set: _set,
    frozenset: _set,
    deque: _sequence,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
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
    (BaseException, _exception),
    (dict, _dict),
    (Mapping, _mapping),
    (list, _sequence),
    (tuple, _sequence),
    (deque, _sequence),
    (set, _set),
    (frozenset, _set),
    (type, _kind),
)

#: The same for types of modules that this one does not load: they take as long as the rest of the
#: import together, and where there is such a value its module is there. Found once, they join `_CONVERTERS`.
_BY_NAME: Final[dict[tuple[str, str], _Converter]] = {
    ("datetime", "datetime"): _moment,
    ("datetime", "date"): _moment,
    ("datetime", "time"): _moment,
    ("datetime", "timedelta"): _duration,
    ("decimal", "Decimal"): _as_text,
    ("uuid", "UUID"): _as_text,
    ("pathlib", "PurePath"): _as_text,
    ("pathlib._local", "PurePath"): _as_text,  # CPython 3.13
}
