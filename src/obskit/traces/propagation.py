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
from dataclasses import dataclass
from typing import Any, Final

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

#: Characters that a header may have, and members that a list in one may have.
_LONGEST: Final = {"baggage": 8_192}
_LONGEST_OTHER: Final = 512
_MEMBERS: Final = {"tracestate": 32, "baggage": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """Where a command came from."""

    trace_id: str | None = None  #: 32 lowercase hex digits
    parent_id: str | None = None  #: step or span that caused this one: 16 lowercase hex digits
    correlation_id: str | None = None
    sampled: bool = True  #: what the caller decided; obskit records in any case
    tracestate: str = ""  #: what other tracers passed along, as it came
    baggage: str = ""  #: what the caller passed along for everybody, as it came


def read(carrier: Mapping[Any, Any]) -> tuple[TraceContext | None, list[str]]:
    """Return where a command came from, and the names of the headers that do not conform."""
    found, refused = _headers(carrier)
    for name, fits in _FITS.items():
        if name in found and not fits(found[name]):
            refused.append(name)
            del found[name]
    ids: tuple[str, str | None, bool] | None = None
    for name, parse in (("traceparent", _traceparent), ("x-amzn-trace-id", _xray)):
        if ids is None and name in found and (ids := parse(found[name])) is None:
            refused.append(name)
    correlation_id, baggage = found.get("x-correlation-id"), found.get("baggage", "")
    if ids is None:
        context = TraceContext(correlation_id=correlation_id, baggage=baggage)
        return context if correlation_id or baggage else None, refused
    trace_id, parent_id, sampled = ids
    # It belongs to the traceparent, and means nothing beside another header.
    has_state = "traceparent" in found and "traceparent" not in refused
    context = TraceContext(
        trace_id=trace_id,
        parent_id=parent_id,
        correlation_id=correlation_id,
        sampled=sampled,
        tracestate=found.get("tracestate", "") if has_state else "",
        baggage=baggage,
    )
    return context, refused


def write(
    carrier: MutableMapping[str, str], names: Iterable[str], *, step_id: str, context: TraceContext
) -> None:
    """Write those headers of *context* that *names* asks for, *step_id* being the caller."""
    trace_id, sampled = context.trace_id or "", int(context.sampled)
    values = {
        "traceparent": f"00-{trace_id}-{step_id}-{sampled:02x}",
        "tracestate": context.tracestate,
        "baggage": context.baggage,
        "x-correlation-id": context.correlation_id,
        "x-amzn-trace-id": f"Root=1-{trace_id[:8]}-{trace_id[8:]};Parent={step_id};Sampled={sampled}",
    }
    for name in names:
        header = _header(name)
        value = values.get(header)
        if value and (header not in _FITS or _FITS[header](value)):
            carrier[name] = value


def _is_list(name: str, text: str, member: re.Pattern[str]) -> bool:
    if len(text) > _LONGEST.get(name, _LONGEST_OTHER):
        return False
    members = [part.strip(" \t") for part in text.split(",")] if text else []
    return len(members) <= _MEMBERS[name] and all(not part or member.fullmatch(part) for part in members)


def _headers(carrier: Mapping[Any, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the texts in *carrier* under the names of headers, and the names of those that are no use."""
    found: dict[str, str] = {}
    refused: list[str] = []
    for given, value in carrier.items():
        if type(given) is not str or len(given) > _LONGEST_NAME or (name := _header(given)) not in _KNOWN:
            continue
        if type(value) is not str or len(value) > _LONGEST.get(name, _LONGEST_OTHER):
            refused.append(name)
        elif (text := value.strip(" \t")) and found.setdefault(name, text) != text:
            # Two that differ tell nothing: whoever sits in between may have added one.
            refused.append(name)
    return {name: text for name, text in found.items() if name not in refused}, refused


#: What else than an id of a trace has to conform.
_FITS: Final[dict[str, Callable[[str], object]]] = {
    "x-correlation-id": _CORRELATION_ID.fullmatch,
    "tracestate": lambda text: _is_list("tracestate", text, _STATE),
    "baggage": lambda text: _is_list("baggage", text, _BAGGAGE),
}
_KNOWN: Final = {"traceparent", "x-amzn-trace-id", *_FITS}
_LONGEST_NAME: Final = 64


def _header(name: str) -> str:
    """Spell the name of a variable, such as ``_X_AMZN_TRACE_ID`` on AWS Lambda, as that of a header."""
    return name.lower().replace("_", "-").strip("-")


def _traceparent(text: str) -> tuple[str, str | None, bool] | None:
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, parent_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return None
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return trace_id, parent_id, bool(int(flags, 16) & 1)


def _xray(text: str) -> tuple[str, str | None, bool] | None:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    parts = {name: value for name, _, value in pairs}
    root = _XRAY_ROOT.fullmatch(parts.get("Root", ""))
    trace_id = parse_trace_id(root[1] + root[2]) if root else None
    if trace_id is None:
        return None
    return trace_id, parse_step_id(parts.get("Parent", "").lower()), parts.get("Sampled") != "0"
