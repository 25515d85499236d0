"""Choose the place by URL; see `obskit.storage.urls`, since one place may keep traces and marks."""

from __future__ import annotations

from ...clock import Clock
from ...errors import ConfigError
from ...storage.urls import KNOWN, place_at
from ._protocol import Dedupe
from .memory import MemoryDedupe


def dedupe_at(url: str, *, clock: Clock | None = None) -> Dedupe:
    """
    Build the dedupe at *url*, such as that of ``OBSKIT_TRACE_STORE``: who shares traces then shares marks.

    Raises:
        ConfigError: If there is none. The URL is not shown: it may hold a password.
        MissingExtra: If the package that it needs is not installed.
    """
    kind, address, _ = place_at(url)
    if kind == "memory":
        return MemoryDedupe(clock=clock)
    if kind == "sqlite":
        from .sqlite import SQLiteDedupe

        return SQLiteDedupe(address, clock=clock)
    if kind == "redis":
        from .redis import RedisDedupe

        return RedisDedupe(address, clock=clock)
    if kind == "dynamodb":
        from .dynamodb import DynamoDBDedupe

        return DynamoDBDedupe(address, clock=clock)
    raise ConfigError(f"must be {KNOWN}")
