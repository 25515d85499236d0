"""
How much is kept of a trace.

Every single thing has a limit, and all of a trace together has one as well, since
it may be kept in memory a thousand times. What is left out is counted by the trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from ..event import Json
from ..gate import shorten

#: Steps kept of one trace; of more, the first half and the latest stay.
MAX_STEPS: Final = 128
MAX_LINKS: Final = 10
MAX_URL: Final = 2_000
#: Characters of all attributes and details of one trace together.
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
        room: Characters that all of *new* may take.

    Returns:
        A new dict, so that whoever reads the old one in another thread is not
        disturbed; the characters taken, fewer than none where shorter values took
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
            grown, fits = size + len(name), len(merged) < _MAX_FIELDS
        if fits and taken + grown <= room:
            merged[name] = bounded
            taken += grown
        else:
            left_out += 1
    return merged, taken, left_out


def _bounded(value: Json) -> tuple[Json, int]:
    """Return *value* or a shortened text of it, and its size in characters."""
    if isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False)
        return (value, len(text)) if len(text) <= _MAX_VALUE else (short_text(text), _MAX_VALUE)
    if isinstance(value, str):
        short = short_text(value)
        return short, len(short)
    return value, _SIZE_OF_SCALAR


#: No number, true, false or null is written with many more characters.
_SIZE_OF_SCALAR: Final = 20
