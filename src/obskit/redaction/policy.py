"""
Decide by its name whether a field holds a secret.

A name is read as words, never as a string to search in: ``apiKey``, ``X-API-Key``
and ``APIKEY`` are all *api key*, while ``monkey`` is one innocent word. What words
mean is the business of `names`; here, a project's own names and exceptions go first.

This module sees names only. What a value looks like is none of its business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from types import ModuleType
from typing import Final

from ..errors import ConfigError
from ..lazy import LOADING
from .verdict import TOKEN, Verdict

_Words = tuple[str, ...]
#: The words of each name in it; no words stand for any name.
_Path = tuple[_Words, ...]

_CACHE_SIZE: Final = 4_096
#: So many characters at its end tell what it names.
_LONGEST_NAME: Final = 256


@cache
def _names() -> ModuleType:
    """Load what knows words at first need: a line without a field of its own does without."""
    with LOADING:
        from . import names
    return names


@lru_cache(_CACHE_SIZE)
def _words_of(name: str) -> _Words:
    return _names().words_of(name)  # type: ignore[no-any-return]


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
        self._known: dict[str, Verdict | None] = {}

    def load(self) -> None:
        """Load what judges names; at the end of the process it is not to be found any more."""
        _names()

    def verdict(self, name: str, place: Sequence[str] = ()) -> Verdict | None:
        """
        Say how a value under *name* is treated; None where the name is innocent.

        Args:
            place: The names around it, outermost first.
        """
        if place and self.reach:
            words = [_words_of(step[-_LONGEST_NAME:]) for step in (*place[-self.reach :], name)]
            if _fits(self._safe_paths, words):
                return None
            if _fits(self._secret_paths, words):
                return TOKEN
        try:
            return self._known[name]  # half the time of functools.lru_cache, for each secret of each event
        except KeyError:
            pass
        verdict = self._judge(name[-_LONGEST_NAME:])
        if len(name) <= _LONGEST_NAME:
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[name] = verdict
        return verdict

    def _judge(self, name: str) -> Verdict | None:
        words = _words_of(name)
        if words in self._safe:
            return None
        if any(words[-count:] in self._secret for count in range(1, self._longest + 1)):
            return TOKEN
        return _names().judged(words)  # type: ignore[no-any-return]


def _project_names(setting: str, names: Iterable[object]) -> tuple[frozenset[_Words], frozenset[_Path]]:
    """Read names, and those that are paths."""
    if isinstance(names, str):
        raise ConfigError(f"{setting} takes a list of names, got the text {names!r}; write [{names!r}]")
    found, paths = set(), set()
    for name in names:
        words = _words_of(name) if isinstance(name, str) else ()
        if not isinstance(name, str) or not words:
            raise ConfigError(f"{setting} takes names with a letter or digit in them, got {name!r}")
        steps = name.split(".")
        if len(steps) > 1:
            if not all(step == "*" or _words_of(step) for step in steps):
                raise ConfigError(f"{setting}: the path {name!r} has a step without a name; write * for any")
            paths.add(tuple(_words_of(step) for step in steps))
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
