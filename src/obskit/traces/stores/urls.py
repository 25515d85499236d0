"""
Choose a trace store by URL, as an environment variable has it; see `obskit.storage.urls`.

Other schemes come from the entry points ``obskit.trace_stores`` of installed packages:
a function of the URL.
"""

from __future__ import annotations

from typing import Any, Final, cast

from ...clock import Clock
from ...errors import ConfigError, told
from ...lazy import from_entry_point
from ...storage.urls import KNOWN, place_at
from ._protocol import TraceStore
from .memory import MemoryTraceStore

_GROUP: Final = "obskit.trace_stores"


def store_at(url: str, clock: Clock) -> TraceStore:
    """
    Build the store that *url* names.

    Raises:
        ConfigError: If it names none. What follows the scheme is not shown: it may hold
            a password.
    """
    kind, address, bounds = place_at(url)
    settings: dict[str, Any] = {**bounds, "clock": clock}
    if kind == "memory":
        return MemoryTraceStore(**settings)
    if kind == "sqlite":
        from .sqlite import SQLiteTraceStore

        return SQLiteTraceStore(address, **settings)
    if kind == "redis":
        from .redis import RedisTraceStore

        return RedisTraceStore(address, **settings)
    if kind == "dynamodb":
        from .dynamodb import DynamoDBTraceStore

        return DynamoDBTraceStore(address, **settings)
    if (store := from_entry_point(_GROUP, kind, url)) is None:
        raise ConfigError(f"must be {KNOWN}, got one that begins with {told(kind)}")
    return cast("TraceStore", store)
