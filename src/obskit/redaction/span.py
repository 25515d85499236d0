"""Where secrets, and names that announce them, stand in a text."""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from typing import NamedTuple

from .verdict import Verdict


class Span(NamedTuple):
    """Where a secret stands in a text."""

    start: int
    end: int
    name: str  #: of the detector that found it
    tail: bool = True  #: whether this kind of secret may show its last characters


class Mention(NamedTuple):
    """Where a secret name stands in a text, with a sign behind it after which its value may come."""

    name: str
    verdict: Verdict
    start: int
    sign_end: int


def merged(spans: list[Span]) -> list[Span]:
    """Sort *spans* and join those that overlap; a joined one shows no more than its parts would."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = last._replace(end=max(last.end, span.end), tail=last.tail and span.tail)
        else:
            joined.append(span)
    return joined
