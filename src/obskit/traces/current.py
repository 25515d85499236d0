"""
Know which step or trace is the innermost open one of the running task.

Nothing is ever reset by token: what ends puts back what was there only where it
is still current, and whoever asks skips what has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from .recorder import OpenStep, OpenTrace

#: A step or a trace; ``up`` leads from the innermost one outwards.
Node: TypeAlias = "OpenStep | OpenTrace"

_current: Final[ContextVar[Node | None]] = ContextVar("obskit_trace", default=None)

#: Returns the innermost node, which may have ended: the cheapest way to see that there is none.
innermost: Final = _current.get


def current_node() -> Node | None:
    """Return the innermost step or trace that is still open."""
    node = _current.get()
    while node is not None and not node.is_open:
        node = node.up
    return node


def enter(node: Node) -> None:
    """Make *node* the current one, below what is current now."""
    node.up = current_node()
    _current.set(node)


def leave(node: Node) -> None:
    """Make what is above *node* current again, unless something else has become current."""
    if _current.get() is node:
        _current.set(node.up)


def suspend(node: Node) -> Node | None:
    """
    Step out of *node* and of all that is open inside of it.

    Returns:
        What was innermost, for `resume`.
    """
    inside = _current.get()
    if any(outer is node for outer in _upwards(inside)):
        _current.set(node.up)
    return inside


def resume(node: Node, inside: Node | None) -> None:
    """Step back in, below what is current now."""
    here = current_node()
    if not any(outer is node for outer in _upwards(here)):
        node.up = here
        _current.set(inside)


def open_traces() -> set[OpenTrace]:
    """Return the traces that the caller runs inside of."""
    return {node.trace for node in _upwards(current_node())}


def _upwards(node: Node | None) -> Iterator[Node]:
    while node is not None:
        yield node
        node = node.up
