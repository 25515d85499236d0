"""Places that remember which failures people already know about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import lazy
from ._protocol import Dedupe, Granted, Held
from .memory import MemoryDedupe

if TYPE_CHECKING:
    from .dynamodb import DynamoDBDedupe
    from .redis import RedisDedupe
    from .sqlite import SQLiteDedupe
    from .urls import dedupe_at

__all__ = [
    "Dedupe",
    "DynamoDBDedupe",
    "Granted",
    "Held",
    "MemoryDedupe",
    "RedisDedupe",
    "SQLiteDedupe",
    "dedupe_at",
]

__getattr__, __dir__ = lazy.attributes(
    __name__,
    __all__,
    {"DynamoDBDedupe": "dynamodb", "RedisDedupe": "redis", "SQLiteDedupe": "sqlite", "dedupe_at": "urls"},
)
