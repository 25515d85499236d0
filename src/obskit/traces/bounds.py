"""
How much is kept of a trace.

Every single thing has a limit, and all of a trace together has one as well, since
it may be kept in memory a thousand times. What is left out is counted by the trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from ..encoding.budget import shorten
from ..encoding.exceptions import ErrorInfo
from ..event import Json

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


def merge(kept: dict[str, Json], new: Mapping[str, Json], room: int) -> tuple[dict[str, Json], int, int]:
    """
    Put *new* fields beside or in place of those that are *kept*.

    Args:
        room: Bytes that all of *new* may take.

    Returns:
        A new dict, so that whoever reads the old one in another thread is not
        disturbed; the bytes taken, fewer than none where shorter values took
        the place of longer ones; and how many fields were left out.
    """
    merged = dict(kept)
    taken = left_out = 0
    for long_name, value in new.items():
        name = short_name(long_name)
        bounded, size = _bounded(value)
        if name in merged:
            grown, fits = size - _bounded(merged[name])[1], True
        else:
            grown, fits = size + _size(name), len(merged) < _MAX_FIELDS
        if fits and taken + grown <= room:
            merged[name] = bounded
            taken += grown
        else:
            left_out += 1
    return merged, taken, left_out


def bounded_error(kept: ErrorInfo | None, new: ErrorInfo, room: int) -> tuple[ErrorInfo, int, int]:
    """
    Put the *new* error of a step in the place of the one that is *kept*.

    Returns:
        The error without its stack, which the trace has; the bytes taken, and 1 where
        there was no room for more than its type.
    """
    short = new._replace(message=short_text(new.message), stack="")
    before, after = _size_of_error(kept), _size_of_error(short)
    if after - before <= room:
        return short, after - before, 0
    return short._replace(message="", causes=()), -before, 1


def _size_of_error(error: ErrorInfo | None) -> int:
    if error is None:
        return 0
    return _size(error.message) + sum(_size(cause.message) for cause in error.causes)


def _bounded(value: Json) -> tuple[Json, int]:
    """Return *value* or a shortened text of it, and its size in bytes."""
    if isinstance(value, dict | list):
        text = _encode(value)
        if len(text) <= _MAX_VALUE:
            return value, _bytes(text)
        value = text
    if isinstance(value, str):
        value = short_text(value)
    return value, _size(value)


def _size(value: Json) -> int:
    return _bytes(_encode(value))


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
