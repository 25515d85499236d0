"""
Find secrets that a name in the text gives away: ``token=...``, ``"apiKey": "..."``, ``Cookie: ...``.

The name is judged by the same policy as the key of a field. Prose uses the
same words (``token: expired``), so the value has a say too: the less certain
the name, the more the value must look like a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .detectors import Span
from .policy import KeyPolicy, Verdict

#: A separator and the name before it, for a text that is read backwards: only separators are tried, while
#: forwards it would be every word of a sentence. 100 characters of prose: 0.7 us instead of 4.1 us.
_BACKWARDS: Final = re.compile(
    r"""(?:>=|=:|={1,3}|:)[ \t]{0,8}+\]?(?P<quote>["'`]\\{0,8}+)?(?P<name>\d{0,4}[A-Za-z_][\w.-]{0,79}+)""",
    re.ASCII,
)
#: The same for a query that is percent-encoded inside another one.
_BACKWARDS_ENCODED: Final = re.compile(r"[Dd]3%(?P<quote>)(?P<name>\d{0,4}[A-Za-z_][\w.-]{0,79}+)", re.ASCII)
_OPTION: Final = re.compile(r"--(?P<name>[A-Za-z][\w-]{0,79}+)[ \t]{1,4}(?=[^\s-])", re.ASCII)

_BLANKS: Final = re.compile(r"[ \t]{0,8}+")
_QUOTE: Final = re.compile(r"""[bruf]?(?P<quote>\\{0,8}+["'`])""")
_PLAIN: Final = re.compile(r"""[^\s,;&"'`<>(){}\[\]|\\]{1,256}+""")
_PLAIN_REST: Final = re.compile(r"""[^\s,;&"'`<>(){}\[\]|\\]*+""")
_COOKIES: Final = re.compile(r"""(?=[^\r\n"'\\=]{1,256}+=)[^\r\n"'\\]++""")
_LIST: Final = re.compile(r"(?=[^\r\n=]{1,256}+=)[^\r\n]++")
_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][\w-]{1,31}+)[ \t]{1,4}(?=\S)", re.ASCII)
_CREDENTIAL_SCHEMES: Final = frozenset({"bearer", "basic", "bot", "token", "apikey"})
#: Schemes whose credential is a list of parts up to the end of the line.
_LIST_SCHEMES: Final = frozenset({"digest", "aws4-hmac-sha256", "signature", "mac", "oauth", "hawk"})
_CALLS: Final = frozenset("([")
#: So much of a value decides. Values that are left alone are no longer, which keeps the search linear.
_LOOK: Final = 256

#: Values that stand for a secret without being one.
_PLACEHOLDER: Final = re.compile(
    r"""[?*]{1,80}|%s|%\(\w{1,40}\)s|\$\d{1,3}|:[A-Za-z_]\w{0,40}|@[A-Za-z_]\w{0,40}|\{\w{0,40}\}|\{\{.{0,60}\}\}
    |\$\{?[A-Z_][A-Z0-9_]{0,60}\}?|<[A-Za-z][\w -]{0,40}>|\[[A-Za-z][\w -]{0,40}\]|[xX]{3,80}
    |\.{2,80}|…|-{1,80}""",
    re.VERBOSE | re.ASCII,
)
_INNOCENT: Final = frozenset(
    "requires needs takes expects argument option flag value none null nil undefined "
    "true false yes no on off required optional missing invalid expired empty "
    "unset set ok failed failure error errors unknown denied found not absent present default enabled "
    "disabled redacted hidden masked removed str int float bool bytes string number boolean object "
    "array any type self this get os env environ config settings var let const is was has and or must "
    "should".split()
)
_WORDS: Final = re.compile(r"[A-Za-z][a-z]*+(?:[-_ .]{1,2}[A-Za-z][a-z]*+)*+", re.ASCII)
_PATH: Final = re.compile(
    r"(?:~|\.{0,2})/|[A-Za-z]:\\|[\w.@-]{1,40}/(?=[^=+]*$)|[\w.-]{1,80}\.(?=[A-Za-z])[a-z0-9]{1,5}$", re.ASCII
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBERED: Final = re.compile(r"[A-Za-z_]{1,40}[:#-]\d{1,20}", re.ASCII)
_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,:]\d+)*+%?", re.ASCII)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")
#: A single run of letters of this length is hardly a word.
_LONGEST_WORD: Final = 20


class _Name(NamedTuple):
    """A secret name in a text, and where its value starts."""

    name: str
    verdict: Verdict
    start: int
    is_loose: bool  #: whether prose could go on here just as well


