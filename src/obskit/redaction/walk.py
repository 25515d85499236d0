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

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ..event import Around
from ..interrupts import let_pass
from .containers import Kind, kind_of

if TYPE_CHECKING:
    from .redactor import Redactor

_MAX_DEPTH: Final = 1_000
_MAX_NODES: Final = 1_000_000
_TOO_DEEP: Final = "[cut: nested too deep]"
_TOO_MANY: Final = "[cut: too many values]"
_CYCLE: Final = "[cut: cycle]"


class _Node:
    """A container in its place, what must change in it, and what becomes of it."""

    __slots__ = (
        "entries", "is_built", "is_dirty", "is_open", "kind", "names", "parents", "parts", "result", "rules",
        "source", "values",
    )  # fmt: skip

    def __init__(self, source: Any, kind: Kind, rules: Redactor) -> None:
        self.source = source
        self.kind = kind
        self.rules = rules
        self.parents: list[_Node] = []
        self.parts: list[tuple[int, _Node]] = []  #: the containers directly inside, each with its position
        self.entries: list[Any] = []
        self.names: dict[int, Any] = {}  #: position -> the name to put there
        self.values: dict[int, Any] = {}  #: position -> the value to put there
        self.is_dirty = False  #: whether it changes, or holds one that does
        self.is_open = False
        self.is_built = False
        self.result: Any = _CYCLE

    def replace(self, marker: str) -> None:
        """Let *marker* stand for the whole container."""
        self.result = marker
        self.is_dirty = self.is_built = True


def walk(root: object, rules: Redactor, *, max_depth: int = _MAX_DEPTH, max_nodes: int = _MAX_NODES) -> Any:
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
    start = reading.node(root, kind, rules)
    for _ in range(max_depth):
        level, reading.found = reading.found, []
        if not level:
            break
        for node in level:
            reading.read(node)
    for node in reading.found:
        node.replace(_TOO_DEEP)
    if dirty := _dirty(reading.nodes.values()):
        _rebuild(dirty)
    return start.result if start.is_dirty else root


class _Reading:
    """The first half: read every container once and note what must change."""

    def __init__(self, max_nodes: int) -> None:
        self._left = max_nodes
        #: By identity and place: in another place, other names are secret.
        self.nodes: dict[tuple[int, tuple[str, ...]], _Node] = {}
        self.found: list[_Node] = []  #: those that are still to be read

    def node(self, value: object, kind: Kind, rules: Redactor) -> _Node:
        """Give the node of a container, which is to be read if it is new."""
        key = id(value), rules.place
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = _Node(value, kind, rules)
            self.found.append(node)
        return node

    def read(self, node: _Node) -> None:
        """Read one container."""
        try:
            entries = node.kind.read(node.source, self._left + 1)
            if len(entries) > self._left:
                self._left = 0
                node.replace(_TOO_MANY)
                return
            self._left -= len(entries)
            node.entries = entries
            if node.kind.is_named:
                self._read_named(node)
            else:
                self._read_values(node)
            node.is_dirty = bool(node.names or node.values)
        except BaseException as error:  # the container's own code ran
            let_pass(error)
            node.replace(node.rules.failed(error))

    def _read_named(self, node: _Node) -> None:
        rules, entries = node.rules, node.entries
        open_names, open_types, around = rules.edition().names, rules.open_types(), Around(entries)
        for position, (name, value) in enumerate(entries):
            inner = rules
            if type(name) is not str or name not in open_names:
                verdict, safe_name = rules.name(name, around)
                if safe_name is not name:
                    node.names[position] = safe_name
                if rules.needs_place:
                    inner = rules.inside(safe_name)
                if verdict is not None and (safe := inner.hidden(value, verdict)) is not value:
                    node.values[position] = safe
                    continue
            if type(value) not in open_types:
                self._read_value(node, position, value, inner)

    def _read_values(self, node: _Node) -> None:
        rules, entries = node.rules, node.entries
        open_types = rules.open_types()
        for position, value in enumerate(entries):
            if type(value) not in open_types:
                self._read_value(node, position, value, rules)
        if len(entries) == 2 and all(issubclass(type(entry), (str, bytes)) for entry in entries):
            is_loose = node.kind.shell is not None  # in a list, two words need not be a pair
            safe = rules.paired(*entries, is_loose=is_loose)
            if safe is not entries[1]:
                node.values[1] = safe

    def _read_value(self, node: _Node, position: int, value: Any, rules: Redactor) -> None:
        kind = None if type(value) is str else kind_of(value)
        if kind is not None:
            part = self.node(value, kind, rules)
            part.parents.append(node)
            node.parts.append((position, part))
        elif (safe := rules.leaf(value)) is not value:
            node.values[position] = safe


def _dirty(nodes: Iterable[_Node]) -> list[_Node]:
    """Find the containers that change, or hold one that does, however far below."""
    dirty = [node for node in nodes if node.is_dirty]
    for node in dirty:  # which grows meanwhile
        for parent in node.parents:
            if not parent.is_dirty:
                parent.is_dirty = True
                dirty.append(parent)
    return dirty


def _rebuild(dirty: list[_Node]) -> None:
    """The second half: build anew every container on the way to a change."""
    shells = []
    for node in dirty:
        if not node.is_built and (shell := node.kind.shell) is not None:
            node.result, node.is_built = shell(node.source), True
            shells.append(node)
    for node in dirty:
        _build_parts_first(node)
    for node in shells:
        node.kind.build(node.result, _entries(node))


def _build_parts_first(start: _Node) -> None:
    """Build an immutable container after the immutable ones inside of it."""
    waiting = [start]
    while waiting:
        node = waiting[-1]
        parts = [part for _, part in node.parts if part.is_dirty and not part.is_built]
        if parts and not node.is_open and not node.is_built:
            node.is_open = True
            waiting += parts
            continue
        waiting.pop()
        if not node.is_built:
            node.is_built = True
            node.result = _built(node)


def _built(node: _Node) -> Any:
    """Make what *node* becomes, or a marker where that fails."""
    try:
        return node.kind.build(node.source, _entries(node))
    except Exception as error:  # what was hashable need not be so any more
        let_pass(error)
        return node.rules.failed(error)


def _entries(node: _Node) -> Iterator[Any]:
    """List what *node* holds in the end."""
    values = node.values
    values.update((position, part.result) for position, part in node.parts if part.is_dirty)
    for position, entry in enumerate(node.entries):
        if node.kind.is_named:
            name, value = entry
            yield node.names.get(position, name), values.get(position, value)
        else:
            yield values.get(position, entry)
