"""
Replace the secrets inside a text by markers, and leave the rest of it alone.

Most texts hold no secret. One small pattern, made from the anchors of the
detectors, finds that out in a single pass; only if it matches, the detectors
whose anchors are there are run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from .assignments import Assignments
from .detectors import Detector, Shape, Span, compiled
from .literals import Literals
from .mask import Mask

#: Characters to look for, rarest in log messages first. Ordinary prose has few of them.
_PIVOTS: Final = "~QJ_XKGBSA=-/:.b"


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
        self._gate: Callable[[str], object] | None = None

    def find(self, text: str) -> list[Span]:
        """Find the secrets in *text*; they may overlap, and a marker may be among them."""
        # Compiled at first need, so that importing obskit stays cheap.
        gate = self._gate or self._compile_gate()
        spans: list[Span] = []
        if gate(text) is not None:
            for shape in self._shapes:
                if shape.may_find(text):
                    spans += shape.find(text)
        if "=" in text or ":" in text or "--" in text or "%3" in text:
            spans += self._assignments.find(text)
        for detector in self._own:
            spans += (_checked(found, text) for found in detector.find(text))
        if (literals := self._literals.pattern) is not None:
            spans += (Span(match.start(), match.end(), "literal", False) for match in literals.finditer(text))
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

    def _compile_gate(self) -> Callable[[str], object]:
        self._gate = compiled(gate_pattern(self._shapes)).search
        return self._gate

    def _is_empty(self, text: str, span: Span) -> bool:
        return span.start >= span.end or self._mask.is_marker(text[span.start : span.end])


def gate_pattern(shapes: Iterable[Shape]) -> str:
    """
    Write a pattern that matches wherever one of *shapes* can match.

    Each of its branches starts with one literal character, which lets the
    regular expression engine skip all other characters quickly. In an anchor,
    that is the rarest one; at most two characters before it are checked too.
    """
    probes = sorted({shape.probe for shape in shapes if shape.probe is not None})
    behind: dict[tuple[str, str], set[str]] = {}
    for anchor in {anchor for shape in shapes if shape.probe is None for anchor in shape.anchors}:
        pivot = next(char for char in _PIVOTS if char in anchor)
        before, _, after = anchor.partition(pivot)
        behind.setdefault((pivot, after if not before else ""), set()).add(before[-2:])
    return "|".join([*probes, *_branches(behind)])


def _branches(behind: dict[tuple[str, str], set[str]]) -> Iterator[str]:
    for (pivot, after), befores in sorted(behind.items()):
        yield f"{re.escape(pivot)}{re.escape(after)}" if befores == {""} else _branch(pivot, befores)


def _branch(pivot: str, befores: set[str]) -> str:
    """Write *pivot* with one look-behind per length, for in a look-behind all must have the same."""
    by_length: dict[int, list[str]] = {}
    for before in sorted(befores):
        by_length.setdefault(len(before), []).append(re.escape(before + pivot))
    behind = "|".join(f"(?<={'|'.join(same)})" for same in by_length.values())
    return f"{re.escape(pivot)}(?:{behind})"


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
