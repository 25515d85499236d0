"""
Know which step or trace is the innermost open one of the running task.

Nothing is ever reset by token: what ends puts back what was there only where it
is still current, and whoever asks skips what has ended.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from .recorder import OpenStep, OpenTrace

#: A step or a trace; ``up`` leads from the innermost one outwards.
Node: TypeAlias = "OpenStep | OpenTrace"

#: Holds the innermost node, which may have ended.
NODE: Final[ContextVar[Node | None]] = ContextVar("obskit_trace", default=None)

#: Returns it: the cheapest way to see that there is none.
innermost: Final = NODE.get


def current_node() -> Node | None:
    """Return the innermost step or trace that is still open."""
    return _open(NODE.get())


def _open(node: Node | None) -> Node | None:
    """Return *node* or what is next above it that is still open."""
    while node is not None and not (node.is_running and node.trace.is_running):
        node = node.up
    return node


def enter(node: Node) -> None:
    """Make *node* the current one, below what is current now."""
    node.up = above = current_node()
    while above is not None:  # a job that starts the next one would drag all that have ended along
        outer = above.up = _open(above.up)
        above = outer
    NODE.set(node)


def leave(node: Node) -> None:
    """Make what is above *node* current again, unless something else has become current."""
    if NODE.get() is node:
        NODE.set(node.up)


def open_traces() -> set[OpenTrace]:
    """Return the traces that the caller runs inside of."""
    found = set()
    node = current_node()
    while node is not None:
        found.add(node.trace)
        node = _open(node.up)
    return found
