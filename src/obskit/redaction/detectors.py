"""
Find secrets inside text.

A detector yields the spans of what it finds. The built-in ones come with
anchors, short strings of which every match contains at least one, or a probe, so
that a text without any of them need not be searched at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, NamedTuple, Protocol, runtime_checkable

from ..errors import ConfigError
from .span import Span

GROUP: Final = "secret"


@runtime_checkable
class Detector(Protocol):
    """Something that finds secrets in text."""

    def find(self, text: str, /) -> Iterable[tuple[int, int, str]]:
        """
        Yield ``(start, end, name)`` for each secret in *text*.

        It may be called from several threads at once. An error it raises hides the whole text.
        """


class Shape(NamedTuple):
    """
    A secret that is known by what it looks like.

    The pattern is compiled at first need, so that importing obskit stays cheap.
    """

    name: str
    pattern: str  #: the group "secret" marks what is hidden; every quantifier is bounded or possessive
    anchors: tuple[str, ...] = ()  #: every match contains at least one of these, letter by letter
    rest: str = ""  #: a pattern that is cheap to try, for what follows each anchor
    #: Where anchors would be common: a pattern for a part of every match; it starts with a literal character.
    probe: str | None = None
    tail: bool = True

    def may_find(self, text: str) -> bool:
        """Say cheaply whether `find` could find anything; no is certain."""
        if self.probe is not None:
            return compiled(self.probe).search(text) is not None
        return any(map(text.__contains__, self.anchors))

    def find(self, text: str, /) -> Iterator[Span]:
        """Yield every match."""
        for match in compiled(self.pattern).finditer(text):
            start, end = match.span(GROUP)
            yield Span(start, end, self.name, self.tail)


class Pattern(NamedTuple):
    """A project's own regular expression."""

    pattern: re.Pattern[str]

    def find(self, text: str, /) -> Iterator[tuple[int, int, str]]:
        """Yield every match, or its group "secret" where there is one."""
        group = GROUP if GROUP in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            start, end = match.span(group)
            if start >= 0:
                yield start, end, "pattern"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile *pattern* at first need and keep it."""
    return re.compile(pattern, re.ASCII)


def choose(
    rules: Iterable[object], built_in: Iterable[Shape]
) -> tuple[tuple[Shape, ...], tuple[Detector, ...]]:
    """
    Sort the *detectors* setting into the *built_in* shapes that it names and detectors of a project.

    Raises:
        ConfigError: If a rule is none of what is taken; the message names it.
    """
    if isinstance(rules, str):
        raise ConfigError(f"detectors takes a list of rules, got the text {rules!r}; write [{rules!r}]")
    by_name = {shape.name: shape for shape in built_in}
    chosen: list[Shape] = []
    own: list[Detector] = []
    for rule in rules:
        if not isinstance(rule, str):
            own.append(_own(rule))
        elif rule in by_name:
            chosen.append(by_name[rule])
        else:
            known = ", ".join(by_name)
            raise ConfigError(f"detectors: no built-in detector is called {rule!r}; there are {known}")
    return tuple(chosen), tuple(own)


def _own(rule: object) -> Detector:
    """Make a detector of what a project gave as one."""
    if isinstance(rule, re.Pattern):
        if not isinstance(rule.pattern, str):
            raise ConfigError(f"detectors: the pattern {rule.pattern!r} is for bytes; compile one for str")
        if rule.search("") is not None:
            raise ConfigError(f"detectors: the pattern {rule.pattern!r} matches the empty text")
        return Pattern(pattern=rule)
    if not isinstance(rule, type) and isinstance(rule, Detector) and callable(rule.find):
        return rule
    raise ConfigError(
        f"detectors takes names of built-in ones, compiled patterns and objects with find(text), got {rule!r}"
    )
