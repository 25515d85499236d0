"""
Replace the secrets inside a text by markers, and leave the rest of it alone.

Most texts hold no secret, which a sieve finds out. Only the shapes it lets pass
are searched for, in the text as it was written and, where it has escapes, in
the text that they stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from ..lazy import LOADING
from .literals import Literals
from .mask import Mask
from .policy import KeyPolicy
from .span import Span

if TYPE_CHECKING:
    from .assignments import Assignments
    from .detectors import Detector, Shape
    from .sieve import Sieve


#: No shape without a colon or a hyphen in it, and no escape that hides one, is shorter than this.
_SHORTEST: Final = 12


class Scanner:
    """
    The text side of a redactor: gate, detectors, registered literals, markers.

    Args:
        detectors: The setting of a redactor.
    """

    def __init__(
        self, detectors: Iterable[object], *, policy: KeyPolicy, literals: Literals, mask: Mask
    ) -> None:
        self._shapes: tuple[Shape, ...] = ()  #: what to look for; all that are built in if empty
        self._own: tuple[Detector, ...] = ()  #: of the project
        if detectors != ():
            from .detectors import choose  # not at import, as all that only a search needs
            from .shapes import SHAPES

            self._shapes, self._own = choose(detectors, SHAPES)
        self._policy = policy
        self._literals = literals
        self._mask = mask
        # Loaded and compiled at first need: a third of the time of a first line, which may do without.
        self._tools: tuple[Sieve, Assignments] | None = None

    def find(self, text: str) -> list[Span]:
        """Find the secrets in *text*; they may overlap, and a marker may be among them."""
        # Of 12 characters and without these signs, nothing can be a secret by its looks: no shape is
        # shorter, and an assignment has a sign. Most fields are such texts: 0.3 us instead of 1.3 us.
        if (
            len(text) < _SHORTEST
            and not ("=" in text or ":" in text or "-" in text or "%" in text)
            and not self._own
            and self._literals.pattern is None
        ):
            return []
        sieve, assignments = self._tools or self.load()
        spans: list[Span] = []
        if signs := sieve.signs(text):
            spans += _shaped(sieve, text, signs)
            if sieve.escapes(signs):
                spans += _escaped(sieve, assignments, text)
        if "=" in text or ":" in text or (signs and sieve.names(signs)):
            spans += assignments.find(text)
        for detector in self._own:
            spans += (_checked(found, text) for found in detector.find(text))
        return spans + self.literals(text)

    def literals(self, text: str) -> list[Span]:
        """Find the registered secrets in *text*."""
        pattern = self._literals.pattern
        return [] if pattern is None else pattern.find(text)

    def load(self) -> tuple[Sieve, Assignments]:
        """Load what a search needs, once: copies of a redactor share it."""
        with LOADING:
            if self._tools is None:
                from .assignments import Assignments
                from .shapes import SHAPES
                from .sieve import Sieve

                self._tools = (Sieve(self._shapes or SHAPES), Assignments(self._policy))
            return self._tools

    def replace(self, text: str, spans: list[Span]) -> tuple[str, list[Span]]:
        """Give *text* with a marker for each secret of *spans*, and these; the same object if none."""
        spans = _merged([span for span in spans if not self._is_empty(text, span)])
        if not spans:
            return text, spans
        parts: list[str] = []
        position = 0
        for span in spans:
            parts += text[position : span.start], self._mask.hide(text[span.start : span.end], tail=span.tail)
            position = span.end
        parts.append(text[position:])
        return "".join(parts), spans

    def _is_empty(self, text: str, span: Span) -> bool:
        return span.start >= span.end or self._mask.is_marker(text[span.start : span.end])


def _escaped(sieve: Sieve, assignments: Assignments, text: str) -> Iterator[Span]:
    """Find what shows only where the escapes of *text* are read."""
    from . import escapes  # loaded with the sieve

    for readings in escapes.readings(text):
        plain = readings[0].text
        for found in (_shaped(sieve, plain, sieve.signs(plain)), assignments.find(plain)):
            for span in found:
                yield escapes.written(span, readings)


def _shaped(sieve: Sieve, text: str, signs: list[str]) -> Iterator[Span]:
    """Find the secrets that are known by their shape, if *signs* speak for one."""
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
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = last._replace(end=max(last.end, span.end), tail=last.tail and span.tail)
        else:
            joined.append(span)
    return joined
