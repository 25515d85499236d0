"""
Keep a trace in this process as a few hundred bytes.

Values without their names, by `marshal`: a trace of four steps takes 3 µs to pack, and
is read only when somebody looks at it. Nothing of it may leave the process: `marshal`
must not be given bytes of others, and is another format in another Python.
"""

from __future__ import annotations

import marshal
from operator import attrgetter
from typing import Any, Final

from ...encoding.exceptions import Cause, ErrorInfo
from ..model import ExecutionTrace, Step

_TRACE: Final = (
    "trace_id",
    "span_id",
    "parent_id",
    "command",
    "user_id",
    "correlation_id",
    "started_at",
    "status",
    "duration_ms",
    "links",
    "attributes",
    "dropped",
)
_STEP: Final = ("name", "id", "parent_id", "status", "started_ms", "duration_ms", "details")
_trace_values: Final = attrgetter(*_TRACE)
_step_values: Final = attrgetter(*_STEP)
#: Of a trace that does not run any more, the duration is a plain value.
_SLOTS: Final = {"duration_ms": "_duration_ms"}


def pack(trace: ExecutionTrace) -> bytes:
    """Write *trace* as it is now."""
    steps: list[Any] = [(*_step_values(step), _error_values(step.error)) for step in list(trace.steps)]
    return marshal.dumps((*_trace_values(trace), _error_values(trace.error), steps))


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
        *values, error, steps = marshal.loads(self._packed)  # noqa: S302 - written by this process
        decoded = _named(_TRACE, values) | {"error": _error(error), "steps": [*map(_step, steps)]}
        for slot, value in decoded.items():
            # What somebody has set meanwhile stays.
            if slot == name or not self._is_set(slot):
                setattr(self, slot, value)
        return decoded[name]

    def _is_set(self, slot: str) -> bool:
        try:
            object.__getattribute__(self, slot)
        except AttributeError:
            return False
        return True


def _step(values: tuple[Any, ...]) -> Step:
    step = Step.__new__(Step)
    for slot, value in _named(_STEP, values[:-1]).items():
        setattr(step, slot, value)
    step.error = _error(values[-1])
    return step


def _named(names: tuple[str, ...], values: Any) -> dict[str, Any]:
    return {_SLOTS.get(name, name): value for name, value in zip(names, values, strict=True)}


def _error_values(error: ErrorInfo | None) -> Any:
    return error and (error.type, error.message, error.stack, [tuple(cause) for cause in error.causes])


def _error(values: tuple[str, str, str, list[Any]] | None) -> ErrorInfo | None:
    if values is None:
        return None
    kind, message, stack, causes = values
    return ErrorInfo(kind, message, stack, tuple(Cause(*cause) for cause in causes))
