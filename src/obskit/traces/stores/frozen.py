"""
Keep a trace as bytes: compact JSON.

They take a fraction of the room of the objects, any store can hold them, and most
of them are never read. What is read comes from outside and is checked, since
anybody may have written it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from types import NoneType
from typing import Any, Final, TypeAlias

from ...encoding.exceptions import ErrorInfo
from ...errors import StoreError
from ...ids import parse_trace_id
from ..model import STATUSES, ExecutionTrace

# Kept, since `json.dumps` with options makes an encoder each time; what is in a trace has no cycles.
# A trace of four steps takes 10 µs to freeze, 10 µs to thaw and 0.5 KB (CPython 3.11).
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def freeze(trace: ExecutionTrace) -> bytes:
    """Write *trace*; also text that UTF-8 proper cannot hold is kept."""
    return _encode(trace.to_dict()).encode("utf-8", "surrogatepass")


def thaw(frozen: bytes, *, is_lost: bool, now_ns: int) -> ExecutionTrace:
    """
    Read a trace that came from outside.

    Args:
        is_lost: Whether what has not ended will never end.
        now_ns: Wall-clock time; tells how long a trace has been running.

    Raises:
        StoreError: If it is not what obskit writes.
    """
    try:
        trace = ExecutionTrace.from_dict(_decode(frozen.decode("utf-8", "surrogatepass")))
        _check(trace)
        if trace.status == "running":
            _settle(trace, is_lost=is_lost, now_ns=now_ns)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"what is kept is no trace: {type(error).__name__}") from None
    return trace


def _settle(trace: ExecutionTrace, *, is_lost: bool, now_ns: int) -> None:
    """Give a trace that has not ended its status and duration of now."""
    open_steps = [step for step in trace.steps if step.status == "running"]
    if is_lost:
        known = (step.started_ms + step.duration_ms for step in trace.steps)
        trace.status, trace._duration_ms = "lost", max((trace.duration_ms, *known))
        for step in open_steps:
            step.status = "lost"
    else:
        began_ms = datetime.fromisoformat(trace.started_at).timestamp() * 1e3
        trace._duration_ms = max(trace.duration_ms, round(now_ns / 1e6 - began_ms, 3))
        for step in open_steps:
            step._duration_ms = max(step.duration_ms, round(trace.duration_ms - step.started_ms, 3))


# --- what a trace from outside must look like ---


def _refuse(value: object) -> None:
    raise ValueError(f"{type(value).__name__} is out of place")


# NaN and infinity are no JSON.
_decode: Final = json.JSONDecoder(parse_constant=_refuse).decode


def _check(trace: ExecutionTrace) -> None:
    """Refuse what would surprise whoever reads the trace."""
    for thing, shape in ((trace, _TRACE), *((step, _STEP) for step in trace.steps)):
        for name, fits in shape.items():
            if not fits(getattr(thing, name)):
                _refuse(getattr(thing, name))


def _is(*kinds: type) -> Callable[[object], bool]:
    return lambda value: type(value) in kinds


def _is_error(value: ErrorInfo | None) -> bool:
    return value is None or all(
        type(text) is str for text in (*value[:3], *(text for cause in value.causes for text in cause))
    )


def _are_links(value: dict[str, Any]) -> bool:
    return all(type(url) is str and url.lower().startswith(("http://", "https://")) for url in value.values())


def _are_counts(value: dict[str, Any]) -> bool:
    return all(type(count) is int and count >= 0 for count in value.values())


#: Three thousand years.
_LONGEST_MS: Final = 1e14

_Shape: TypeAlias = dict[str, Callable[[Any], bool]]

_BOTH: Final[_Shape] = {
    "parent_id": _is(str, NoneType),
    "status": STATUSES.__contains__,
    "duration_ms": lambda value: type(value) in (int, float) and 0 <= value < _LONGEST_MS,
    "error": _is_error,
}
_TRACE: Final[_Shape] = {
    **_BOTH,
    "trace_id": lambda value: value is not None and parse_trace_id(value) == value,
    "span_id": _is(str),
    "command": _is(str),
    "user_id": _is(str, NoneType),
    "correlation_id": _is(str, NoneType),
    "started_at": lambda value: datetime.fromisoformat(value).tzinfo is not None,
    "dropped": _are_counts,
    "links": _are_links,
    "attributes": _is(dict),
}
_STEP: Final[_Shape] = {
    **_BOTH,
    "name": _is(str),
    "id": _is(str),
    "started_ms": _BOTH["duration_ms"],
    "details": _is(dict),
}
