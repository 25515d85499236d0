"""
Read a text as what its escapes stand for.

A secret often stands in a text that was written for another reader: inside a
JSON string, a repr, the query of a URL, an HTML page, a coloured terminal.
`plainer` takes one layer of such writing off and remembers where each
character came from, so that the detectors need to know no spelling but the
plain one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from .span import Span

#: The first character of each escape, and a pattern for what follows it. The last stands for nothing: a zero
#: byte of UTF-16 that was taken for UTF-8.
ESCAPES: Final = {"\\": "", "%": "[0-7][0-9a-fA-F]", "&": "[#aq]", "\x1b": "", "\x00": ""}
_ESCAPE: Final = re.compile(
    # First what any of them begins with: 1 us for 100 characters without one, instead of 4 us.
    r"(?=[\\%&\n\r\x00\x1b\udc80-\udcff])"
    r"(?:\\u(?P<high>[dD][89abAB]HH)\\u(?P<low>[dD][c-fC-F]HH)|\\(?P<code>uHHHH|U00(?:0H|10)HHHH|xHH)"
    r"|\\(?P<octal>[0-3][0-7]{2})|\\(?P<letter>[nrtbf/\"'`\\])|%(?P<url>HH)"
    r"|&(?P<html>#[xX]?H{1,7}|[a-zA-Z]{2,8}\d{0,2});|(?P<byte>[\udc80-\udcff])"
    # Base64 broken into lines, a line that goes on in the next one, a colour, a zero byte.
    r"|\n(?<=~{60}\n)(?=~)|\r\n(?<=~{60}\r\n)(?=~)"
    r"|\\\r?\n|(?:\x1b\[[\d;]{0,16}m)++|\x00++)".replace("H", "[0-9a-fA-F]").replace("~", "[0-9A-Za-z+/]"),
    re.ASCII,
)
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
#: A secret is seldom written more than this many times over.
_LAYERS: Final = 4


class Reading:
    """A text without one layer of escapes, and where its characters stand in the text as it was written."""

    def __init__(self, written: str) -> None:
        parts: list[str] = []
        #: Where each run of characters starts here and there; an escape is a run of its own.
        self._here: list[int] = []
        self._there: list[int] = []
        length = position = 0
        for escape in _ESCAPE.finditer(written):
            start, end = escape.span()
            for part, origin in ((written[position:start], position), (_meaning(escape), start)):
                if part:
                    self._here.append(length)
                    self._there.append(origin)
                    parts.append(part)
                    length += len(part)
            position = end
        self._here.append(length)
        self._there.append(position)
        parts.append(written[position:])
        self.text = "".join(parts)

    def origin(self, position: int) -> int:
        """Say where the character at *position* stands in the text as it was written."""
        run = bisect_right(self._here, position) - 1
        return self._there[run] + position - self._here[run]


def readings(text: str) -> Iterator[list[Reading]]:
    """Yield ever plainer readings of *text*, each with those it was read from, plainest first."""
    layers: list[Reading] = []
    for _ in range(_LAYERS):
        if _ESCAPE.search(text) is None:
            return
        layers.insert(0, Reading(text))
        text = layers[0].text
        yield layers


def written(span: Span, layers: list[Reading]) -> Span:
    """Give *span* of the plainest of *layers* as a span of the text as it was written."""
    start, end = span.start, span.end
    for reading in layers:
        start, end = reading.origin(start), reading.origin(end)
    return span._replace(start=start, end=end)


def _meaning(escape: re.Match[str]) -> str:
    """Give what one escape stands for."""
    kind = escape.lastgroup
    if kind is None:
        # A colour parts two words; a line that goes on does not.
        return " " if escape[0][0] == "\x1b" else ""
    text = escape[kind]
    if kind == "letter":
        return _LETTERS.get(text, text)
    if kind == "html":
        from html import unescape  # not at import: it is a table of two thousand names

        return unescape(escape[0])
    if kind == "low":
        return chr(0x10000 + (int(escape["high"], 16) - 0xD800) * 0x400 + int(text, 16) - 0xDC00)
    if kind == "byte":
        return chr(ord(text) - 0xDC00)
    return chr(int(text, 8) if kind == "octal" else int(text.lstrip("uUxX"), 16))
