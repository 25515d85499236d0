"""
Decide what became of a line; knows nothing of how it was made.

A line is right when it is UTF-8, ends in its only line break, is at most a megabyte,
and is one JSON object that every strict parser takes: no NaN, no key twice, no lone
surrogate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MAX_LINE: Final = 1_000_000
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")


class Verdict(StrEnum):
    """What became of a probe, the best first."""

    OK = "ok"
    LOST = "lost"
    INVALID = "invalid"
    RAISED = "raised"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and what it rests on."""

    verdict: Verdict
    why: str = ""


class InvalidLine(Exception):
    """A line that a strict reader refuses."""


def read_lines(data: bytes, at_most: int = MAX_LINE) -> list[dict[str, Any]]:
    """
    Decode all lines of *data*.

    Raises:
        InvalidLine: If any strict reader would refuse one, or the last one has no end.
    """
    return [read_line(line, at_most) for line in _LINE.findall(data)]


def read_line(line: bytes, at_most: int = MAX_LINE) -> dict[str, Any]:
    """
    Decode one line, its line break included.

    Raises:
        InvalidLine: If any strict reader would refuse it.
    """
    if len(line) > at_most:
        raise InvalidLine(f"a line of {len(line):,} bytes")
    if not line.endswith(b"\n"):
        raise InvalidLine("a line without its end")
    try:
        text = line.decode()
        decoded = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
        for part in strings(decoded):
            part.encode()
    except InvalidLine:
        raise
    except UnicodeEncodeError:
        raise InvalidLine("a lone surrogate") from None
    except (ValueError, RecursionError) as error:
        raise InvalidLine(f"no JSON: {type(error).__name__}") from None
    if len(text.splitlines()) != 1:
        raise InvalidLine("a raw line separator")
    if not isinstance(decoded, dict):
        raise InvalidLine("no JSON object")
    return decoded


def strings(value: Any) -> Iterator[str]:
    """Yield every text of a decoded line, keys and numbers included."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            pending += item
        else:
            yield str(item)


def shows(decoded: Any, text: str) -> bool:
    """Tell whether *text* can be read somewhere in a decoded line."""
    return any(text in part for part in strings(decoded))


def _no_constant(name: str) -> Any:
    raise InvalidLine(f"{name} is no JSON")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    decoded = dict(pairs)
    if len(decoded) != len(pairs):
        raise InvalidLine("a key twice")
    return decoded
