"""Where traces are kept."""

from __future__ import annotations

from ._protocol import TraceStore
from .memory import MemoryTraceStore

__all__ = ["MemoryTraceStore", "TraceStore"]
