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
