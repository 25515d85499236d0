"""
Decide by its name whether a field holds a secret.

A name is read as words, never as a string to search in: ``apiKey``, ``X-API-Key``
and ``APIKEY`` are all *api key*, while ``monkey`` is one innocent word. The last
word says what the value is (its head): a ``token_type`` is a type, a
``type_token`` is a token.

This module sees names only. What a value looks like is none of its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ..errors import ConfigError


class Verdict(NamedTuple):
    """How the value under a secret name is treated; an innocent name has no verdict."""

    numbers: bool = True  #: numbers are hidden too; not under names that also count things
    tail: bool = True  #: a long machine-made value may show its last characters
    weak: bool = False  #: the name has innocent meanings, so inside text its value must look like a secret


_TOKEN: Final = Verdict()
_KEY: Final = Verdict(weak=True)
_WEAK: Final = Verdict(numbers=False, weak=True)
_PASSWORD: Final = Verdict(tail=False)
_FLAG: Final = Verdict(numbers=False, tail=False, weak=True)

#: What the last word of a name says about its value.
_HEADS: Final[Mapping[str, Verdict]] = {
    head: verdict
    for heads, verdict in (
        ("secret token authorization bearer jwt csrf xsrf", _TOKEN),
        (
            "password passwd passphrase passcode passwort kennwort contrasena senha pw pwd psk pgpass",
            _PASSWORD,
        ),
        (
            "mnemonic credential credentials cred creds cookie cookies otp totp hotp pin cvv cvc cvn",
            _PASSWORD,
        ),
        ("csc ssn dsn sessid sessionid phpsessid jsessionid", _PASSWORD),
        ("key auth oauth", _KEY),
        ("signature sig salt seed pat hmac", _WEAK),
        ("pass private session", _FLAG),
    )
    for head in heads.split()
}

#: Two last words that mean a secret together and not apart.
_PAIRS: Final = frozenset(
    (first, second)
    for firsts, seconds in (
        ("pass", "word words phrase phrases code codes"),
        ("session sess connect", "id ids sid"),
        ("connection conn", "string str"),
        (
            "database db postgres postgresql pg mysql mongo mongodb redis amqp rabbitmq broker celery",
            "url uri",
        ),
        ("webhook hook", "url uri urls"),
        ("recovery backup verification auth authorization mfa fa security login device", "code codes"),
        ("password passwd pwd pin", "hash hashes digest"),
        ("credit debit", "card"),
        ("card security", "number"),
        ("private", "key keys pem"),
    )
    for first in firsts.split()
    for second in seconds.split()
)

#: Trailing words that say how the value is written or which one it is.
_TRAILERS: Final = frozenset(
    "value val str string raw text txt plain plaintext clear b base b64 base64 encoded encrypted "
    "decrypted hex binary json pem header env var param data material confirm confirmation again "
    "repeat retype old new current previous prev original prod production staging stage dev "
    "development test testing live sandbox local default backup".split()
)

#: Words before ``key`` and ``keys`` that make them an index, a column or a button.
_INNOCENT_KEYS: Final = frozenset(
    "primary foreign public pub cache partition sort sequence natural bucket schema hot routing "
    "ordering idempotency dedupe dedup deduplication group grouping object map dict index composite "
    "unique surrogate candidate lookup verify parent row column field metric feature flag translation "
    "message locale arrow up down left right enter escape shortcut modifier hash range item "
    "event issue analysis answer sorting join shard attribute property label "
    "tag setting extra top missing required unknown duplicate valid invalid allowed any press pressed "
    "first last".split()
)

#: Words before ``token`` and ``tokens`` that make them a count, a page or a piece of text.
_INNOCENT_TOKENS: Final = frozenset(
    "max min maximum minimum input output prompt completion total num n count used remaining "
    "available cached cache reasoning context generated thinking audio image text "
    "accepted rejected prediction sampled budget limit avg average next page continuation pagination "
    "cursor resume stop special pad eos bos unk mask sep cls start end first last per by word sub bpe "
    "llm candidates".split()
)

#: Words before ``key`` or ``token`` that leave no doubt, also written as one word (``apikey``).
_QUALIFIERS: Final = frozenset(
    "api access secret private auth oauth client bot refresh session csrf xsrf id user master "
    "encryption signing webhook app application service account ssh gpg pgp sas ssl tls aws gcp azure "
    "admin root deploy bearer jwt login reset device push personal security github gitlab slack "
    "discord telegram twilio stripe openai anthropic sentry npm pypi db database smtp mail ftp ldap "
    "mysql postgres redis rds consumer hmac license licence server storage shared x my rest live test "
    "the dd datadog registration verification identity".split()
)

_ONE_WORD_SUFFIXES: Final = ("key", "keys", "token", "tokens", "pass", "pwd", "auth")
_UNMISTAKABLE_SUFFIXES: Final = tuple(
    "password passwords passwd passphrase secret secrets credential credentials cookie cookies".split()
)

#: A first word that asks a question: the answer (a flag, a count) is not the secret itself.
_QUESTIONS: Final = frozenset(
    "has have is are was use uses using show hide enable enabled disable require requires required "
    "allow with without needs need can should no num max min skip check store remember".split()
)

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_CACHE_SIZE: Final = 4_096
_CACHED_LENGTH: Final = 256


def words_of(name: str) -> tuple[str, ...]:
    """
    Split *name* into its lower-case words.

    >>> words_of("X-APIKey_v2")
    ('x', 'api', 'key', 'v', '2')
    """
    return tuple(word.lower() for word in _WORD.findall(name))


class KeyPolicy:
    """
    The names that hold secrets: the built-in rule, a project's own names and its exceptions.

    Args:
        keys: More secret names. One matches in any spelling, alone or as the
            last words of a longer name.
        safe_keys: Names that are never secret, in any spelling.

    >>> KeyPolicy().verdict("userApiToken") is None, KeyPolicy().verdict("max_tokens") is None
    (False, True)
    """

    def __init__(self, *, keys: Iterable[str] = (), safe_keys: Iterable[str] = ()) -> None:
        self._secret = _project_names("keys", keys)
        self._safe = _project_names("safe_keys", safe_keys)
        self._longest = max(map(len, self._secret), default=0)
        self._cache: dict[str, Verdict | None] = {}

    def verdict(self, name: str) -> Verdict | None:
        """Say how a value under *name* is treated; None where the name is innocent."""
        try:
            return self._cache[name]
        except KeyError:
            pass
        verdict = self._judge(words_of(name[-_CACHED_LENGTH:]))
        if len(name) <= _CACHED_LENGTH:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[name] = verdict
        return verdict

    def _judge(self, words: tuple[str, ...]) -> Verdict | None:
        if words in self._safe:
            return None
        if any(words[-count:] in self._secret for count in range(1, self._longest + 1)):
            return _TOKEN
        verdict = _built_in(words)
        if verdict is not None and words[0] in _QUESTIONS:
            return verdict._replace(numbers=False)
        return verdict


def _project_names(setting: str, names: Iterable[object]) -> frozenset[tuple[str, ...]]:
    if isinstance(names, str):
        raise ConfigError(f"{setting} takes a list of names, got the text {names!r}; write [{names!r}]")
    found = set()
    for name in names:
        words = words_of(name) if isinstance(name, str) else ()
        if not words:
            raise ConfigError(f"{setting} takes names with a letter or digit in them, got {name!r}")
        found.add(words)
    return frozenset(found)


def _built_in(words: tuple[str, ...]) -> Verdict | None:
    """Judge by the head, leaving out trailing words that only qualify the value."""
    for last in range(len(words), 0, -1):
        head = words[last - 1]
        before = words[last - 2] if last > 1 else ""
        if (before, head) in _PAIRS:
            return _PASSWORD
        verdict = _of_head(head, before)
        if verdict is not None:
            return verdict
        if not (head in _TRAILERS or head.isdigit()):
            return None
    return None


def _of_head(head: str, before: str) -> Verdict | None:
    if head in ("key", "keys") and before in _INNOCENT_KEYS:
        return None
    if head in ("token", "tokens") and before in _INNOCENT_TOKENS:
        return None
    verdict = _of_word(head)
    if verdict is not None and verdict.weak and head.startswith("key") and before in _QUALIFIERS:
        return verdict._replace(weak=False)
    return verdict


def _of_word(word: str) -> Verdict | None:
    verdict = _HEADS.get(word)
    if verdict is None and word.endswith("s") and (one := _HEADS.get(word[:-1])) is not None:
        # "tokens": 512 is a count, "tokens": ["..."] is not.
        return one._replace(numbers=False)
    return verdict or _of_one_word(word)


def _of_one_word(word: str) -> Verdict | None:
    """Judge words written together: ``apikey`` is a key, ``monkey`` is not."""
    for suffix in _UNMISTAKABLE_SUFFIXES:
        if word.endswith(suffix):
            return _of_word(suffix)
    for suffix in _ONE_WORD_SUFFIXES:
        if word.endswith(suffix) and word[: -len(suffix)] in _QUALIFIERS:
            verdict = _of_word(suffix)
            return verdict and verdict._replace(weak=False)
    return None
