"""
Read the URL of a place that keeps traces, or what people were told of failures.

    memory:                         in this process
    sqlite:///relative.db           in a file; four slashes begin an absolute path
    redis://host:6379/0             in Redis or Valkey; rediss:// with TLS, unix:// through a socket
    dynamodb://table                in DynamoDB

Each takes ``?per_user=``, ``total=`` and ``ttl=``, which bound the traces there.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..errors import ConfigError, told

KNOWN: Final = "memory:, sqlite:///file, redis://host or dynamodb://table"

#: In what stands behind the question mark: a password or the name of a file may have anything.
_BOUND: Final = re.compile(r"(?:^|(?<=&))(per_user|total|ttl)=([^&]*)&?")
_SERVERS: Final = ("redis", "rediss", "unix")
#: By kind: what stands behind the colon, its address in brackets, and what to say of anything else.
_FORMS: Final = {
    "memory": ("/*()", "memory: takes nothing but options"),
    "sqlite": (
        "///(/*[^/?][^?]*)",
        "must be sqlite:///relative.db or sqlite:////absolute.db, with known options only",
    ),
    "dynamodb": ("//+([^/?]+)/*", "must be dynamodb://table, with known options only"),
}


class Place(NamedTuple):
    """What a URL says."""

    kind: str  #: ``memory``, ``sqlite``, ``redis`` or ``dynamodb``; else the scheme of a URL that is not read
    address: str  #: path of the file, URL of the server or name of the table
    bounds: dict[str, float]


def place_at(url: str) -> Place:
    """
    Read *url*.

    Raises:
        ConfigError: If it is malformed. What follows the scheme is not shown: it may hold a password.
    """
    scheme, colon, rest = url.partition(":")
    kind = scheme.lower()
    if not colon:
        raise ConfigError(f"must be {KNOWN}, got something without a colon")
    if kind not in (*_FORMS, *_SERVERS):
        return Place(kind, url, {})
    address, _, query = rest.partition("?")
    bounds = {name: _number(kind, name, value) for name, value in _BOUND.findall(query)}
    others = _BOUND.sub("", query).rstrip("&")
    rest = f"{address}?{others}" if others else address
    if kind in _SERVERS:
        return Place("redis", f"{kind}:{rest}", bounds)
    form, complaint = _FORMS[kind]
    if not (found := re.fullmatch(form, rest)):
        raise ConfigError(complaint)
    from urllib.parse import unquote

    return Place(kind, unquote(found[1]), bounds)


def _number(kind: str, name: str, value: str) -> float:
    try:
        return float(value) if name == "ttl" else int(value)
    except ValueError:
        raise ConfigError(f"{kind}: takes a number as {name}, got {told(value)}") from None
