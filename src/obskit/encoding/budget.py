"""How much of a value is shown."""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from collections.abc import Callable
from typing import Final, NamedTuple


class Budget(NamedTuple):
    """How large a tree may become before parts of it are cut."""

    depth: int = 16  #: containers inside containers
    items: int = 1_000  #: entries of one container
    nodes: int = 10_000  #: values in the whole tree
    text: int = 300_000  #: characters of one string; all strings together may have twice as many
    short: int = 256  #: characters of a string that is never cut for the sake of others
    margin: int = 10_000  #: characters given up where a string is cut: more than a secret has


DEFAULT_BUDGET: Final = Budget()


class Room:
    """
    What texts may still take of a budget: each at most half of what is left.

    A cut may go through a secret, and no rule knows the beginning of one. So what
    stands close to a cut goes too, once the rules have seen it.

    >>> room = Room(Budget(text=8, short=2, margin=3))
    >>> room.fit("abcdefghij", str)
    'abcde[+5 characters]'
    """

    __slots__ = ("_left", "_margin", "_short")

    def __init__(self, budget: Budget = DEFAULT_BUDGET) -> None:
        self._left = 2 * budget.text
        self._margin = budget.margin
        self._short = budget.short

    def fit(self, text: str, safe: Callable[[str], str]) -> str:
        """Give as much of *text* as there is room for, made *safe*; tell how many characters are missing."""
        size, limit = len(text), self._left // 2
        if size <= self._short:
            return safe(text)
        taken = 0 if size > limit <= self._margin else min(size, limit)
        self._left -= taken
        if taken == size:
            return safe(text)
        shown = safe(text[:taken])
        kept = max(0, len(shown) - self._margin)
        return f"{shown[:kept]}[+{size - taken + len(shown) - kept} characters]"


def shorten(text: str, limit: int) -> str:
    """
    Cut the middle out of *text* where it is longer than *limit* characters.

    Head and tail stay, since a traceback tells most at its two ends.

    >>> shorten("a" * 50 + "z" * 50, 40)
    'aaaaaaaa[... 84 characters ...]zzzzzzzz'
    """
    if len(text) <= limit:
        return text
    side = max(0, (limit - len(f"[... {len(text)} characters ...]")) // 2)
    return f"{text[:side]}[... {len(text) - 2 * side} characters ...]{text[len(text) - side :]}"
