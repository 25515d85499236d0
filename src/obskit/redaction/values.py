"""
Judge the value of a secret name: behind the name in a text, where it must be found first, or by itself.

The less certain the name, the more the value must look like a secret. All this
is loaded with the first value that is not hidden for its name alone.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from .policy import KeyPolicy
from .span import Mention, Span
from .verdict import Verdict

_PAIRED: Final = re.compile(r"""[ \t\r\n]{0,8}(?:["']value["']:[ \t]{0,4})?(?=[bu]?["'])""")
_BLANKS: Final = re.compile(r">?[ \t]{0,8}+")
_QUOTE: Final = re.compile(r"""[bruf]?(?P<quote>["'`])""")
#: A quote that ends the text a name is in, as in ``print("Token: " + token)``.
_CLOSED: Final = re.compile(r"""["'`](?:\s|[,;)\]}]{1,3}(?:\s|$)|\.[a-z]{3,10}\(|$)""")
_PLAIN: Final = re.compile(r"""[^\s,;&"'`<>(){}\[\]|\\]{1,256}+""")
_PLAIN_REST: Final = re.compile(r"""[^\s,;&"'`<>(){}\[\]|\\]*+""")
#: All pairs of the line, to the end of the last one; a sentence may go on behind it.
_COOKIES: Final = re.compile(r"""(?=[^\s"'\\=:,;]{1,256}+=)[^\r\n"'\\]*[=;][^\s"'\\;]*+""")
_LIST: Final = re.compile(r"(?=[^\r\n=]{1,256}+=)[^\r\n]*=[^\s,;)\]}>]*+")
_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][\w-]{1,31}+)[ \t]{1,4}(?=\S)", re.ASCII)
_CREDENTIAL_SCHEMES: Final = frozenset({"bearer", "basic", "bot", "token", "apikey"})
#: Schemes whose credential is a list of parts up to the end of the line.
_LIST_SCHEMES: Final = frozenset({"digest", "aws4-hmac-sha256", "signature", "mac", "oauth", "hawk"})
_CALLS: Final = frozenset("([")
#: So much of a value decides. Values that are left alone are no longer, which keeps the search linear.
_LOOK: Final = 256

#: Values that stand for a secret without being one.
_PLACEHOLDER: Final = re.compile(
    r"""[?*]{1,80}|%s|%\(\w{1,40}\)s|\$\d{1,3}|:[A-Za-z_]\w{0,40}|@[A-Za-z_]\w{0,40}|\{\w{0,40}\}
    |\{\{.{0,60}\}\}|\$\{?[A-Z_][A-Z0-9_]{0,60}\}?|<[A-Za-z][\w -]{0,40}>|\[[A-Za-z][\w -]{0,40}\]|[xX]{3,80}
    |\.{2,80}|…|-{1,80}|![a-z]{2,20}|\$\(.{0,250}
    |(?:[\w .:/=-]{0,40}\{\w[\w.()\[\]:!]{0,60}\}){1,4}[\w .:/=-]{0,40}""",
    re.VERBOSE | re.ASCII,
)
_INNOCENT: Final = frozenset(
    "requires needs takes expects argument option flag value none null nil undefined "
    "true false yes no on off required optional missing invalid expired empty "
    "unset set ok failed failure error errors unknown denied found not absent present default enabled "
    "disabled redacted hidden masked removed str int float bool bytes string number boolean object "
    "array any type self this get os env environ config settings var let const is was has and or must "
    "should the a an too see please incorrect wrong weak strong reset revoked changed same new old in "
    "from file stdin prompt valid active inactive stale fresh unchanged header include omit".split()
)
_WORDS: Final = re.compile(r"_{0,2}[A-Za-z][a-z]*+(?:[-_ .]{0,2}[A-Za-z][a-z]*+)*+_{0,2}", re.ASCII)
_CAMEL: Final = re.compile(r"[A-Za-z][a-z]{1,19}+(?:[A-Z][a-z]{2,19}+)*+")
#: No password even where one could stand: what became of it (``changed``), and the name of a type.
_NO_PASSWORD: Final = re.compile(r"[a-z]{2,16}(?:ed|ing)|(?:[A-Z][a-z]{1,20}){2,8}")
_PATH: Final = re.compile(
    r"(?:~|\.{0,2})/|(?:SHA\d{1,3}|MD5):|[A-Za-z]:\\|[\w.@-]{1,40}/(?=[^=+]*$)|[\w.-]{1,80}\.(?=[A-Za-z])[a-z0-9]{1,5}$",
    re.ASCII,
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Words, numbers and digests apart, as in the key of a cache: what is random has them mixed.
_PART: Final = r"(?:[A-Za-z]{1,20}+|\d{1,20}+|[0-9a-f]{40}(?:[0-9a-f]{24})?)(?![A-Za-z0-9])"
_COMPOSED: Final = re.compile(rf"{_PART}(?:[:#/._-]{_PART})+", re.ASCII)
_MIX: Final = r"(?:[A-Za-z]\d|\d[A-Za-z])"
#: What no word, name, place or date has: in one run of letters and digits, these mixed twice, or once next
#: to both cases, or many changes of case; or both cases, digits and a sign anywhere. Of random values of 24
#: characters, 0.1 % have none of it.
_RANDOM: Final = re.compile(
    rf"(?=\S{{16}})(?:(?s:.*?)(?<![A-Za-z0-9])(?=[A-Za-z0-9]{{8}})"
    rf"(?:(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]*?{_MIX}|[A-Za-z0-9]*?{_MIX}[A-Za-z0-9]*?{_MIX}"
    r"|(?:[A-Za-z0-9]*?[a-z][A-Z]){4})"
    rf"|(?=[^:@.]*$)(?=.*[!#$%^&*+=~])(?=.*[a-z])(?=.*[A-Z]).*?{_MIX})",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,:]\d+)*+%?", re.ASCII)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")
