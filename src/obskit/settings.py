"""
Check what a program is set up with, so that what is wrong is told at once: `ConfigError`.

Each check returns the value as it is to be used. What a call is given later, at run
time, is never refused: see `at_most`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .errors import ConfigError, told
from .interrupts import let_pass

if TYPE_CHECKING:
    from re import Pattern

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_INFINITY: Final = float("inf")
#: Seconds for which a call waits where it is given no limit: six weeks, the most that a lock takes anywhere.
FOR_EVER: Final = 4e6
#: Seconds that a setting may have, thirty years: in nanoseconds still a number that every store takes.
LONGEST: Final = 1e9


def wrong(setting: str, takes: str, given: object) -> ConfigError:
    """Say what *setting* takes and what was given."""
    return ConfigError(f"{setting} must be {takes}, got {told(given)}")


def whole_number(setting: str, value: object, least: int = 1, most: float = _INFINITY) -> int:
    """Check for an integer from *least* to *most*; True and False are none."""
    if type(value) is not int or not least <= value <= most:
        limits = f"of at least {least}" if most == _INFINITY else f"from {least} to {most}"
        raise wrong(setting, f"a whole number {limits}", value)
    return value


def positive(setting: str, value: object, what: str = "a number") -> float:
    """Check for a finite number above 0."""
    if type(value) not in (int, float) or not 0 < cast("float", value) < _INFINITY:
        raise wrong(setting, f"{what} above 0", value)
    return cast("float", value)


def seconds(setting: str, value: object) -> float:
    """Check for a time above 0, and no longer than `LONGEST`."""
    if positive(setting, value, "a number of seconds") > LONGEST:
        raise wrong(setting, f"at most {LONGEST:g} seconds", value)
    return cast("float", value)


def flag(setting: str, value: object) -> bool:
    """Check for True or False; the text ``"false"`` would be true."""
    if type(value) is not bool:
        raise wrong(setting, "True or False", value)
    return value


def text(setting: str, value: object, takes: str = "text") -> str:
    """Check for text; what is derived from it, such as a member of a `StrEnum`, gives its own."""
    if not issubclass(type(value), str):
        raise wrong(setting, takes, value)
    return str.__str__(cast("str", value))


def secret(setting: str, value: object, form: Pattern[str], takes: str) -> str:
    """Check for text of a form; the error shows nothing of what is wrong."""
    if not issubclass(type(value), str) or not form.fullmatch(cast("str", value)):
        raise ConfigError(f"{setting} must be {takes}")
    return cast("str", value)


def choice(setting: str, value: object, choices: Collection[str]) -> str:
    """Check for one of some words."""
    takes = f"one of {', '.join(choices)}"
    chosen = text(setting, value, takes)
    if chosen not in choices:
        raise wrong(setting, takes, value)
    return chosen


def path(setting: str, value: object, takes: str = "the path of a file") -> str:
    """Check for a path that a file can have, as text or as `os.PathLike`."""
    try:
        name: object = os.fspath(cast("str", value))
        os.fsencode(cast("str", name))
    except (TypeError, UnicodeEncodeError):
        name = None
    if not isinstance(name, str) or not name or "\0" in name:
        raise wrong(setting, takes, value)
    return name


def function(setting: str, value: F) -> F:
    """Check for something that can be called."""
    if not callable(value):
        raise wrong(setting, "callable", value)
    return value


def having(setting: str, value: T, takes: str, *methods: str) -> T:
    """Check for an object with some methods; its class has them too, but is none."""
    if issubclass(type(value), type):
        raise ConfigError(f"{setting} must be {takes}, got {told(value)}: call it to make one")
    if not all(callable(getattr(value, method, None)) for method in methods):
        raise wrong(setting, takes, value)
    return value


def writable(setting: str, value: T) -> T:
    """Check for a stream that takes what is written."""
    having(setting, value, "a stream with write()", "write")
    if not _takes_writes(value):
        raise ConfigError(f"{setting} must be a stream that can be written to, got a closed or read-only one")
    return value


def _takes_writes(stream: Any) -> bool:
    try:
        return getattr(stream, "closed", False) is not True and stream.writable() is not False
    except Exception as error:  # a stand-in, which may have no such method, or its own code
        let_pass(error)
        return True


def several(setting: str, value: Iterable[T], takes: str) -> list[T]:
    """Check for a list or the like, but neither text nor a mapping."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong(setting, f"a list of {takes}", value)
    return list(value)


def at_most(value: object, bound: float = FOR_EVER) -> float:
    """
    Read a limit that a call was given: None is *bound*, and what is no number is 0.

    >>> at_most(None, 20), at_most(5, 20), at_most("x", 20), at_most(float("inf"), 20)
    (20, 5.0, 0.0, 20)
    """
    try:
        return bound if value is None else min(max(0.0, float(cast("float", value))), bound)
    except Exception as error:  # its own code may have run
        let_pass(error)
        return 0.0
