"""Lay the parts of an event out as the fields of a line: their names and their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..clock import isoformat
from ..event import CONTEXT_FIELDS, CORE_FIELDS, Json, SafeEvent
from ..levels import level_name

#: Gives the fields of a line, in their order, for an event and the name of the service.
Schema = Callable[[SafeEvent, str], dict[str, Json]]


def default(event: SafeEvent, service: str) -> dict[str, Json]:
    """Lay *event* out with the names ``ts level service fn ... msg``."""
    fields = event.fields
    line: dict[str, Json] = {
        "ts": isoformat(event.time_ns),
        "level": level_name(event.level),
        "service": service,
        "fn": event.fn,
    }
    for name in CONTEXT_FIELDS:
        if name in fields:
            line[name] = fields[name]
    line["msg"] = event.msg
    if event.event is not None:
        line["event"] = event.event
    for name, value in fields.items():
        if name not in CONTEXT_FIELDS:
            line[_own_name(name, fields)] = value
    if event.error is not None:
        line["error"] = event.error
        line["stack"] = event.stack
    if event.logger is not None:
        line["logger"] = event.logger
    return line


def _own_name(name: str, fields: dict[str, Json]) -> str:
    """Keep a user's field of a core name apart from ours: ``level`` becomes ``level_``."""
    if name not in CORE_FIELDS:
        return name
    name += "_"
    while name in fields:
        name += "_"
    return name


SCHEMAS: Final[dict[str, Schema]] = {"default": default}
