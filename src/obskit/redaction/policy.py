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
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ..errors import ConfigError

_Words = tuple[str, ...]
#: The words of each name in it; no words stand for any name.
_Path = tuple[_Words, ...]


class Verdict(NamedTuple):
    """How the value under a secret name is treated; an innocent name has no verdict."""

    numbers: bool = True  #: numbers are hidden too; not under names that also count things
    tail: bool = True  #: a long machine-made value may show its last characters
    weak: bool = False  #: the name has innocent meanings, so inside text its value must look like a secret
    doubtful: bool = (
        False  #: nothing in the name says which meaning it has, so its value must do so everywhere
    )


_TOKEN: Final = Verdict()
_KEY: Final = Verdict(weak=True)
_WEAK: Final = Verdict(numbers=False, weak=True)
_PASSWORD: Final = Verdict(tail=False)
_FILE: Final = Verdict(numbers=False, tail=False, weak=True, doubtful=True)
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
            "mnemonic credential credentials cred creds cookie cookies otp totp hotp pin cvv cvc cvn ccv",
            _PASSWORD,
        ),
        ("csc ssn dsn sessid phpsessid jsessionid kubeconfig dockerconfigjson netrc", _PASSWORD),
        ("key auth oauth", _KEY),
        ("signature sig salt seed pat hmac", _WEAK),
        ("pass private session sess", _FLAG),
        ("keystore pfx jks", _FILE),
    )
    for head in heads.split()
}

#: Two last words that mean a secret together and not apart.
_PAIRS: Final = frozenset(
    (first, second)
    for firsts, seconds in (
        ("pass", "word words phrase phrases code codes"),
        ("session sess connect", "id ids sid"),
        ("secret", "id code"),
        ("connection connect conn", "string strings str"),
        (
            "database db postgres postgresql pg mysql mongo mongodb redis amqp rabbitmq broker celery",
            "url uri",
        ),
        ("webhook hook", "url uri urls"),
        ("recovery backup verification auth authorization mfa fa otp sms security login", "code codes"),
        ("device access activation unlock reset", "code codes"),
        ("code", "verifier"),
        ("client saml", "assertion"),
        ("pin", "block"),
        ("verification", "value"),
        ("kube", "config"),
        ("password passwd pwd pin", "hash hashes digest"),
        ("credit debit", "card"),
        ("card security", "number"),
        ("private", "key keys pem"),
    )
    for first in firsts.split()
    for second in seconds.split()
)

#: The same in one word: ``sessionid``, ``connstr``.
_JOINED_PAIRS: Final = frozenset(map("".join, _PAIRS))
#: A secret only where nothing stands before it: Twilio's ``account_sid`` is an identifier.
_ALONE: Final = frozenset({"sid"})

#: Trailing words that say how the value is written or which one it is; so do a number and a single letter.
_TRAILERS: Final = frozenset(
    "value values val str string strings raw text txt plain plaintext clear base content contents encoded "
    "encrypted decrypted hex binary json xml pem header env var param data material confirm confirmation "
    "again repeat retype old new current previous prev original prod production staging stage dev "
    "development test testing live sandbox local default backup".split()
)

#: Words before ``key`` and ``keys`` that make them an index, a column or a button.
_INNOCENT_KEYS: Final = frozenset(
    "primary foreign public pub cache partition sort sequence natural bucket schema hot routing ordering "
    "idempotency dedupe dedup deduplication group grouping object map dict index composite unique "
    "surrogate candidate lookup verify parent row column field metric feature flag translation message "
    "locale arrow up down left right enter escape shortcut modifier hash range item by per event issue "
    "analysis answer sorting join shard attribute property label kms managed site publishable tag tagging "
    "setting extra top missing required unknown duplicate valid invalid allowed any press pressed first "
    "last task job dest destination source src target output input metadata collection body response "
    "request space project entity resource thread namespace context condition member table record "
    "document page menu option config manifest evaluated start end value param parameter query path file "
    "folder s3 gcs prefix category topic queue aggregation bundle template theme asset icon emoji string "
    "text language question rename delete add remove matching match filter search selected sorted "
    "ordered".split()
)

