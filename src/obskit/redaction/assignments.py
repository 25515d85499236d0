"""
Find secrets that a name in the text gives away: ``token=...``, ``"apiKey": "..."``, ``Cookie: ...``.

The name is judged by the same policy as the key of a field. Prose uses the same
words (``token: expired``), so the value has a say too, which is the business of `values`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ..lazy import LOADING
from .policy import KeyPolicy
from .span import Mention, Span

if TYPE_CHECKING:
    from .values import Values

#: A separator and the name before it, for a text that is read backwards: only separators are tried, while
#: forwards it would be every word of a sentence. A comma separates a pair, ``["X-Api-Key", "..."]``, and the
#: members of an object, ``{"name": "X-Api-Key", "value": "..."}``.
_BACKWARDS: Final = re.compile(
    r"""[=:,](?:(?<!,)[=:]{0,2}+[ \t]{0,8}+\]?["'`]?
    |(?<=,)["'](?=[\w.-]{1,80}+["'][bu]?(?:[\[(]|[ \t]{0,4}:["'](?:eman|yek)["'])))
    (?P<name>(?:\d{1,4}-?)?[A-Za-z_][\w.-]{0,79}+)""",
    re.ASCII | re.VERBOSE,
)
_OPTION: Final = re.compile(r"--(?P<name>[A-Za-z][\w-]{0,79}+)[ \t]{1,4}(?=[^\s-])", re.ASCII)
_INNOCENT_SIZE: Final = 4_096


class Assignments:
    """A detector of named values in text."""

    def __init__(self, policy: KeyPolicy) -> None:
        self._policy = policy
        #: Names in reverse that are known to be innocent. All those of a text are looked up at once.
        self._innocent: set[str] = set()
        self._values: Values | None = None

    def find(self, text: str, /) -> Iterator[Span]:
        """Yield the values of secret names, first to last."""
        end = 0
        for mention in sorted(self._mentions(text), key=lambda mention: mention.sign_end):
            if self._values is None:  # with the first secret name, which few texts have
                with LOADING:
                    from .values import Values

                self._values = Values(self._policy)
            span = self._values.behind(mention, text, end)
            if span is not None:
                yield span
                end = span.end

    def _mentions(self, text: str) -> Iterator[Mention]:
        backwards = text[::-1]
        if not self._innocent.issuperset(_BACKWARDS.findall(backwards)):
            yield from self._assigned(len(text), backwards)
        if "--" in text:
            for match in _OPTION.finditer(text):
                if (verdict := self._policy.verdict(match["name"])) is not None:
                    yield Mention(match["name"], verdict, match.start("name"), match.end())

    def _assigned(self, length: int, backwards: str) -> Iterator[Mention]:
        for match in _BACKWARDS.finditer(backwards):
            reverse = match["name"]
            if reverse in self._innocent:
                continue
            name = reverse[::-1]
            # "2026-01-01T12:" would fill the policy's memory: a name does not start with a digit.
            verdict = self._policy.verdict(name.lstrip("0123456789.-"))
            if verdict is not None:
                yield Mention(name, verdict, length - match.end(), length - match.start())
                continue
            if len(self._innocent) >= _INNOCENT_SIZE:
                self._innocent.clear()
            self._innocent.add(reverse)
