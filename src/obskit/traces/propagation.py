"""
Carry a trace from one process to another: W3C Trace Context and a correlation id.

What comes from outside is not trusted: it is read strictly, in time that does
not depend on its length, and what does not conform counts as absent
(https://www.w3.org/TR/trace-context/, level 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from ..ids import new_step_id

_TRACEPARENT: Final = re.compile(
    r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?", re.ASCII
)
_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}", re.ASCII)
_LONGEST: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """Where a command came from."""

    trace_id: str | None = None  #: 32 lowercase hex digits
    parent_id: str | None = None  #: step or span that caused this one: 16 lowercase hex digits
    correlation_id: str | None = None
    sampled: bool = True  #: what the caller decided; obskit records in any case


def extract(carrier: Mapping[Any, Any] | None) -> TraceContext | None:
    """
    Read where a command came from.

    Args:
        carrier: Headers or environment variables; case does not matter, and
            ``TRACEPARENT`` and ``X_CORRELATION_ID`` are read as well. Values that are
            no text, and None in place of a mapping, hold nothing.

    Returns:
        None where *carrier* holds nothing that can be used.
    """
    found = _headers(carrier or {})
    correlation_id = found.get("x-correlation-id", "")
    correlation = correlation_id if _CORRELATION_ID.fullmatch(correlation_id) else None
    match = _TRACEPARENT.fullmatch(found.get("traceparent", ""))
    if match is None or not _is_valid(match):
        return TraceContext(correlation_id=correlation) if correlation else None
    _, trace_id, parent_id, flags, _ = match.groups()
    return TraceContext(
        trace_id=trace_id, parent_id=parent_id, correlation_id=correlation, sampled=bool(int(flags, 16) & 1)
    )


def _headers(carrier: Mapping[Any, Any]) -> dict[str, str]:
    """Return the short texts in *carrier* under the names of headers."""
    return {
        name.lower().replace("_", "-"): value.strip()
        for name, value in carrier.items()
        if isinstance(name, str) and isinstance(value, str) and max(len(name), len(value)) <= _LONGEST
    }


def write(
    carrier: MutableMapping[str, str], *, trace_id: str, step_id: str | None, correlation_id: str | None
) -> None:
    """Write a trace's place into *carrier*, under the names of headers."""
    carrier["traceparent"] = f"00-{trace_id}-{step_id or new_step_id()}-01"
    if correlation_id and _CORRELATION_ID.fullmatch(correlation_id):
        carrier["X-Correlation-Id"] = correlation_id


def _is_valid(match: re.Match[str]) -> bool:
    version, trace_id, parent_id, _, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return False
    return bool(trace_id.strip("0")) and bool(parent_id.strip("0"))
