"""Places that remember which failures people already know about."""

from __future__ import annotations

from ._protocol import Dedupe, Granted, Held
from .memory import MemoryDedupe

__all__ = ["Dedupe", "Granted", "Held", "MemoryDedupe"]
