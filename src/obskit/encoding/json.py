"""
Write a finished mapping as one line of strict JSON.

The mapping holds JSON values only, so writing it cannot fail on a type. What is
left to guard is text that UTF-8 cannot hold, characters that some readers take
for the end of a line, and the size of the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final

from ..event import Json

#: Turns JSON values into UTF-8 bytes on one line; raises ValueError or TypeError on lone surrogates.
Dumps = Callable[[Mapping[str, Json]], bytes]

DEFAULT_LINE_BYTES: Final = 256_000
MINIMUM_LINE_BYTES: Final = 1_000

#: Bytes that a field is at least given when a line is cut: a name and a few words.
_SMALLEST_SHARE: Final = 64
#: Bytes that the note about what was cut may take.
_LONGEST_NOTE: Final = 2_000

_CALLS_BEFORE_FASTER: Final = 100

_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)

#: NEXT LINE, LINE SEPARATOR and PARAGRAPH SEPARATOR: `str.splitlines` breaks at them.
_LINE_BREAKS: Final = "\x85\u2028\u2029"


def dumps(values: Mapping[str, Json]) -> bytes:
    """Write *values* with the standard library."""
    return _compact.encode(values).encode()


class Dumper:
    """
    Holds the encoder in use: that of the standard library at first, a faster one once it pays.

    Loading orjson takes as long as loading all that a first line needs (10 ms,
    CPython 3.11), and it saves 1 µs a line: a program that logs a few lines, like
    a function that has just been started, does without.

    Args:
        faster: Loads the encoder to go over to after 100 calls; never raises. None is for not to change.
    """

    __slots__ = ("_faster", "_left", "dump")

    def __init__(self, dumps: Dumps = dumps, *, faster: Callable[[], Dumps] | None = None) -> None:
        self._faster = faster
        self._left = _CALLS_BEFORE_FASTER
        self.dump: Dumps = dumps if faster is None else self._first

    def _first(self, values: Mapping[str, Json]) -> bytes:
        self._left -= 1
        if self._left < 0 and self._faster is not None:
            self.dump = self._faster()
        return dumps(values)


def encode_line(values: dict[str, Json], dumps: Dumps = dumps, limit: int = DEFAULT_LINE_BYTES) -> bytes:
    """
    Write *values* as one line that ends in its only line break.

    Args:
        values: The fields of the line in their order.
        dumps: The encoder; the one of the standard library unless a faster one is at hand.
        limit: Bytes the line may have, at least 1,000. The largest fields of a
            longer one are cut, and ``_truncated`` tells how much is missing and where.
    """
    line = _whole_line(values, dumps)
    return line if len(line) <= limit else _whole_line(_cut(values, dumps, limit), dumps)


def _whole_line(values: Mapping[str, Json], dumps: Dumps) -> bytes:
    try:
        line = dumps(values)
    # Only a lone surrogate gets here: everything else in *values* is plain JSON.
    except (UnicodeError, ValueError, TypeError):
        text = re.sub("[\ud800-\udfff]", "\ufffd", _compact.encode(values))
        line = dumps(json.loads(text))
    if not line.isascii() and breaks_lines(text := line.decode()):
        for character in _LINE_BREAKS:
            text = text.replace(character, f"\\u{ord(character):04x}")
        line = text.encode()
    return line + b"\n"


def breaks_lines(text: str) -> bool:
    """Tell whether some readers see the end of a line in *text*, besides the line feed."""
    return any(map(text.__contains__, _LINE_BREAKS))


def _cut(values: Mapping[str, Json], dumps: Dumps, limit: int) -> dict[str, Json]:
    """
    Make *values* fit *limit*: small fields stay whole, large ones shrink to an equal share.

    A value that is no string is shown as the beginning of its JSON text. Where even
    a small share is too much for the number of fields, the last ones are left out.
    """
    reserve = min(limit // 4, _LONGEST_NOTE)
    kept = dict(islice(values.items(), max(1, (limit - reserve) // _SMALLEST_SHARE)))
    sizes = {name: _size(name, value, dumps) for name, value in kept.items()}
    share = _fair_share(sizes.values(), limit - reserve)
    lost = {name: size - share for name, size in sizes.items() if size > share}
    for name in lost:
        kept[name] = _beginning(name, kept[name], share, dumps)
        if _size(name, kept[name], dumps) > share:
            del kept[name]
    shown: list[Json] = []
    note: dict[str, Json] = {
        "bytes": sum(lost.values()),
        "left_out": len(values) - len(kept),
        "fields": shown,
    }
    room = reserve - len(dumps({"_truncated": note}))
    for name in lost:
        room -= _size(name, 0, dumps)
        if room < 0:
            break
        shown.append(name)
    return {**kept, "_truncated": note}


def _size(name: str, value: Json, dumps: Dumps) -> int:
    """Count the bytes that a field takes in a line, its comma included."""
    return len(_whole_line({name: value}, dumps)) - 2


def _fair_share(sizes: Iterable[int], room: int) -> int:
    """Find the largest size that every field may have so that all together fit *room*."""
    ascending = sorted(sizes)
    for done, size in enumerate(ascending):
        share = room // (len(ascending) - done)
        if size > share:
            return share
        room -= size
    return room


def _beginning(name: str, value: Json, share: int, dumps: Dumps) -> str:
    text = value if isinstance(value, str) else _whole_line({"": value}, dumps)[4:-2].decode()
    text = text[:share]
    while text and (size := _size(name, text, dumps)) > share:
        # One character takes at most six bytes ("\\u0000"), so a sixth of the excess always goes.
        text = text[: len(text) - max(1, (size - share) // 6)]
    return text
