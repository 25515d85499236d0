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
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from ..errors import type_name
from ..event import NOTHING_AROUND, Around, Json
from ..interrupts import let_pass
from .budget import DEFAULT_BUDGET, Budget, Room

T = TypeVar("T")

_INT64: Final = 1 << 63
#: Python refuses to print integers of more digits by default (CVE-2020-10735).
_MAX_INT_BITS: Final = 14_000
#: So much at the end of a name tells what it names; longer ones share the room for texts.
_LONGEST_NAME: Final = 256


class Rules(Protocol):
    """What is asked of a redactor, and the answers of one to which nothing is a secret."""

    needs_place: bool = False  #: whether `inside` is to be asked

    def inside(self, name: str, /) -> Rules:
        """Give the rules for what stands under a safe *name*."""
        return self  # pragma: no cover - never asked

    def name(self, name: str, around: Around = NOTHING_AROUND, /) -> tuple[Any, str]:
        """
        Give the verdict on a name, None where it is innocent, and the name itself made safe.

        Args:
            around: The container that it is a name in.
        """
        return None, name

    def text(self, text: str, /) -> str:
        """Make a text safe."""
        return text

    def number(self, value: T, /) -> T | str:
        """Make a number safe."""
        return value

    def hidden(self, value: Any, verdict: Any, /) -> Any:
        """Give the marker for *value* under a secret name, or *value* where it may stay."""
        return value  # pragma: no cover - no name has a verdict

    def paired(self, name: str, value: str, /, *, is_loose: bool) -> str:
        """Make *value* safe, which stands next to what may be its name; *is_loose* if it need not be."""
        return value


class _NoRules(Rules):
    """Rules under which nothing is a secret."""


NO_RULES: Final = _NoRules()


def plain(value: object, rules: Rules = NO_RULES, budget: Budget = DEFAULT_BUDGET) -> Json:
    """
    Turn *value* into JSON values that *rules* made safe; never raises, never changes *value*.

    Generators and other iterators are not consumed.

    >>> from datetime import timedelta
    >>> from pathlib import PurePath
    >>> plain({"when": timedelta(seconds=90), "path": PurePath("a/b"), 3: {1}})
    {'when': 90.0, 'path': 'a/b', '3': [1]}
    """
    return Conversion(rules, budget).value(value)


def text_of(value: object) -> str:
    """Read anything as text without trusting its own ``__str__``."""
    return value if type(value) is str else str(plain(value))


class _Container(NamedTuple):
    """A container that was read: what it becomes, and the entries that are still to be converted."""

    owner: object
    result: Any  #: an empty list or dict
    entries: Sequence[Any]
    more: int  #: entries besides these, which are left out
    path: tuple[int, ...]  #: the identities of the containers it is inside of, and its own
    rules: Rules