class Assignments:
    """A detector of named values in text."""

    name: Final = "assignment"

    def __init__(self, policy: KeyPolicy) -> None:
        self._policy = policy

    def find(self, text: str, /) -> Iterator[Span]:
        """Yield the values of secret names, first to last."""
        end = 0
        for name in self._names(text):
            # What stands inside a value that is hidden already needs no look: that keeps the search linear.
            if name.start >= end and (span := self._value(text, name)) is not None:
                yield span
                end = span.end

    def _names(self, text: str) -> list[_Name]:
        names: list[_Name] = []
        if "=" in text or ":" in text:
            names += self._names_before(_BACKWARDS, text)
        if "%3" in text:
            names += self._names_before(_BACKWARDS_ENCODED, text)
        if "--" in text:
            for match in _OPTION.finditer(text):
                if (verdict := self._policy.verdict(match["name"])) is not None:
                    names.append(_Name(match["name"], verdict, match.end(), False))
        if len(names) > 1:
            names.sort(key=lambda name: name.start)
        return names

    def _names_before(self, separator: re.Pattern[str], text: str) -> Iterator[_Name]:
        for match in separator.finditer(text[::-1]):
            name = match["name"][::-1]
            if text[len(text) - match.end() - 1 : len(text) - match.end()] == "%":
                name = name[2:]  # the rest of an encoded "?" or "&"
            # "2026-01-01T12:" would fill the policy's memory: a name does not start with a digit.
            verdict = self._policy.verdict(name.lstrip("0123456789.-"))
            if verdict is not None:
                sign_end = len(text) - match.start()
                start = _BLANKS.match(text, sign_end).end()  # type: ignore[union-attr]
                is_loose = text[sign_end - 1] == ":" and start > sign_end and not match["quote"]
                yield _Name(name, verdict, start, is_loose)

    def _value(self, text: str, name: _Name) -> Span | None:
        start, verdict = name.start, name.verdict
        lowered = name.name.lower()
        if (quoted := _QUOTE.match(text, start)) is not None:
            start, end = quoted.end(), _closing(text, quoted.end(), quoted["quote"])
            if lowered.endswith("authorization") and (scheme := _SCHEME.match(text, start, end)) is not None:
                start = scheme.end()
            return self._span(text, start, end, verdict, is_loose=False)
        if lowered.endswith(("cookie", "cookies")) and (line := _COOKIES.match(text, start)) is not None:
            return Span(start, line.end(), self.name, False)
        if lowered.endswith(("authorization", "auth")) and (scheme := _SCHEME.match(text, start)) is not None:
            return self._credential(text, scheme, verdict)
        return self._plain(text, start, verdict, is_loose=name.is_loose)

    def _credential(self, text: str, scheme: re.Match[str], verdict: Verdict) -> Span | None:
        """Take what follows the scheme of an Authorization header; the scheme itself stays."""
        kind = scheme["scheme"].lower()
        if kind in _LIST_SCHEMES and (line := _LIST.match(text, scheme.end())) is not None:
            return Span(line.start(), line.end(), self.name, False)
        if kind == "basic":
            return self._plain(text, scheme.end(), Verdict(tail=False), is_loose=False)
        return self._plain(text, scheme.end(), verdict, is_loose=kind not in _CREDENTIAL_SCHEMES)

    def _plain(self, text: str, start: int, verdict: Verdict, *, is_loose: bool) -> Span | None:
        """Take one unquoted word, without the punctuation of the sentence around it."""
        plain = _PLAIN.match(text, start)
        if plain is None:
            return None
        following = text[plain.end() : plain.end() + 1]
        if following in _CALLS or (plain[0] == "$" and following == "{"):  # source text and templates
            return None
        end = start + len(plain[0].rstrip(".,:!?"))
        span = self._span(text, start, end, verdict, is_loose=is_loose)
        if span is None or len(plain[0]) < _LOOK:
            return span
        return span._replace(end=_PLAIN_REST.match(text, plain.end()).end())  # type: ignore[union-attr]

    def _span(self, text: str, start: int, end: int, verdict: Verdict, *, is_loose: bool) -> Span | None:
        value = text[start : min(end, start + _LOOK)]
        if not value or not looks_secret(value, verdict, is_loose=is_loose):
            return None
        return Span(start, end, self.name, verdict.tail)


def _closing(text: str, start: int, quote: str) -> int:
    """Find where the quoted value that starts at *start* ends: at the same quote, or with the line."""
    position = text.find(quote, start)
    while position >= 0 and len(quote) == 1 and _is_escaped(text, position, start):
        position = text.find(quote, position + 1)
    if position >= 0:
        return position
    line = text.find("\n", start)
    return len(text) if line < 0 else line


def _is_escaped(text: str, position: int, start: int) -> bool:
    before = position
    while before > start and text[before - 1] == "\\":
        before -= 1
    return (position - before) % 2 == 1


def looks_secret(value: str, verdict: Verdict, *, is_loose: bool) -> bool:
    """
    Say whether *value*, found behind a secret name in text, is a secret rather than prose.

    Args:
        is_loose: Whether prose could stand here, as behind a colon and a blank.
    """
    if value.casefold() in _INNOCENT or _PLACEHOLDER.fullmatch(value):
        return False
    if _NUMBER.fullmatch(value):
        return verdict.numbers and not verdict.weak
    is_doubtful = is_loose or verdict.weak
    if is_doubtful and _WORDS.fullmatch(value):
        return len(value) >= _LONGEST_WORD and value.isalpha()
    if is_doubtful and _URL.match(value):
        return False
    if not verdict.weak:
        return True
    if _PATH.match(value) or _UUID.fullmatch(value) or _NUMBERED.fullmatch(value):
        return False
    return len(value) >= 16 or (len(value) >= 8 and any(map(str.isdigit, value)))
