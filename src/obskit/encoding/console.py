"""
Lay an event out for people who watch a terminal.

One event is one line; only a stack takes more, each of them indented. No text
can steer the terminal, forge a line or turn the direction of writing: whatever
is invisible or controls is shown by its escape instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from ..clock import isoformat
from ..environment import Environment
from ..event import Json, SafeEvent
from ..ids import get_trace_fingerprint
from ..levels import level_name
from .json import DEFAULT_LINE_BYTES

_LEVEL_WIDTH: Final = len("critical")
_LOGGER_WIDTH: Final = 12
_MSG_WIDTH: Final = 32
#: Lines of a stack: of a longer one this many of the beginning and of the end.
_STACK_HEAD: Final = 6
_STACK_TAIL: Final = 18

#: Parameters of the terminal's escape for colours (SGR).
_OF_LEVEL: Final = {"debug": "36", "info": "32", "warn": "33", "error": "31", "critical": "97;41"}
_FAINT: Final = "2"
_BOLD: Final = "1"
_FAILURE: Final = "31"
#: Bytes that the note about what was cut takes.
_NOTE: Final = 40

#: C0, DEL and C1; line separators; marks of direction and invisible characters, except the joiners
#: that emoji and some scripts need; tags; surrogates.
_UNSHOWN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
#: Variables that the terminals of Windows set which understand escapes.
_WINDOWS_TERMINALS: Final = ("WT_SESSION", "TERM", "ANSICON", "ConEmuANSI")
#: What needs no quotes.
_BARE: Final = re.compile(r"[^\s\"'=\\\[\]{}]+")


def encode_console(event: SafeEvent, *, colour: bool, limit: int = DEFAULT_LINE_BYTES) -> bytes:
    """
    Write *event* as one line, and its stack on the lines below.

    Args:
        event: What happened.
        colour: Whether to colour the parts.
        limit: Bytes that all of it may have, at least 1,000. What is longer is cut and
            not coloured, and a note at the end tells how much is missing.
    """
    parts = list(_parts(event))
    line = "".join(
        f"\x1b[{style}m{text}\x1b[m" if colour and style and text else text for style, text in parts
    )
    if len(data := line.encode()) < limit:
        return data + b"\n"
    bare = "".join(text for _, text in parts).encode()  # a cut could go through an escape
    kept = bare[: limit - _NOTE].decode(errors="ignore").encode()
    return b"%s [... %d bytes cut]\n" % (kept, len(bare) - len(kept))


def _parts(event: SafeEvent) -> Iterator[tuple[str, str]]:
    """Give the styles and texts that make up the whole, in their order."""
    level = level_name(event.level)
    yield _FAINT, f"{isoformat(event.time_ns)[11:23]}Z "
    yield _OF_LEVEL[level], f"{level:{_LEVEL_WIDTH}}"
    yield "", f" {_visible(str(event.logger or event.fn)):{_LOGGER_WIDTH}} "
    fields = dict(_pairs(event))
    yield _BOLD, f"{_visible(event.msg):{_MSG_WIDTH if fields else 0}}"
    for name, value in fields.items():
        yield _FAINT, f" {_quoted(name)}="
        yield "", _quoted(value)
    if event.stack:
        *frames, last = _folded(event.stack.split("\n"))
        yield _FAINT, "".join(f"\n    {_visible(line)}" for line in frames)
        yield _FAILURE, f"\n    {_visible(last)}"


def _pairs(event: SafeEvent) -> Iterator[tuple[str, Json]]:
    if event.event is not None:
        yield "event", event.event
    yield from event.fields.items()
    for name, value in event.context.items():
        # People quote the beginning of an id, and that is enough to find the trace by.
        yield name, get_trace_fingerprint(str(value)) if name == "trace_id" else value


def _folded(lines: list[str]) -> list[str]:
    folded = len(lines) - _STACK_HEAD - _STACK_TAIL
    if folded <= 1:
        return lines
    return [*lines[:_STACK_HEAD], f"  [... {folded} more lines]", *lines[-_STACK_TAIL:]]


def _quoted(value: Json) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value):
        return _visible(value)
    return _visible(json.dumps(value, ensure_ascii=False))


def _visible(text: str) -> str:
    """Show what a terminal would obey, or not show, by its escape."""
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def wants_colour(environment: Environment, *, is_terminal: bool, windows: bool) -> bool:
    """
    Decide whether lines are coloured, as most programs do.

    ``NO_COLOR`` is obeyed before ``FORCE_COLOR``, and both before what the output
    is. A Windows console is trusted with escapes only where it says it knows them.
    """
    if environment.text("NO_COLOR", ""):
        return False
    if environment.text("FORCE_COLOR", ""):
        return True
    knows_escapes = not windows or any(environment.text(name, "") for name in _WINDOWS_TERMINALS)
    return is_terminal and knows_escapes and environment.text("TERM", "") != "dumb"
