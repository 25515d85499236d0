"""How much of a value is shown."""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from typing import Final, NamedTuple


class Budget(NamedTuple):
    """How large a tree may become before parts of it are cut."""

    depth: int = 16  #: containers inside containers
    items: int = 1_000  #: entries of one container
    nodes: int = 10_000  #: values in the whole tree
    text: int = 300_000  #: characters of one string


DEFAULT_BUDGET: Final = Budget()