#: Words before ``token`` and ``tokens`` that make them a count, a page or a piece of text.
_INNOCENT_TOKENS: Final = frozenset(
    "max min maximum minimum input output prompt completion total num n count used remaining available "
    "cached cache reasoning context generated thinking audio image text training inference accepted "
    "rejected prediction sampled budget limit avg average next page continuation pagination previous prev "
    "starting forward backward sequence iterator scroll marker offset checkpoint sync delta block unit "
    "chunk change lock version etag fencing idempotency concurrency cursor resume stop special pad eos "
    "bos unk mask sep cls start end first last per by word sub bpe llm candidates".split()
)

#: Other names that sound like a secret: who signed a text, a header that says whether cookies are sent.
_INNOCENT_PAIRS: Final = frozenset(
    (first, second)
    for firsts, second in (
        ("author forward method function type slot call email", "signature"),
        ("allow", "credentials"),
        ("algorithm", "mnemonic"),
        ("pydantic", "private"),  # where a model keeps its private attributes
    )
    for first in firsts.split()
)

#: Words before ``key`` or ``token`` that leave no doubt, also written as one word (``apikey``).
_QUALIFIERS: Final = frozenset(
    "api access secret private auth oauth client bot refresh session csrf xsrf id user master encryption "
    "signing webhook app application service account ssh gpg pgp sas ssl tls aws gcp azure admin root "
    "deploy bearer jwt login reset device push personal security github gitlab slack discord telegram "
    "twilio stripe openai anthropic sentry npm pypi db database smtp mail ftp ldap mysql postgres redis "
    "rds consumer hmac license licence server storage shared x my rest live test the dd datadog "
    "registration verification identity pass priv gh gl enc crypto fernet rsa write ingest subscription "
    "host stream provider integration unlock wallet recovery web functions instrumentation".split()
)

_ONE_WORD_SUFFIXES: Final = ("key", "keys", "token", "tokens", "pass", "pwd", "auth")
_ONE_WORD_TRAILERS: Final = ("string", "str", "value", "hash")
_UNMISTAKABLE_SUFFIXES: Final = tuple(
    "password passwords passwd passphrase secret secrets credential credentials cookie cookies".split()
)

#: Last words with many meanings, of which the word before tells.
_MANIFOLD: Final = frozenset({"key", "keys", "session", "signature"})

