"""Tell a message as JSON values, for programs; `_layout` writes it for people."""

from __future__ import annotations

from typing import cast

from ...clock import isoformat
from ...event import Json
from ..delivery import Delivery
from ._http import encoded
from ._layout import clean, fitting, label, trace_id, web_links


def facts(delivery: Delivery, *, limit: int) -> dict[str, Json]:
    """
    Return what *delivery* says, in at most *limit* bytes once it is encoded.

    Where that is too little, message and root cause are cut and fields left out.

    Args:
        delivery: What to tell.
        limit: 10,000 bytes or more.
    """
    alert, repeats = delivery.alert, delivery.repeats
    # A character has at most four bytes, and the two texts get at most half of all bytes.
    most = limit // 16
    told: dict[str, Json] = {
        "kind": delivery.kind,
        "key": delivery.key,
        "severity": alert.severity,
        "service": label(delivery.service),
        "message": fitting(clean(alert.message), most),
        "root_cause": fitting(clean(alert.root_cause), most) if isinstance(alert.root_cause, str) else None,
        "trace_id": trace_id(delivery) or None,
        "links": dict(web_links(delivery)),
        "repeats": None,
        "fields": {},
    }
    if repeats.count:
        first, last = isoformat(repeats.first_ns), isoformat(repeats.last_ns)
        told["repeats"] = {"count": repeats.count, "first": first, "last": last}
    told["fields"] = _fields_within(delivery, limit - len(encoded(told)))
    return told


def _fields_within(delivery: Delivery, room: int) -> dict[str, Json]:
    """Return the fields that fit *room* together; a larger one is passed over."""
    kept: dict[str, Json] = {}
    for name, value in delivery.alert.fields.items():  # the gate has made JSON of them
        entry: dict[str, Json] = {label(name): cast("Json", value)}
        size = len(encoded(entry))  # the braces make up for the comma
        if size <= room:
            kept |= entry
            room -= size
    return kept