#: A name in source text: of a variable, an attribute, an environment variable.
_REFERENCE: Final = re.compile(r"(?:[A-Za-z_]\w{0,60}\.){0,8}[A-Za-z_]\w{0,60}", re.ASCII)
#: That of a class in a module, which may have letters and digits mixed: ``hashers.Argon2PasswordHasher``.
_MODULE: Final = re.compile(r"(?:[a-z_]\w{0,60}\.){2,8}[A-Za-z_]\w{0,60}", re.ASCII)
_ROOTS: Final = frozenset(
    "self cls args config settings options os env ctx request kwargs data params".split()
)
#: What may follow the one word that is a password, where more words would be a sentence.
_CLAUSE_END: Final = re.compile(
    r"""[.!"'`)\]}>]{0,3}+(?:\s{0,8}$|[,;|<&\t\r\n\x1b]|[ ]+(?:[A-Z(\[{"'|-]|(?:and|but|for|user|at|on)\b))"""
)
#: A single run of letters of this length is hardly a word.
_LONGEST_WORD: Final = 20
#: A single word that is longer and ends like a secret name may well be a password.
_LONGEST_NAME: Final = 8
#: A value that is shorter keeps no secret.
_SHORTEST: Final = 3
#: Environment variables that only sound like a password.
_DIRECTORIES: Final = frozenset({"PWD", "OLDPWD"})


#: What these finds are called.
_RULE: Final = "assignment"


class _Name(NamedTuple):
    """A secret name in a text, and where its value starts."""

    name: str
    verdict: Verdict
    start: int
    is_loose: bool  #: whether prose could go on here just as well


class Values:
    """Finds the values of secret names."""

    def __init__(self, policy: KeyPolicy) -> None:
        self._policy = policy

    def behind(self, mention: Mention, text: str, end: int) -> Span | None:
        """Give the secret behind *mention*, if there is one; None where it starts before *end*."""
        name = _found(text, mention)
        # What stands inside a value that is hidden already needs no look: that keeps the search linear.
        return None if name is None or name.start < end else self._value(text, name)

    def _value(self, text: str, name: _Name) -> Span | None:
        start, lowered = name.start, name.name.lower()
        if (quoted := _QUOTE.match(text, start)) is not None:
            start, end = quoted.end(), _closing(text, quoted.end(), quoted["quote"])
            if lowered.endswith("authorization") and (scheme := _SCHEME.match(text, start, end)) is not None:
                start = scheme.end()
            return self._span(text, start, end, name.verdict, is_loose=name.is_loose)
        if lowered.endswith(("cookie", "cookies")) and (line := _COOKIES.match(text, start)) is not None:
            return Span(start, line.end(), _RULE, False)
        if lowered.endswith(("authorization", "auth")) and (scheme := _SCHEME.match(text, start)) is not None:
            return self._credential(text, name, scheme)
        return self._plain(text, name)

    def _credential(self, text: str, name: _Name, scheme: re.Match[str]) -> Span | None:
        """Take what follows the scheme of an Authorization header; the scheme itself stays."""
        kind = scheme["scheme"].lower()
        if kind in _LIST_SCHEMES and (line := _LIST.match(text, scheme.end())) is not None:
            return Span(line.start(), line.end(), _RULE, False)
        verdict = Verdict(tail=False) if kind == "basic" else name.verdict
        is_loose = kind not in _CREDENTIAL_SCHEMES
        return self._plain(text, _Name(name.name, verdict, scheme.end(), is_loose))

    def _plain(self, text: str, name: _Name) -> Span | None:
        """Take one unquoted word, without the punctuation of the sentence around it."""
        start, verdict, is_loose = name.start, name.verdict, name.is_loose
        plain = _PLAIN.match(text, start)
        if plain is None:
            return None
        following = text[plain.end() : plain.end() + 1]
        if following in _CALLS or (plain[0] == "$" and following == "{"):  # source text and templates
            return None
        value = plain[0].rstrip(".,:!?")
        if self._is_reference(value, name):
            return None
        end = start + len(value)
        # A sentence would go on behind its first word; a password ends what is said.
        if is_loose and not (verdict.tail or verdict.weak) and _CLAUSE_END.match(text, end) is not None:
            is_loose = _NO_PASSWORD.fullmatch(value) is not None
        span = self._span(text, start, end, verdict, is_loose=is_loose)
        if span is None or len(plain[0]) < _LOOK:
            return span
        return span._replace(end=_PLAIN_REST.match(text, plain.end()).end())  # type: ignore[union-attr]

    def _is_reference(self, value: str, name: _Name) -> bool:
        """Say whether *value* is a name in source text, as in ``connect(key=key, token=self.token)``."""
        if _REFERENCE.fullmatch(value) is None:
            return False
        first, dot, _ = value.partition(".")
        if dot and first in _ROOTS:
            return True
        if any(map(str.isdigit, value)):  # as in a token, and seldom in a name
            return False
        if (dot and name.verdict.tail) or (value.isupper() and "_" in value):
            return True
        is_short = len(value) <= _LONGEST_NAME
        return (is_short or dot != "" or "_" in value) and self._policy.verdict(value) is not None

    def _span(self, text: str, start: int, end: int, verdict: Verdict, *, is_loose: bool) -> Span | None:
        value = text[start : min(end, start + _LOOK)]
        if not value or not looks_secret(value, verdict, is_loose=is_loose):
            return None
        return Span(start, end, _RULE, verdict.tail)