class Conversion:
    """
    One conversion, container by container: those of one level before what is inside of them.

    So a huge value does not take the place of its siblings, and depth takes no stack.
    """

    __slots__ = ("_budget", "_nodes_left", "_path", "_room", "_rules", "_waiting", "failures", "limit")

    def __init__(self, rules: Rules, budget: Budget = DEFAULT_BUDGET) -> None:
        self.failures = 0  #: values that could not be read, since their own code raised
        self._rules = rules
        self._budget = budget
        self._room = Room(budget)
        self._nodes_left = budget.nodes
        self.limit = min(budget.items, budget.nodes)  #: entries of the next container that there is room for
        self._path: tuple[int, ...] = ()
        self._waiting: list[_Container] = []

    def value(self, value: object) -> Json:
        """Convert *value* and what is inside of it; what cannot be read says so."""
        result = self.part(value)
        for container in self._waiting:  # which grows meanwhile
            self._path, self._rules = container.path, container.rules
            self._fill(container)
        return result

    def part(self, value: object) -> Json:
        """Convert one value; a container stays empty until its turn comes."""
        try:
            if type(value) is str:
                return self.text(value)
            convert = _CONVERTERS.get(type(value))
            return self._foreign(value) if convert is None else convert(self, value)
        # A value's own code ran: SystemExit or RecursionError from a __repr__ is as
        # contained as any other error.
        except BaseException as error:
            let_pass(error)
            self.failures += 1
            return self.text(f"[unreadable {type_name(value)}: {type_name(error)}]")

    def text(self, text: str) -> str:
        """Make *text* safe, and cut it where it is longer than the budget."""
        return self._room.fit(text, self._rules.text)

    def container(self, owner: object, result: Json, entries: Sequence[object], more: int = 0) -> Json:
        """Give *result*, which the *entries* of *owner* will fill; *more* is how many are left out."""
        if id(owner) in self._path:
            return "[cycle]"
        if len(self._path) >= self._budget.depth:
            return self.text(f"[cut: {type_name(owner)} nested too deep]")
        self._nodes_left -= len(entries)
        self.limit = max(0, min(self.limit, self._nodes_left))
        path = (*self._path, id(owner))
        self._waiting.append(_Container(owner, result, entries, more, path, self._rules))
        return result

    def _fill(self, container: _Container) -> None:
        result: dict[str, Json] | list[Json] = container.result
        note = f"[+{container.more} more]" if container.more > 0 else ""
        try:
            if isinstance(result, dict):
                self._fill_dict(result, container)
            else:
                self._fill_list(result, container)
        except BaseException as error:  # there was no stack left
            let_pass(error)
            self.failures += 1
            result.clear()
            note = f"[unreadable: {type_name(error)}]"
        if note:
            if isinstance(result, dict):
                result[_free_name("...", result)] = note
            else:
                result.append(note)

    def _fill_dict(self, result: dict[str, Json], container: _Container) -> None:
        rules, around = container.rules, Around(container.entries)
        for name, item in container.entries:
            text = name if type(name) is str else self._spelled(name)
            verdict, safe = rules.name(text[-_LONGEST_NAME:], around)
            if len(text) > _LONGEST_NAME:
                safe = self._room.fit(text, rules.text)
            if rules.needs_place:
                self._rules = rules.inside(safe)
            value = self.part(item if verdict is None else self._rules.hidden(item, verdict))
            result[_free_name(safe, result)] = value

    def _fill_list(self, result: list[Json], container: _Container) -> None:
        result += map(self.part, container.entries)
        if len(result) == 2 and type(result[0]) is str and type(result[1]) is str:
            is_loose = type(container.owner) is list  # in which two texts need not be a pair
            result[1] = self._rules.paired(result[0], result[1], is_loose=is_loose)

    def _spelled(self, name: object) -> str:
        """Spell a name of any type; rules look at it afterwards."""
        if isinstance(name, str):
            return str.__str__(name)
        return str(Conversion(NO_RULES, self._budget._replace(depth=1)).value(name))

    def _foreign(self, value: object) -> Json:
        """Convert a value whose exact type is not in the table, by what its type descends from."""
        kind = type(value)
        if callable(dump := getattr(kind, "model_dump", None)):
            return self.part(dump(value))
        if (names := _field_names(kind)) is not None:
            limit = self.limit
            fields = [(name, getattr(value, name, "[missing]")) for name in names[:limit]]
            return self.container(value, {}, fields, len(names) - limit)
        for base, convert in _BY_BASE:
            if issubclass(kind, base):
                return convert(self, value)
        for base in kind.__mro__:
            found = _BY_NAME.get((base.__module__, base.__qualname__))
            if found is not None and getattr(modules.get(base.__module__), base.__qualname__, None) is base:
                _CONVERTERS[base] = found
                return found(self, value)
        return self.text(repr(value))


def _field_names(kind: Any) -> Sequence[str] | None:
    """List the fields of a dataclass, a class of attrs or a named tuple; None for what is none of them."""
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields  # loaded already by whoever made the class, and slow to load

        return [field.name for field in fields(kind)]
    if (specs := getattr(kind, "__attrs_attrs__", None)) is not None:
        return [spec.name for spec in specs]
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


_Converter = Callable[[Conversion, Any], Json]


