"""Hide registered secrets in a line that is written already, and leave it a line."""

from __future__ import annotations

import re
from typing import Final

from .scan import Scanner

#: What is no text but the form of a line.
_FORM: Final = re.compile(r"\n|(?<!\\)\"")
#: A marker in the place of a number, which JSON wants in quotation marks; texts are passed over.
_BARE_MARKER: Final = re.compile(r""""(?:[^"\\]|\\.)*+"|[-+.\w]*+(\*{3}(?:\#[0-9a-f]{8})?)[-+.\w]*""")


def hide_literals(line: bytes, scanner: Scanner) -> tuple[bytes, int]:
    """Give *line* without registered secrets, and how many there were; the same object if none."""
    text = line.decode("utf-8", "surrogateescape")
    spans = [
        span
        for span in scanner.literals(text)
        if _FORM.search(text, span.start, span.end) is None and not _is_escaped(text, span.start)
    ]
    if not spans:
        return line, 0
    safe, spans = scanner.replace(text, spans)
    if safe.startswith("{"):
        safe = _BARE_MARKER.sub(_quoted, safe)
    return safe.encode("utf-8", "surrogateescape"), len(spans)


def _is_escaped(text: str, position: int) -> bool:
    """Say whether the character at *position* is the second of an escape, as the n of a line feed in JSON."""
    before = text[:position]
    return text.startswith("{") and (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _quoted(found: re.Match[str]) -> str:
    return f'"{found[1]}"' if found[1] else found[0]
