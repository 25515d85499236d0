"""
Keep a trace in this process as a few hundred bytes.

By `marshal`, which takes a third of the time of JSON, and read only when somebody
looks at it. Nothing of it may leave the process: `marshal` must not be given bytes
of others, and is another format in another Python.
"""

from __future__ import annotations

import marshal
from typing import Any

from ..model import ExecutionTrace


def pack(trace: ExecutionTrace) -> bytes:
    """Write *trace* as it is now."""
    return marshal.dumps(trace.to_dict())


def unpack(packed: bytes) -> ExecutionTrace:
    """Read what `pack` wrote, when the first attribute is asked for."""
    return _Packed(packed)


class _Packed(ExecutionTrace):
    """A trace that is decoded when the first of its attributes is asked for."""

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    # Called where a slot is still empty.
    def __getattr__(self, name: str) -> Any:
        if name not in ExecutionTrace.__slots__:
            raise AttributeError(f"a trace has no attribute {name!r}")
        decoded = ExecutionTrace.from_dict(marshal.loads(self._packed))  # noqa: S302 - written by this process
        for slot in ExecutionTrace.__slots__:
            # What somebody has set meanwhile stays.
            if slot == name or not self._is_set(slot):
                setattr(self, slot, getattr(decoded, slot))
        return getattr(decoded, name)

    def _is_set(self, slot: str) -> bool:
        try:
            object.__getattribute__(self, slot)
        except AttributeError:
            return False
        return True