def _free_name(name: str, taken: Mapping[str, Json]) -> str:
    """Two names may become the same text (1 and "1"); the later one gets a number."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}#{number}", number + 1
    return free


def _integer(walk: Conversion, value: int) -> Json:
    bits = int.bit_length(value)
    if bits > _MAX_INT_BITS:
        return f"[int of {bits} bits]"
    safe = walk._rules.number(int.__int__(value))
    return safe if -_INT64 <= value < _INT64 else str(safe)


def _number(walk: Conversion, value: float) -> Json:
    number = float.__float__(value)
    if number - number == 0.0:  # it is finite; `math` would be one more module to load
        return walk._rules.number(number)
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, "NaN")


def _bytes(walk: Conversion, value: bytes) -> Json:
    limit = walk._budget.text + 1
    return walk.text(bytes(memoryview(value).cast("B")[:limit]).decode("utf-8", "backslashreplace"))


def _dict(walk: Conversion, value: dict[object, object]) -> Json:
    limit = walk.limit
    # A copy, in one step of the interpreter: another thread may change the dict meanwhile.
    pairs = list(value.items()) if limit else []
    more = (len(pairs) if limit else len(value)) - limit
    return walk.container(value, {}, pairs[:limit] if more > 0 else pairs, more)


def _mapping(walk: Conversion, value: Mapping[object, object]) -> Json:
    """Read a mapping of any class: it may have no end, and its length and its items are what it says."""
    limit = walk.limit
    pairs = [(name, item) for name, item in list(islice(value.items(), limit + 1))]
    more = max(1, len(value) - limit) if len(pairs) > limit else 0
    return walk.container(value, {}, pairs[:limit], more)


def _sequence(walk: Conversion, value: Sequence[object]) -> Json:
    limit = walk.limit
    return walk.container(value, [], list(islice(value, limit)), len(value) - limit)


def _set(walk: Conversion, value: set[object]) -> Json:
    """Sets have no order of their own: sorting by text makes equal sets equal lines."""
    limit = walk.limit
    return walk.container(value, [], sorted(islice(value, limit), key=_sort_key), len(value) - limit)


def _sort_key(value: object) -> tuple[str, str]:
    kind = type(value)
    return (kind.__name__, str(value) if kind in (str, int, float, bool) else "")


def _exception(walk: Conversion, value: BaseException) -> Json:
    text = str(value)
    return walk.text(f"{type_name(value)}: {text}" if text else type_name(value))


#: What the standard types become, and those that descend from them, in this order.
_BY_BASE: Final[tuple[tuple[type, _Converter], ...]] = (
    (Enum, lambda walk, value: walk.part(value.value)),
    (str, lambda walk, value: walk.text(str.__str__(value))),
    (int, _integer),
    (float, _number),
    (bytes, _bytes),
    (bytearray, _bytes),
    (BaseException, _exception),
    (Mapping, _mapping),
    (list, _sequence),
    (tuple, _sequence),
    (deque, _sequence),
    (set, _set),
    (frozenset, _set),
    (type, lambda walk, value: walk.text(f"{value.__module__}.{value.__qualname__}")),
)

#: The exact type is asked first.
_CONVERTERS: Final[dict[type, _Converter]] = {
    **dict(_BY_BASE),
    bool: lambda walk, value: value,
    type(None): lambda walk, value: value,
    dict: _dict,
    memoryview: _bytes,
    MappingProxyType: _mapping,
}

#: The same for types of modules that this one does not load: they take as long as the rest of the
#: import together, and where there is such a value its module is there. Found once, they join `_CONVERTERS`.
_BY_NAME: Final[dict[tuple[str, str], _Converter]] = {
    ("datetime", "datetime"): lambda walk, value: value.isoformat(),
    ("datetime", "date"): lambda walk, value: value.isoformat(),
    ("datetime", "time"): lambda walk, value: value.isoformat(),
    ("datetime", "timedelta"): lambda walk, value: value.total_seconds(),
    ("decimal", "Decimal"): lambda walk, value: walk.text(str(value)),
    ("uuid", "UUID"): lambda walk, value: walk.text(str(value)),
    ("pathlib", "PurePath"): lambda walk, value: walk.text(str(value)),
    ("pathlib._local", "PurePath"): lambda walk, value: walk.text(str(value)),  # CPython 3.13
}
