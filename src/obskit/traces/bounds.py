"""
How much is kept of a trace.

Every single thing has a limit, and all of a trace together has one as well, since
it may be kept in memory a thousand times. What is left out is counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from ..counting import count
from ..encoding.budget import shorten
from ..encoding.exceptions import ErrorInfo
from ..event import Json
from .model import Step

#: Steps kept of one trace; of more, the first half and the latest stay.
MAX_STEPS: Final = 128
MAX_LINKS: Final = 10
MAX_URL: Final = 2_000
#: Bytes, as JSON, of all attributes, details and errors of steps of one trace together. With names, links,
#: ids and the trace's own error nothing comes to more than the 400 KB that an item of DynamoDB may have.
ROOM: Final = 64_000

_MAX_NAME: Final = 200
_MAX_VALUE: Final = 2_000
_MAX_FIELDS: Final = 50


def short_name(text: str) -> str:
    """Cut the name of a command, a step or a link to size."""
    return text[:_MAX_NAME]


def short_text(text: str) -> str:
    """Cut a value or a reason to size."""
    return shorten(text, _MAX_VALUE)


class Room:
    """
    The bytes that are left for one trace.

    Args:
        dropped: Counts what has found no room, by what it was.
    """

    __slots__ = ("_dropped", "_left")

    def __init__(self, dropped: dict[str, int]) -> None:
        self._dropped = dropped
        self._left = ROOM

    def drop(self, what: str) -> None:
        """Count one that is left out."""
        count(self._dropped, what)

    def take(self, kept: Mapping[str, Json], new: Mapping[str, Json]) -> dict[str, Json]:
        """Return those of *new* that there is room for, beside *kept* or in their place."""
        merged, taken = dict(kept), dict[str, Json]()
        for long_name, long_value in new.items():
            name, value = short_name(long_name), _short_value(long_value)
            before = _size({name: merged[name]}) if name in merged else 0
            grown = _size({name: value}) - before
            if grown <= self._left and (before or len(merged) < _MAX_FIELDS):
                merged[name] = taken[name] = value
                self._give(-grown)
            else:
                self.drop("fields")
        return taken

    def error(self, kept: ErrorInfo | None, new: ErrorInfo) -> ErrorInfo:
        """Return the *new* error of a step in place of the old, without its stack, which the trace has."""
        before = _size_of_error(kept)
        error = new._replace(message=short_text(new.message), stack="")
        if _size_of_error(error) - before > self._left:
            error = error._replace(message="", causes=())
            self.drop("fields")
        self._give(before - _size_of_error(error))
        return error

    def append(self, step: Step, steps: list[Step]) -> None:
        """Put a *step* that has just begun to the others; of too many, one from the middle gives way."""
        steps.append(step)
        if len(steps) > MAX_STEPS:
            gone = steps.pop(MAX_STEPS // 2)
            details = sum(_size({name: value}) for name, value in gone.details.items())
            self._give(details + _size_of_error(gone.error))
            self.drop("steps")

    def _give(self, size: int) -> None:
        """Have *size* more bytes left; a parameter, so that nothing is called between reading and writing."""
        self._left += size


def _short_value(value: Json) -> Json:
    """Return *value* or a shortened text of it."""
    if isinstance(value, dict | list):
        text = _encode(value)
        if len(text) <= _MAX_VALUE:
            return value
        value = text
    return short_text(value) if isinstance(value, str) else value


def _size_of_error(error: ErrorInfo | None) -> int:
    return 0 if error is None else _size([error.message, *(cause.message for cause in error.causes)])


def _size(value: Json) -> int:
    """Return how many bytes *value* has as JSON."""
    text = _encode(value)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
