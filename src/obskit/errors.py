"""
Everything obskit raises on purpose.

    ObskitError
    ├── ConfigError        also ValueError: a wrong setting, raised while setting up
    │   └── MissingExtra   also ImportError: a package that an extra would have installed
    ├── SinkError          one delivery failed; it may be tried again
    │   ├── SinkTimeout    ... the answer did not come in time, so it may have arrived
    │   └── SinkRejected   ... and trying again cannot help
    └── StoreError         a trace store or dedupe store is unavailable

Set-up raises `ConfigError`. The others travel between a sink or store and the
part of obskit that calls it; none of them ever reaches the application.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final, cast

#: No word or number that a setting takes is longer.
_LONGEST_SHOWN: Final = 16
#: No secret is that short.
_SHORTEST_SECRET: Final = 5
#: Reads the name of a class past its metaclass, which may hide it.
_name_of: Final = cast("Callable[[type], str]", type.__dict__["__name__"].__get__)


def type_name(value: object) -> str:
    """Name the type of *value* without asking the value itself."""
    return _name_of(type(value))


def told(value: object) -> str:
    """
    Spell a wrong *value* for a message, if it is a word or a number: a secret may be in the wrong place.

    >>> told("verbose"), told(7), told("hunter2"), told([1])
    ("'verbose'", '7', 'text of 7 characters', 'list')
    """
    kind = type(value)
    if issubclass(kind, str):
        text = str.__str__(cast("str", value))
        return repr(text) if _is_harmless(text) else f"text of {len(text)} characters"
    if (
        value is None
        or kind in (bool, float)
        or (kind is int and abs(cast("int", value)) < 10**_LONGEST_SHOWN)
    ):
        return repr(value)
    return f"the class {_name_of(cast('type', value))}" if issubclass(kind, type) else type_name(value)


def _is_harmless(text: str) -> bool:
    is_word = text.isalpha() and text in (text.lower(), text.upper(), text.capitalize())
    return len(text) < _SHORTEST_SECRET or (is_word and len(text) <= _LONGEST_SHOWN)


class ObskitError(Exception):
    """The root of all errors that obskit raises."""


class ConfigError(ObskitError, ValueError):
    """A setting is wrong; the message names it, what it got and what it takes, without secrets."""

    #: Hides secrets in a message. `wiring` sets it: what knows them stands above.
    hide: ClassVar[Callable[[str], str]] = str

    def __init__(self, message: str) -> None:
        super().__init__(ConfigError.hide(message))


class MissingExtra(ConfigError, ImportError):
    """A third-party package is needed that is not installed."""

    def __init__(self, what: str, *, package: str, extra: str) -> None:
        super().__init__(f'{what} needs the package {package}: run pip install "obskeeper[{extra}]"')
        self.extra = extra  #: name of the extra that brings the package
        self._what, self._package = what, package

    def __reduce__(self) -> tuple[Callable[[str], MissingExtra], tuple[str]]:
        return partial(type(self), package=self._package, extra=self.extra), (self._what,)


class SinkError(ObskitError):
    """A delivery failed and may be tried again."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  #: seconds the service asked to wait, if it did


class SinkTimeout(SinkError):
    """A service did not answer in time; what was sent may have arrived."""


class SinkRejected(SinkError):
    """A service refused for good; the same request must not be sent again."""

    def __init__(self, message: str, *, revoked: bool = False) -> None:
        super().__init__(message)
        self.revoked = revoked  #: True when every further request is pointless


class StoreError(ObskitError):
    """A trace store or dedupe store could not be read or written."""
