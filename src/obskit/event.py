"""
One log occurrence, as a value: before the gate an `Event`, after it a `SafeEvent`.

A sink of events asks for `SafeEvent`, which only the gate makes, so handing it
a raw event is a type error.
"""

# Without `from __future__ import annotations`: a named tuple compiles each annotation that is text, and those
# of this module took a quarter of the time of `import obskit`.

from collections.abc import Container, Mapping, Sequence
from typing import Any, Final, NamedTuple, NewType, TypeAlias

#: A value that JSON can hold.
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

#: Names that obskit writes itself. A user's field of such a name is kept as ``<name>_``.
CORE_FIELDS: Final = frozenset({"ts", "level", "service", "fn", "msg", "error", "stack", "event", "logger"})

#: Names of context that stand right after the core fields, in this order, where they are set.
CONTEXT_FIELDS: Final = ("trace_id", "correlation_id", "user_id", "cmd")

#: Names whose fields have a place of their own on a line.
PLACED_FIELDS: Final = CORE_FIELDS.union(CONTEXT_FIELDS)

#: Names that pair a name with a value: ``{"name": "Authorization", "value": ...}``.
PAIR_NAMES: Final = frozenset({"name", "Name", "key", "Key", "header", "field", "parameter"})
PAIR_VALUES: Final = frozenset({"value", "Value"})


class Around:
    """What stands around a name: all entries of its container."""

    __slots__ = ("entries", "pair")

    def __init__(self, entries: Sequence[tuple[Any, Any]] = ()) -> None:
        self.entries: Final = entries  #: names, each with its value
        self.pair: Any = None  #: what whoever judges names found of pairs in it; looked for once


NOTHING_AROUND: Final = Around()


class Edition:
    """What was found innocent while the same secrets were registered."""

    __slots__ = ("names", "pattern", "texts")

    def __init__(self, pattern: object) -> None:
        self.pattern: Final = pattern  #: of these secrets
        #: Neither secret nor do they hold one; where places matter, and of `PAIR_VALUES`, none.
        self.names: Final[set[str]] = set()
        self.texts: Final[set[str]] = set()


def free_name(name: str, taken: Container[str]) -> str:
    """Keep a user's field of a core name apart from ours: ``level`` becomes ``level_``."""
    name += "_"
    while name in taken:
        name += "_"
    return name


class Bound:
    """Fields that stand on many events, and their safe form once somebody needed it."""

    __slots__ = ("fields", "pieces", "safe")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.fields = fields
        #: What the gate made of the fields, and the edition of its rules that did.
        self.safe: tuple[Edition, Placed] | None = None
        #: What whoever writes lines made of them.
        self.pieces: Any = None


class Placed:
    """Safe fields, parted by where they stand on a line."""

    __slots__ = ("context", "others")

    def __init__(self, context: dict[str, Json], others: dict[str, Json]) -> None:
        self.context: Final = context  #: those of `CONTEXT_FIELDS` that are set, in their order
        self.others: Final = others  #: the user's own; none bears the name of a core field


class Event(NamedTuple):
    """What a log call said, before anything was made safe."""

    time_ns: int  #: wall clock, nanoseconds since 1970-01-01 UTC
    level: int
    msg: str
    fn: str  #: qualified name of the calling function
    logger: str | None
    bound: tuple[Bound, ...]  #: fields of the context and of the logger; the later ones win
    fields: Mapping[str, object]  #: the call's own fields, which win over the bound ones
    exception: BaseException | None = None
    event: str | None = None  #: name of an event that obskit itself writes, such as ``command.end``
    template: str | None = None  #: *msg* before its arguments were put in


#: An event without the names of its items: most are made and taken apart at once, which saves 0.3 µs.
Items: TypeAlias = tuple[
    int,
    int,
    str,
    str,
    str | None,
    tuple[Bound, ...],
    Mapping[str, object],
    BaseException | None,
    str | None,
    str | None,
]


def own_event(
    name: str,
    msg: str,
    *,
    time_ns: int,
    level: int,
    fields: Mapping[str, object],
    bound: tuple[Bound, ...] = (),
) -> Event:
    """Make an event that obskit itself has to say; *name* tells its kind, such as ``command.end``."""
    return Event(time_ns, level, msg, "obskit", "obskit", bound, fields, event=name)


class SafeFields(NamedTuple):
    """An event whose text and fields went through the gate."""

    time_ns: int
    level: int
    msg: str
    fn: str
    logger: str | None
    context: dict[str, Json]  #: those of `CONTEXT_FIELDS` that are set, in their order
    fields: dict[str, Json]  #: all other fields; none bears the name of a core field
    error: str | None  #: ``Type: message`` of the exception, if there is one
    stack: str | None
    event: str | None


SafeEvent = NewType("SafeEvent", SafeFields)
