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

from typing import Final

#: What a setting takes is shorter, and most secrets are longer.
_LONGEST_SHOWN: Final = 16


def told(value: object) -> str:
    """
    Spell a wrong *value* for a message, but nothing as long as a secret: one may be in the wrong place.

    >>> told("verbose"), told("0123456789" * 3)
    ("'verbose'", 'text of 30 characters')
    """
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        return f"text of {len(value)} characters"
    return repr(value)


class ObskitError(Exception):
    """The root of all errors that obskit raises."""


class ConfigError(ObskitError, ValueError):
    """A setting is wrong; the message names it, what it got and what it takes."""


class MissingExtra(ConfigError, ImportError):
    """A third-party package is needed that is not installed."""

    def __init__(self, what: str, *, package: str, extra: str) -> None:
        super().__init__(f'{what} needs the package {package}: run pip install "obskeeper[{extra}]"')
        self.extra = extra  #: name of the extra that brings the package


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
