"""Where traces are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import lazy
from ._bounds import Bounds
from ._protocol import Backend, Change, Kept, TraceStore
from .memory import MemoryTraceStore

if TYPE_CHECKING:
    from .buffered import BufferedTraceStore
    from .dynamodb import DynamoDBTraceStore
    from .redis import RedisTraceStore
    from .sqlite import SQLiteTraceStore

__all__ = [
    "Backend",
    "Bounds",
    "BufferedTraceStore",
    "Change",
    "DynamoDBTraceStore",
    "Kept",
    "MemoryTraceStore",
    "RedisTraceStore",
    "SQLiteTraceStore",
    "TraceStore",
]

# A program that keeps its traces in memory loads none of the others.
__getattr__, __dir__ = lazy.attributes(
    __name__,
    __all__,
    {
        "BufferedTraceStore": "buffered",
        "DynamoDBTraceStore": "dynamodb",
        "RedisTraceStore": "redis",
        "SQLiteTraceStore": "sqlite",
    },
)