def _found(text: str, mention: Mention) -> _Name | None:
    """Find where the value of a name starts, and whether prose could stand there."""
    name, verdict, name_start, sign_end = mention
    sign = text[sign_end - 1]
    if sign in " \t":  # behind an option of a command
        return _Name(name, verdict, sign_end, False)
    if sign == ",":
        pair = _PAIRED.match(text, sign_end)
        return pair and _Name(name, verdict, pair.end(), not _is_header(name))
    start = _BLANKS.match(text, sign_end).end()  # type: ignore[union-attr]
    before = text[max(name_start - 2, 0) : name_start]
    if sign == ":" and (before[-1:] == ":" or (before == "//" and start == sign_end)):
        return None  # a part of an identifier as AWS writes them; the user of a URL
    if name in _DIRECTORIES and _PATH.match(text, start) is not None:
        return None
    if text[sign_end - 2 : sign_end - 1] in ('"', "'", "`"):
        return _Name(name, verdict, start, False)
    if _CLOSED.match(text, start) is not None:
        return None
    if text[sign_end - 2 : sign_end] == "==":  # source text compares more often than it holds a secret
        verdict = verdict._replace(weak=True)
    return _Name(name, verdict, start, sign == ":" and start > sign_end and not _is_header(name))


def _is_header(name: str) -> bool:
    """Say whether *name* is written as that of an HTTP header, behind which no sentence goes on."""
    return name[:2] in ("X-", "x-") or ("-" in name and name.istitle())


def _closing(text: str, start: int, quote: str) -> int:
    """Find where the quoted value that starts at *start* ends: at the same quote, or with the line."""
    position = text.find(quote, start)
    while position >= 0 and _is_escaped(text, position, start):
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
    if len(value) < _SHORTEST or value.casefold() in _INNOCENT or _PLACEHOLDER.fullmatch(value):
        return False
    if verdict.doubtful and (_RANDOM.match(value) is None or _MODULE.fullmatch(value)):
        return False
    if _NUMBER.fullmatch(value):
        return verdict.numbers and not verdict.weak
    is_weak = verdict.weak or verdict.doubtful
    is_doubtful = is_loose or is_weak
    if is_doubtful and _WORDS.fullmatch(value):
        if not value.isalpha() or _CAMEL.fullmatch(value):
            return False
        # Capitals where neither a word nor a name has them: "swordfishXY", but not "PostgreSQL".
        is_odd = len(value) >= _LONGEST_NAME and value[0].islower() and not is_weak
        return is_odd or len(value) >= _LONGEST_WORD
    if is_doubtful and _URL.match(value):
        return False
    if not is_weak:
        return True
    if _PATH.match(value) or _UUID.fullmatch(value) or _COMPOSED.fullmatch(value):
        return False
    return len(value) >= 16 or (len(value) >= 8 and any(map(str.isdigit, value)))


def may_stay(value: Any, verdict: Verdict) -> bool:
    """Say whether *value* may be shown although its name sounds like a secret."""
    if verdict.doubtful:
        is_text = isinstance(value, (str, bytes, bytearray))
        return not is_text or not sounds_secret(value, verdict, is_loose=False)
    if hasattr(type(value), "get_secret_value"):
        return _hides_itself(value)
    return isinstance(value, (int, float, complex)) and not verdict.numbers


def _hides_itself(value: Any) -> bool:
    """Say whether *value*, like pydantic's ``SecretStr``, shows nothing; text would break its model."""
    secret = value.get_secret_value()
    text = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else str(secret)
    return not text or text not in f"{value!r} {value}"


def sounds_secret(value: str | bytes | bytearray, verdict: Verdict, *, is_loose: bool) -> bool:
    """Do the same as `looks_secret` for texts and bytes of any class, without running code of their own."""
    if isinstance(value, str):
        text = str.__str__(value)[:_LOOK]
    else:
        text = bytes(value[:_LOOK]).decode("utf-8", "replace")
    return looks_secret(text, verdict, is_loose=is_loose)