#: A first word that says how many there are: a count is not the secret itself.
_COUNTS: Final = frozenset("no num number max min count total".split())

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
            last words of a longer name. One with dots is also a path: ``user.name``
            is the name inside of a user; ``*`` stands for any one name.
        safe_keys: Names and paths that are never secret, in any spelling.

    >>> KeyPolicy().verdict("userApiToken") is None, KeyPolicy().verdict("max_tokens") is None
    (False, True)
    """

    def __init__(self, *, keys: Iterable[str] = (), safe_keys: Iterable[str] = ()) -> None:
        self._secret, self._secret_paths = _project_names("keys", keys)
        self._safe, self._safe_paths = _project_names("safe_keys", safe_keys)
        self._longest = max(map(len, self._secret), default=0)
        #: How many names around a value must be known to judge it: none where there are no paths.
        self.reach: Final = max((len(path) for path in self._secret_paths | self._safe_paths), default=0)
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

    def verdict_at(self, place: Sequence[str]) -> Verdict | None:
        """Do the same for the last of the names in *place*, outermost first; they decide together."""
        words = [words_of(name) for name in place[-self.reach :]] if self.reach else []
        if _fits(self._safe_paths, words):
            return None
        return _TOKEN if _fits(self._secret_paths, words) else self.verdict(place[-1])

    def _judge(self, words: tuple[str, ...]) -> Verdict | None:
        if words in self._safe:
            return None
        if any(words[-count:] in self._secret for count in range(1, self._longest + 1)):
            return _TOKEN
        verdict = _built_in(words)
        return verdict._replace(numbers=False) if verdict and words[0] in _COUNTS else verdict


def _project_names(setting: str, names: Iterable[object]) -> tuple[frozenset[_Words], frozenset[_Path]]:
    """Read names, and those that are paths."""
    if isinstance(names, str):
        raise ConfigError(f"{setting} takes a list of names, got the text {names!r}; write [{names!r}]")
    found, paths = set(), set()
    for name in names:
        words = words_of(name) if isinstance(name, str) else ()
        if not isinstance(name, str) or not words:
            raise ConfigError(f"{setting} takes names with a letter or digit in them, got {name!r}")
        steps = name.split(".")
        if len(steps) > 1:
            if not all(step == "*" or words_of(step) for step in steps):
                raise ConfigError(f"{setting}: the path {name!r} has a step without a name; write * for any")
            paths.add(tuple(words_of(step) for step in steps))
        if "*" in name and "*" not in steps:
            raise ConfigError(f"{setting}: in {name!r}, * must stand alone between dots")
        if "*" not in name:
            found.add(words)
    return frozenset(found), frozenset(paths)


def _fits(paths: Iterable[_Path], place: list[_Words]) -> bool:
    """Say whether *place* ends as one of *paths* does."""
    return any(
        len(path) <= len(place)
        and all(not step or step == name for step, name in zip(path, place[-len(path) :], strict=True))
        for path in paths
    )


def _built_in(words: tuple[str, ...]) -> Verdict | None:
    """Judge by the head, leaving out trailing words that only qualify the value."""
    for last in range(len(words), 0, -1):
        head, before = words[last - 1], _before(words, last - 1)
        if (before, head) in _PAIRS or (head in _ALONE and not before):
            return _PASSWORD
        verdict = _of_head(head, before)
        if verdict is not None:
            return None if _is_place(words, before, head) else verdict
        if not (head in _TRAILERS or head.isdigit() or len(head) == 1):
            return None
    return None


def _before(words: tuple[str, ...], position: int) -> str:
    """Give the word before *position*, with its number: ``s3``."""
    if position == 0:
        return ""
    word = words[position - 1]
    return words[position - 2] + word if word.isdigit() and position > 1 else word


def _is_place(words: tuple[str, ...], before: str, head: str) -> bool:
    """Say whether a token is a place in a list of results, as a ``nextForwardToken`` is."""
    return (
        head == "token"
        and words[0] in ("next", "previous")
        and words[1] not in ("public", "private")  # so the settings of Next.js begin
        and before not in _QUALIFIERS
    )


def _of_head(head: str, before: str) -> Verdict | None:
    if head in ("key", "keys") and before in _INNOCENT_KEYS:
        return None
    if head in ("token", "tokens") and before in _INNOCENT_TOKENS:
        return None
    if (before, head) in _INNOCENT_PAIRS:
        return None
    verdict = _of_word(head)
    if verdict is None or head not in _MANIFOLD or not before:
        return verdict
    # "api_key" is a secret, "route_key" may be anything, and "keys" are names of fields as a rule.
    if before in _QUALIFIERS:
        return verdict._replace(weak=False) if head.startswith("key") else verdict
    return None if head == "keys" else verdict._replace(doubtful=True)


def _of_word(word: str) -> Verdict | None:
    verdict = _HEADS.get(word)
    if verdict is None and word.endswith("s") and (one := _HEADS.get(word[:-1])) is not None:
        # "tokens": 512 is a count, "tokens": ["..."] is not. Sessions are told about as a rule.
        return None if one is _FLAG else one._replace(numbers=False)
    return verdict or (_PASSWORD if word in _JOINED_PAIRS else _of_one_word(word))


def _of_one_word(word: str) -> Verdict | None:
    """Judge words written together: ``apikey`` is a key, ``monkey`` is not."""
    for trailer in _ONE_WORD_TRAILERS:
        if word.endswith(trailer) and (verdict := _HEADS.get(word.removesuffix(trailer))) in (
            _TOKEN,
            _PASSWORD,
        ):
            return verdict
    for suffix in _UNMISTAKABLE_SUFFIXES:
        if word.endswith(suffix):
            return _of_word(suffix)
    for suffix in _ONE_WORD_SUFFIXES:
        if word.endswith(suffix) and _are_qualifiers(word.removesuffix(suffix)):
            verdict = _of_word(suffix)
            return verdict and verdict._replace(weak=False)
    return None


def _are_qualifiers(text: str) -> bool:
    """Say whether *text* is a letter, one qualifier or two, as in ``sharedaccess``."""
    return (
        len(text) == 1
        or text in _QUALIFIERS
        or any(text[:cut] in _QUALIFIERS and text[cut:] in _QUALIFIERS for cut in range(2, len(text) - 1))
    )
