"""
Tell in one pass over a text which shapes are worth a search, and whether escapes are to be read.

Most texts hold no secret. What finds that out is made from the anchors of the
shapes, so that it cannot overlook what a shape would find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from .detectors import Shape, compiled
from .escapes import ESCAPES

#: Characters to look for, rarest in log messages first. Ordinary prose has few of them.
_PIVOTS: Final = "~|$QJ_XKGBSA=-/:.bp"


#: What else is told: that a name may stand before a value without a colon or an equals sign, as in
#: ``--api-key VALUE`` and ``("X-Api-Key", "VALUE")``.
_NAMES: Final = {"-": "-", "(": "[bu]?[\"']", "[": "[bu]?[\"']"}


class Sieve:
    """
    The signs of some shapes.

    A sign is one character; it is found only where what stands around it fits, too.
    """

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self._shapes: dict[str, dict[Shape, None]] = {}
        for shape in shapes:
            for sign, _ in _signs(shape):
                self._shapes.setdefault(sign, {})[shape] = None
        #: Find the signs in a text: none, if no shape can match and nothing is escaped.
        self.signs: Callable[[str], list[str]] = compiled(sign_pattern(shapes)).findall

    def shapes(self, signs: Iterable[str]) -> Iterator[Shape]:
        """Yield the shapes that have one of *signs*; some more than once."""
        for sign in set(signs):
            yield from self._shapes.get(sign, ())

    def escapes(self, signs: Iterable[str]) -> bool:
        """Say whether one of *signs* may begin an escape."""
        return not ESCAPES.keys().isdisjoint(signs)

    def names(self, signs: Iterable[str]) -> bool:
        """Say whether one of *signs* may stand by a name, which a colon or an equals sign does anyway."""
        return not _NAMES.keys().isdisjoint(signs)


def sign_pattern(shapes: Iterable[Shape]) -> str:
    """
    Write a pattern that matches wherever one of *shapes* can match, and where there may be an escape.

    Each of its branches matches one character, which lets the regular
    expression engine skip all others quickly.
    """
    places: dict[str, list[_Place]] = {
        sign: [_Place("", ahead)] for sign, ahead in [*ESCAPES.items(), *_NAMES.items()]
    }
    for shape in shapes:
        for sign, place in _signs(shape):
            places.setdefault(sign, []).append(place)
    return "|".join(re.escape(sign) + _around(sign, places[sign]) for sign in sorted(places))


class _Place(NamedTuple):
    """What stands around a sign."""

    before: str  #: text
    ahead: str  #: a pattern


def _signs(shape: Shape) -> Iterator[tuple[str, _Place]]:
    """Yield the signs of *shape*: the start of its probe, or the rarest character of each anchor."""
    if shape.probe is not None:
        literal = shape.probe[:2] if shape.probe[0] == "\\" else shape.probe[0]
        yield literal[-1], _Place("", shape.probe[len(literal) :])
        return
    for anchor in shape.anchors:
        # At most two characters before the sign: more would cost more than they exclude.
        sign = next(pivot for pivot in _PIVOTS if pivot in anchor)
        before, _, after = anchor.partition(sign)
        yield sign, _Place(before[-2:], re.escape(after) + shape.rest)


def _around(sign: str, places: list[_Place]) -> str:
    """Write what must stand around *sign*; all alternatives of a look-behind must have the same length."""
    if ("", "") in places:
        return ""
    befores: dict[tuple[str, int], set[str]] = {}
    for before, ahead in places:
        befores.setdefault((ahead, len(before)), set()).add(re.escape(before + sign))
    looks = [
        f"(?={ahead})(?<={'|'.join(sorted(some))})" if length else f"(?={ahead})"
        for (ahead, length), some in sorted(befores.items())
    ]
    return f"(?:{'|'.join(looks)})"
