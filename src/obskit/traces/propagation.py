"""
Carry a trace from one process to another in headers, environment variables or inputs of a workflow.

Spoken are W3C Trace Context (https://www.w3.org/TR/trace-context/, level 1), W3C Baggage
(https://www.w3.org/TR/baggage/), the header of AWS X-Ray and a correlation id.

Rule 1: what comes from outside is not trusted. It is read strictly, in time linear
in a bounded length, and what does not conform counts as absent.
Rule 2: what was received is passed on as it came, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeGuard

from ..ids import parse_step_id, parse_trace_id

#: What `obskit.inject` writes into the headers of a request.
HEADERS: Final = ("traceparent", "tracestate", "baggage", "X-Correlation-Id")
#: The same as environment variables of a process that is to be started.
ENVIRONMENT: Final = ("TRACEPARENT", "TRACESTATE", "BAGGAGE", "X_CORRELATION_ID")

_TRACEPARENT: Final = re.compile(
    r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?", re.ASCII
)
#: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
_XRAY_ROOT: Final = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})", re.ASCII | re.IGNORECASE)
_CORRELATION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}", re.ASCII)
_STATE: Final = re.compile(
    r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[ -+\--<>-~]{0,255}[!-+\--<>-~]",
    re.ASCII,
)
_BAGGAGE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}[ \t]?=[ \t]?[!#-+\--\[\]-~]*", re.ASCII)

#: Characters that a header may have.
_LONGEST: Final = {"baggage": 8_192}
_LONGEST_OTHER: Final = 512
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """Where a command came from."""

    trace_id: str | None = None  #: 32 lowercase hex digits
    parent_id: str | None = None  #: step or span that caused this one: 16 lowercase hex digits
    correlation_id: str | None = None
    sampled: bool = True  #: what the caller decided; obskit records in any case
    tracestate: str = ""  #: what other tracers passed along, as it came
    baggage: str = ""  #: what the caller passed along for everybody, as it came


NOWHERE: Final = TraceContext()


def read(carrier: Mapping[Any, Any]) -> tuple[TraceContext | None, list[str]]:
    """Return where a command came from, and the names of the headers that do not conform."""
    given: dict[str, set[str | None]] = {}
    for key, value in carrier.items():
        if type(key) is str and len(key) <= _LONGEST_NAME and (name := _header(key)) in _PARSERS:
            text = value.strip(" \t") if _fits(value, name) else None
            if text != "":
                given.setdefault(name, set()).add(text)
    # Two that differ tell nothing: whoever sits in between may have added one.
    told = {name: _parsed(name, texts.pop()) if len(texts) == 1 else None for name, texts in given.items()}
    found: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    context = replace(
        found.get("traceparent") or found.get("x-amzn-trace-id") or NOWHERE,
        correlation_id=found.get("x-correlation-id"),
        # It belongs to the traceparent, and means nothing beside another header.
        tracestate=found.get("tracestate", "") if "traceparent" in found else "",
        baggage=found.get("baggage", ""),
    )
    return None if context == NOWHERE else context, [name for name in told if name not in found]


def write(carrier: MutableMapping[str, str], names: Iterable[str], context: TraceContext) -> None:
    """Write those headers that *names* asks for, of a *context* that has both ids."""
    trace_id, parent_id, sampled = context.trace_id or "", context.parent_id, int(context.sampled)
    values = {
        "traceparent": f"00-{trace_id}-{parent_id}-{sampled:02x}",
        "tracestate": context.tracestate,
        "baggage": context.baggage,
        "x-correlation-id": context.correlation_id,
        "x-amzn-trace-id": f"Root=1-{trace_id[:8]}-{trace_id[8:]};Parent={parent_id};Sampled={sampled}",
    }
    for name in names:
        header = _header(name)
        value = values.get(header)
        if value and _parsed(header, value) is not None:
            carrier[name] = value


def _header(name: str) -> str:
    """Spell the name of a variable, such as ``_X_AMZN_TRACE_ID`` on AWS Lambda, as that of a header."""
    return name.lower().replace("_", "-").strip("-")


def _fits(value: object, name: str) -> TypeGuard[str]:
    """Tell whether *value* is worth a look as that of the header *name*."""
    return type(value) is str and len(value) <= _LONGEST.get(name, _LONGEST_OTHER)


def _parsed(name: str, text: object) -> TraceContext | str | None:
    """Return what the header *name* tells, as a place where it has ids; None where it does not conform."""
    return _PARSERS[name](text) if _fits(text, name) else None


def _traceparent(text: str) -> TraceContext | None:
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, parent_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return None
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return TraceContext(trace_id=trace_id, parent_id=parent_id, sampled=bool(int(flags, 16) & 1))


def _xray(text: str) -> TraceContext | None:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    parts = {name: value for name, _, value in pairs}
    root = _XRAY_ROOT.fullmatch(parts.get("Root", ""))
    trace_id = parse_trace_id(root[1] + root[2]) if root else None
    if trace_id is None:
        return None
    parent_id = parse_step_id(parts.get("Parent", "").lower())
    return TraceContext(trace_id=trace_id, parent_id=parent_id, sampled=parts.get("Sampled") != "0")


def _list_of(member: re.Pattern[str], most: int, text: str) -> str | None:
    members = [part.strip(" \t") for part in text.split(",")]
    fits = len(members) <= most and all(not part or member.fullmatch(part) for part in members)
    return text if fits else None


_PARSERS: Final[dict[str, Callable[[str], TraceContext | str | None]]] = {
    "traceparent": _traceparent,
    "tracestate": partial(_list_of, _STATE, 32),
    "baggage": partial(_list_of, _BAGGAGE, 64),
    "x-correlation-id": lambda text: text if _CORRELATION_ID.fullmatch(text) else None,
    "x-amzn-trace-id": _xray,
}
