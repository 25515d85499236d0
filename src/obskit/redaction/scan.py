"""
Replace the secrets inside a text by markers, and leave the rest of it alone.

Most texts hold no secret, which a sieve finds out. Only the shapes it lets pass
are searched for, in the text as it was written and, where it has escapes, in
the text that they stand for.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import escapes
from .assignments import Assignments
from .detectors import Detector, Shape, Span
from .literals import Literals
from .mask import Mask
from .sieve import Sieve


class Scanner:
    """The text side of a redactor: gate, detectors, registered literals, markers."""

    def __init__(
        self,
        *,
        shapes: tuple[Shape, ...],
        own: tuple[Detector, ...],
        assignments: Assignments,
        literals: Literals,
        mask: Mask,
    ) -> None:
        self._shapes = shapes
        self._own = own
        self._assignments = assignments
        self._literals = literals
        self._mask = mask
        # Made at first need, so that importing obskit stays cheap. Without a lock: two threads may make
        # one each, while a child forked in the middle of it would wait for ever for the lock's holder.
        self._sieve: Sieve | None = None

    def find(self, text: str) -> list[Span]:
        """Find the secrets in *text*; they may overlap, and a marker may be among them."""
        sieve = self._sieve
        if sieve is None:
            sieve = self._sieve = Sieve(self._shapes)
        spans: list[Span] = []
        if signs := sieve.signs(text):
            spans += _shaped(sieve, text, signs)
            if sieve.escapes(signs):
                spans += self._escaped(sieve, text)
        if "=" in text or ":" in text or (signs and sieve.names(signs)):
            spans += self._assignments.find(text)
        for detector in self._own:
            spans += (_checked(found, text) for found in detector.find(text))
        if (literals := self._literals.pattern) is not None:
            spans += (Span(start, end, "literal", False) for start, end in literals.find(text))
        return spans

    def replace(self, text: str, spans: list[Span]) -> tuple[str, int]:
        """Give *text* with a marker for each of *spans*, and how many there were; the same object if none."""
        spans = _merged([span for span in spans if not self._is_empty(text, span)])
        if not spans:
            return text, 0
        parts: list[str] = []
        position = 0
        for span in spans:
            parts += text[position : span.start], self._mask.hide(text[span.start : span.end], tail=span.tail)
            position = span.end
        parts.append(text[position:])
        return "".join(parts), len(spans)

    def _escaped(self, sieve: Sieve, text: str) -> Iterator[Span]:
        """Find what shows only where the escapes of *text* are read."""
        for readings in escapes.readings(text):
            plain = readings[0].text
            for found in (_shaped(sieve, plain, sieve.signs(plain)), self._assignments.find(plain)):
                for span in found:
                    yield escapes.written(span, readings)

    def _is_empty(self, text: str, span: Span) -> bool:
        return span.start >= span.end or self._mask.is_marker(text[span.start : span.end])


def _shaped(sieve: Sieve, text: str, signs: list[str]) -> Iterator[Span]:
    for shape in sieve.shapes(signs):
        if shape.may_find(text):
            yield from shape.find(text)


def _checked(found: tuple[int, int, str], text: str) -> Span:
    """Take what a project's own detector found; nonsense is an error, and so hides the text."""
    start, end, name = found[:3]
    if not 0 <= start <= end <= len(text):
        raise ValueError("a detector found a span outside of the text")
    return Span(start, end, name)


def _merged(spans: list[Span]) -> list[Span]:
    """Sort *spans* and join those that overlap; a joined one shows no more than its parts would."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = last._replace(end=max(last.end, span.end), tail=last.tail and span.tail)
        else:
            merged.append(span)
    return merged
