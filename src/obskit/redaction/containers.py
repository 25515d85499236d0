"""
Know how each kind of container is read, and built again from other contents.

Reading may run the container's own code and so may raise. Building never runs
a constructor that a user wrote.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, Final, NamedTuple


class Kind(NamedTuple):
    """One way to be a container."""

    #: Lists at most so many entries: values, or (name, value) pairs of a named kind.
    read: Callable[[Any, int], list[Any]]
    #: Fills a shell, or makes an immutable one of the type of the first argument.
    build: Callable[[Any, Iterable[Any]], Any]
    #: Makes an empty one to be filled later, which lets cycles be rebuilt; None for immutable kinds.
    shell: Callable[[Any], Any] | None = None
    is_named: bool = False


def kind_of(value: object) -> Kind | None:
    """Say what kind of container *value* is; None for what is none. Asks the type, which cannot lie."""
    kind = type(value)
    return _EXACT[kind] if kind in _EXACT else _foreign(kind)


def _foreign(kind: type) -> Kind | None:
    """Judge a type that is not in the table by what it descends from."""
    if issubclass(kind, (str, bytes, bytearray, memoryview, range, BaseException, Iterator, type)):
        return None
    if any(hasattr(kind, mark) for mark in _RECORD_MARKS):
        return _RECORD
    if issubclass(kind, tuple):
        return _NAMED_TUPLE if type(getattr(kind, "_fields", None)) is tuple else _TUPLE
    return next((found for base, found in _BY_BASE if issubclass(kind, base)), None)


def _read_dict(source: dict[Any, Any], limit: int) -> list[tuple[Any, Any]]:
    return list(source.items())


def _read_mapping(source: Mapping[Any, Any], limit: int) -> list[tuple[Any, Any]]:
    return [(name, value) for name, value in islice(source.items(), limit)]


def _read_values(source: Iterable[Any], limit: int) -> list[Any]:
    return list(islice(source, limit))


def _read_named_tuple(source: Any, limit: int) -> list[tuple[Any, Any]]:
    return list(zip(type(source)._fields, tuple.__iter__(source), strict=True))


def _read_record(source: object, limit: int) -> list[tuple[str, Any]]:
    """List the stored attributes, those in slots too; properties are not asked."""
    state: Any = object.__getstate__(source)
    attributes, slots = state if type(state) is tuple else (state, None)
    return [*(slots or {}).items(), *(attributes or {}).items()]


def _record_shell(source: object) -> Any:
    try:
        return object.__new__(type(source))
    except TypeError:  # it descends from a built-in type that insists on its own constructor
        return {}


def _fill_record(shell: Any, entries: Iterable[tuple[str, Any]]) -> None:
    if type(shell) is dict:
        _fill_dict(shell, entries)
        return
    for name, value in entries:
        object.__setattr__(shell, name, value)


def _fill_dict(shell: dict[Any, Any], entries: Iterable[tuple[Any, Any]]) -> None:
    numbers: dict[Any, int] = {}
    for name, value in entries:
        free = name
        while free in shell:  # two names have become the same marker: the later one gets a number
            numbers[name] = number = numbers.get(name, 1) + 1
            free = f"{name}#{number}"
        shell[free] = value


def _make_named_tuple(source: Any, entries: Iterable[tuple[Any, Any]]) -> Any:
    return tuple.__new__(type(source), [value for _, value in entries])


_DICT: Final = Kind(_read_dict, _fill_dict, shell=lambda source: {}, is_named=True)
_MAPPING: Final = Kind(_read_mapping, _fill_dict, shell=lambda source: {}, is_named=True)
_LIST: Final = Kind(_read_values, list.extend, shell=lambda source: [])
_DEQUE: Final = Kind(_read_values, deque.extend, shell=lambda source: deque(maxlen=source.maxlen))
_TUPLE: Final = Kind(_read_values, lambda source, entries: tuple(entries))
_NAMED_TUPLE: Final = Kind(_read_named_tuple, _make_named_tuple, is_named=True)
_SET: Final = Kind(_read_values, lambda source, entries: set(entries))
_FROZENSET: Final = Kind(_read_values, lambda source, entries: frozenset(entries))
_RECORD: Final = Kind(_read_record, _fill_record, shell=_record_shell, is_named=True)

#: What classes have that dataclasses, attrs and pydantic made.
_RECORD_MARKS: Final = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__")

_EXACT: Final[dict[type, Kind | None]] = {
    dict: _DICT,
    list: _LIST,
    tuple: _TUPLE,
    set: _SET,
    frozenset: _FROZENSET,
    deque: _DEQUE,
} | dict.fromkeys((str, int, float, bool, type(None), bytes, bytearray, complex))  # fmt: skip

#: What a type of another class becomes where something in it must change.
_BY_BASE: Final[tuple[tuple[type, Kind], ...]] = (
    (Mapping, _MAPPING),
    (deque, _DEQUE),
    (set, _SET),
    (frozenset, _FROZENSET),
    (Sequence, _LIST),
    (AbstractSet, _LIST),
    (ValuesView, _LIST),
)
