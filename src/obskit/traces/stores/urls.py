"""
Choose a trace store by URL, as an environment variable has it.

    memory:                         in this process
    sqlite:///relative.db           in a file; four slashes begin an absolute path
    redis://host:6379/0             in Redis or Valkey; rediss:// with TLS, unix:// through a socket
    dynamodb://table                in DynamoDB

Each takes ``?per_user=``, ``total=`` and ``ttl=``. Other schemes come from the entry
points ``obskit.trace_stores`` of installed packages: a function of the URL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from ...clock import Clock
from ...errors import ConfigError, told
from ._protocol import TraceStore
from .memory import MemoryTraceStore

_GROUP: Final = "obskit.trace_stores"
_KNOWN: Final = "memory:, sqlite:///file, redis://host or dynamodb://table"
_OPTIONS: Final[dict[str, Callable[[str], float]]] = {"per_user": int, "total": int, "ttl": float}


def store_at(url: str, clock: Clock) -> TraceStore:
    """
    Build the store that *url* names.

    Raises:
        ConfigError: If it names none. What follows the scheme is not shown: it may hold
            a password.
    """
    scheme, colon, _ = url.partition(":")
    scheme = scheme.lower()
    if not colon:
        raise ConfigError(f"must be {_KNOWN}, got something without a colon")
    make = _MAKERS.get(scheme)
    if make is None:
        return _from_elsewhere(scheme, url)
    rest, options = _options(scheme, url[len(scheme) + 1 :])
    return make(scheme, rest, {**options, "clock": clock})


def _options(scheme: str, rest: str) -> tuple[str, dict[str, float]]:
    """Take out of a URL what every store understands."""
    address, mark, query = rest.partition("?")
    options: dict[str, float] = {}
    others = []
    for item in query.split("&") if mark else ():
        name, _, value = item.partition("=")
        if name not in _OPTIONS:
            others.append(item)
            continue
        try:
            options[name] = _OPTIONS[name](value)
        except ValueError:
            raise ConfigError(f"{scheme}: takes a number as {name}, got {told(value)}") from None
    return address + ("?" + "&".join(others) if others else ""), options


def _memory(_: str, rest: str, options: Mapping[str, Any]) -> TraceStore:
    if rest.strip("/"):
        raise ConfigError("memory: takes nothing but options")
    return MemoryTraceStore(**options)


def _sqlite(_: str, rest: str, options: Mapping[str, Any]) -> TraceStore:
    from urllib.parse import unquote

    from .sqlite import SQLiteTraceStore

    if not rest.startswith("///") or not rest.strip("/") or "?" in rest:
        raise ConfigError("must be sqlite:///relative.db or sqlite:////absolute.db, with known options only")
    return SQLiteTraceStore(unquote(rest[3:]), **options)


def _redis(scheme: str, rest: str, options: Mapping[str, Any]) -> TraceStore:
    from .redis import RedisTraceStore

    return RedisTraceStore(f"{scheme}:{rest}", **options)


def _dynamodb(_: str, rest: str, options: Mapping[str, Any]) -> TraceStore:
    from .dynamodb import DynamoDBTraceStore

    table = rest.strip("/")
    if not rest.startswith("//") or not table or set(table) & set("/?"):
        raise ConfigError("must be dynamodb://table, with known options only")
    return DynamoDBTraceStore(table, **options)


_MAKERS: Final[dict[str, Callable[[str, str, Mapping[str, Any]], TraceStore]]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "redis": _redis,
    "rediss": _redis,
    "unix": _redis,
    "dynamodb": _dynamodb,
}


def _from_elsewhere(scheme: str, url: str) -> TraceStore:
    """Let the installed package build the store that has registered the scheme."""
    from importlib.metadata import entry_points

    for point in entry_points(group=_GROUP, name=scheme):
        try:
            return cast("TraceStore", point.load()(url))
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(
                f"the package that serves {scheme}: failed with {type(error).__name__}"
            ) from error
    raise ConfigError(f"must be {_KNOWN}, got one that begins with {scheme[:20]!r}")
