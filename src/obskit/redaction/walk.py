"""
Redact an object graph of any shape without changing it.

First the graph is read, container by container, and what must change is noted;
a graph in which nothing must change is returned as it is. Only then the
containers on the way to a change are built anew; everything else is shared.

Rule 1: no recursion, so depth costs nothing but memory; cycles and shared
containers stay what they are.
Rule 2: an object's own code may raise or lie. What cannot be read is hidden;
what goes beyond the limits is cut. Neither passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from ..event import PAIR_NAMES, PAIR_VALUES
from ..interrupts import let_pass
from .containers import Kind, kind_of
from .verdict import Verdict

_MAX_DEPTH: Final = 1_000
_MAX_NODES: Final = 1_000_000
_TOO_DEEP: Final = "[cut: nested too deep]"
_TOO_MANY: Final = "[cut: too many values]"
_CYCLE: Final = "[cut: cycle]"


class Rules(Protocol):
    """What the walk asks of a redactor."""

    needs_place: bool  #: whether `inside` is to be asked
    place: tuple[str, ...]  #: the names around the values it is asked about, where it needs them

    def inside(self, name: Any, /) -> Rules:
        """Give the rules for what stands under a safe *name*."""

    def open_types(self) -> Collection[type]:
        """Give types whose values are safe; `leaf` is not asked about them."""

    def open_names(self) -> Collection[str]:
        """Give names that are known to be innocent and safe; `name` is not asked about them."""

    def name(self, name: Any, /) -> tuple[Verdict | None, Any]:
        """Give the verdict on a name, and the name itself made safe."""

    def hidden(self, value: Any, verdict: Verdict, /) -> Any:
        """Give the marker for *value* under a secret name, or *value* where it may stay."""

    def paired(self, value: Any, verdict: Verdict, /, *, is_loose: bool) -> Any:
        """Do the same where only its place next to a secret name speaks against *value*."""

    def text(self, text: str, /) -> str:
        """Make a text safe; the same object if it is safe already."""

    def leaf(self, value: Any, /) -> Any:
        """Make safe what is no container; the same object if it is safe already."""

    def failed(self, error: BaseException, /) -> str:
        """Give the marker for what could not be read."""


#: A container and where it stands: in another place, other names are secret.
_Key = tuple[int, tuple[str, ...]]


class _Source(NamedTuple):
    """One container to read."""

    value: Any
    kind: Kind
    rules: Rules

    @property
    def key(self) -> _Key:
        """What it is known by while the graph is read."""
        return id(self.value), self.rules.place


@dataclass(slots=True)
class _Node:
    """One container as it was read, and what must change in it."""

    source: Any
    kind: Kind
    rules: Rules
    entries: list[Any]
    values: dict[int, Any] = field(default_factory=dict)  #: position -> the value to put there
    names: dict[int, Any] = field(default_factory=dict)  #: position -> the name to put there
    children: list[tuple[int, _Key]] = field(default_factory=list)  #: position, key of a container
    result: Any = _CYCLE
    is_open: bool = False
    is_built: bool = False


def walk(root: object, rules: Rules, *, max_depth: int = _MAX_DEPTH, max_nodes: int = _MAX_NODES) -> Any:
    """
    Give *root* with every secret in it hidden; the same object if there is none.

    Args:
        max_depth: Containers inside containers; what is nested deeper is cut.
        max_nodes: Values in all; a container that goes beyond is cut.
    """
    kind = kind_of(root)
    if kind is None:
        return rules.leaf(root)
    reading = _Reading(max_nodes)
    start = _Source(root, kind, rules)
    level = [start]
    for _ in range(max_depth):
        if not level:
            break
        level = reading.read(level)
    for source in level:
        reading.replace(source, _TOO_DEEP)
    return _rebuilt(start.key, reading) if reading.is_changed else root


class _Reading:
    """The first half: read every container once and note what must change."""

    def __init__(self, max_nodes: int) -> None:
        self._left = max_nodes
        self.nodes: dict[_Key, _Node] = {}
        self.replaced: dict[_Key, Any] = {}  #: containers that give way to a marker as a whole
        self.is_changed = False
        self._seen: set[_Key] = set()
        self._below: list[_Source] = []

    def read(self, level: list[_Source]) -> list[_Source]:
        """Read the containers of one level and give those directly inside of them."""
        self._below = []
        for source in level:
            self._seen.add(source.key)
            try:
                self._read_one(source)
            except BaseException as error:  # the container's own code ran
                let_pass(error)
                self.replace(source, source.rules.failed(error))
        return self._below

    def replace(self, source: _Source, marker: str) -> None:
        """Let *marker* stand for a whole container."""
        self.replaced[source.key] = marker
        self.is_changed = True

    def _read_one(self, source: _Source) -> None:
        value, kind, rules = source
        entries = kind.read(value, self._left + 1)
        self._left -= len(entries)
        if self._left < 0:
            self._left = 0
            self.nodes[source.key] = _Node(value, kind, rules, [])
            self.replace(source, _TOO_MANY)
            return
        node = self.nodes[source.key] = _Node(value, kind, rules, entries)
        if kind.is_named:
            self._read_named(node)
        else:
            self._read_values(node)
        if node.values or node.names:
            self.is_changed = True

    def _read_named(self, node: _Node) -> None:
        rules = node.rules
        open_names, open_types = rules.open_names(), rules.open_types()
        value_position = -1
        for position, (name, value) in enumerate(node.entries):
            safe_name = name
            if type(name) is not str or name not in open_names:
                verdict, safe_name = rules.name(name)
                if verdict is not None and _names_its_value(name, node.entries):
                    verdict = verdict._replace(doubtful=True)
                if safe_name is not name:
                    node.names[position] = safe_name
                if verdict is not None and (safe := rules.hidden(value, verdict)) is not value:
                    node.values[position] = safe
                    continue
            if type(value) not in open_types:
                self._read_value(
                    node, position, value, rules.inside(safe_name) if rules.needs_place else rules
                )
            if type(name) is str and name in PAIR_VALUES:
                value_position = position
        if value_position >= 0:
            self._read_name_and_value(node, value_position)

    def _read_name_and_value(self, node: _Node, position: int) -> None:
        """Treat ``{"name": "Authorization", "value": ...}`` like ``{"Authorization": ...}``."""
        for name, called in node.entries:
            if type(name) is str and name in PAIR_NAMES and type(called) is str:
                verdict, _ = node.rules.name(called)
                if verdict is not None:
                    value_name, value = node.entries[position]
                    node.rules.name(value_name)  # what is told of it is told under its own name
                    self._note(node, position, value, node.rules.hidden(value, verdict))

    def _read_values(self, node: _Node) -> None:
        entries, open_types = node.entries, node.rules.open_types()
        for position, value in enumerate(entries):
            if type(value) not in open_types:
                self._read_value(node, position, value, node.rules)
        if len(entries) == 2 and type(entries[0]) in (str, bytes) and type(entries[1]) in (str, bytes):
            verdict, _ = node.rules.name(entries[0])
            if verdict is not None:
                is_loose = node.kind.shell is not None  # in a list, two words need not be a pair
                self._note(node, 1, entries[1], node.rules.paired(entries[1], verdict, is_loose=is_loose))

    def _read_value(self, node: _Node, position: int, value: Any, rules: Rules) -> None:
        if type(value) is str:
            safe = rules.text(value)
            if safe is not value:
                node.values[position] = safe
            return
        kind = kind_of(value)
        if kind is None:
            self._note(node, position, value, rules.leaf(value))
            return
        source = _Source(value, kind, rules)
        node.children.append((position, source.key))
        if source.key not in self._seen:
            self._seen.add(source.key)
            self._below.append(source)

    @staticmethod
    def _note(node: _Node, position: int, value: Any, safe: Any) -> None:
        if safe is not value:
            node.values[position] = safe


def _names_its_value(name: object, entries: list[tuple[Any, Any]]) -> bool:
    """Say whether *name* is a word for names, as in ``{"key": "colour", "value": "red"}``."""
    return (
        type(name) is str
        and name in PAIR_NAMES
        and any(type(other) is str and other in PAIR_VALUES for other, _ in entries)
    )


def _rebuilt(root: _Key, reading: _Reading) -> Any:
    """The second half: build anew every container on the way to a change."""
    if root in reading.replaced:
        return reading.replaced[root]
    dirty = _dirty(reading)
    for node in dirty.values():
        if node.kind.shell is not None:
            node.result = node.kind.shell(node.source)
            node.is_built = True
    for node in dirty.values():
        if not node.is_built:
            _build_parts_first(node, dirty, reading)
    for node in dirty.values():
        if node.kind.shell is not None:
            node.kind.build(node.result, _entries(node, dirty, reading))
    return dirty[root].result


def _built(node: _Node, entries: Iterator[Any]) -> Any:
    """Make what *node* becomes, or a marker where that fails."""
    try:
        return node.kind.build(node.source, entries)
    except Exception as error:  # what was hashable need not be so any more
        let_pass(error)
        return node.rules.failed(error)


def _dirty(reading: _Reading) -> dict[_Key, _Node]:
    """Find the containers that change, or hold one that does, however far below."""
    parents: dict[_Key, list[_Key]] = {}
    for key, node in reading.nodes.items():
        for _, child in node.children:
            parents.setdefault(child, []).append(key)
    changed = [key for key, node in reading.nodes.items() if node.values or node.names]
    changed += (parent for child in reading.replaced for parent in parents.get(child, ()))
    dirty: dict[_Key, _Node] = {}
    while changed:
        key = changed.pop()
        if key not in dirty and key not in reading.replaced:
            dirty[key] = reading.nodes[key]
            changed += parents.get(key, ())
    return dirty


def _build_parts_first(start: _Node, dirty: dict[_Key, _Node], reading: _Reading) -> None:
    """Build an immutable container after the immutable ones inside of it."""
    waiting = [start]
    while waiting:
        node = waiting[-1]
        parts = [dirty[child] for _, child in node.children if child in dirty and not dirty[child].is_built]
        if parts and not node.is_open:
            node.is_open = True
            waiting += parts
            continue
        waiting.pop()
        if not node.is_built:
            node.is_built = True
            node.result = _built(node, _entries(node, dirty, reading))


def _entries(node: _Node, dirty: dict[_Key, _Node], reading: _Reading) -> Iterator[Any]:
    """List what *node* holds in the end."""
    for position, child in node.children:
        if child in reading.replaced:
            node.values.setdefault(position, reading.replaced[child])
        elif child in dirty:
            node.values.setdefault(position, dirty[child].result)
    for position, entry in enumerate(node.entries):
        if node.kind.is_named:
            name, value = entry
            yield node.names.get(position, name), node.values.get(position, value)
        else:
            yield node.values.get(position, entry)
