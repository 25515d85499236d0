"""
What an alert is, before and after the gate.

`Alert` is what the application says. `secured` is the only maker of a
`SafeAlert`, and a sink can be given nothing else.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType, cast

from ..encoding.budget import shorten
from ..event import Json
from ..gate import Gate

#: Stands for links, fields or labels that were not given.
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
#: Characters kept of each text; more than any chat service shows of it.
_MAX_TEXT: Final = 4_000
_MAX_ID: Final = 128
#: Links kept, and fields.
_MAX_ENTRIES: Final = 25


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number that is higher the worse it is."""
        return _RANKS[self]

    @classmethod
    def parse(cls, text: object) -> Severity | None:
        """
        Read a severity in any case; ``warn`` is ``warning``. None if it is no severity.

        >>> Severity.parse("WARN")
        <Severity.WARNING: 'warning'>
        """
        return _BY_NAME.get(text.strip().lower()) if type(text) in (str, cls) else None  # type: ignore[attr-defined]


_RANKS: Final = {severity: rank for rank, severity in enumerate(Severity)}
_BY_NAME: Final = {severity.value: severity for severity in Severity} | {"warn": Severity.WARNING}


@dataclass(frozen=True, slots=True, init=False)
class Alert:
    """
    A failure to tell people about.

    Args:
        severity: ``critical``, ``error`` or ``warning``. Anything else is taken for
            ``error`` and kept as the field ``severity``: an alert with a slip in it
            is still an alert.
        message: What went wrong, in a line or two.
        root_cause: Why, as text or as the exception.
        trace_id: Of the command that failed.
        links: Label to URL, such as the run that failed.
        fields: Whatever else helps.
        fingerprint: Names the incident; alerts with the same one are the same,
            whatever else they say. Of several parts, `obskit.alerts.DEFAULT` stands
            for what would tell incidents apart without it.
        labels: What tells this incident from others that say the same, such as
            ``{"tenant": "acme"}``; shown as fields.
    """

    severity: Severity
    message: str
    root_cause: str | BaseException | None
    trace_id: str | None
    links: Mapping[str, str]
    fields: Mapping[str, object]
    fingerprint: str | Sequence[str] | None
    labels: Mapping[str, object]

    def __init__(
        self,
        *,
        severity: str,
        message: str,
        root_cause: str | BaseException | None = None,
        trace_id: str | None = None,
        links: Mapping[str, str] | None = None,
        fields: Mapping[str, object] | None = None,
        fingerprint: str | Sequence[str] | None = None,
        labels: Mapping[str, object] | None = None,
    ) -> None:
        known = Severity.parse(severity)
        given: Mapping[str, object] = {} if fields is None else fields
        put = object.__setattr__  # the class is frozen, for its own __init__ too
        put(self, "severity", known or Severity.ERROR)
        put(self, "message", message)
        put(self, "root_cause", root_cause)
        put(self, "trace_id", trace_id)
        put(self, "links", NOTHING if links is None else links)
        put(self, "fields", given if known or type(given) is not dict else {**given, "severity": severity})
        put(self, "fingerprint", fingerprint)
        put(self, "labels", NOTHING if labels is None else labels)

    def __repr__(self) -> str:
        """What it says is left out: it has not been through the gate."""
        return f"<Alert {self.severity}>"


SafeAlert = NewType("SafeAlert", Alert)


def secured(alert: Alert, gate: Gate) -> SafeAlert:
    """Return *alert* as it may be shown: without secrets, in bounds, all of it text or JSON."""
    labels, fields = _entries(gate, alert.labels), _entries(gate, alert.fields)
    links = _entries(gate, alert.links)
    for label, url in links.items():
        links[label] = str(url)
    safe = Alert(
        severity=alert.severity,
        message=shorten(gate.text(alert.message), _MAX_TEXT),
        root_cause=_cause(gate, alert.root_cause),
        trace_id=None if alert.trace_id is None else gate.text(alert.trace_id)[:_MAX_ID],
        links=cast("dict[str, str]", links),
        fields={**labels, **fields} if labels else fields,
        fingerprint=_fingerprint(gate, alert.fingerprint),
        labels=labels,
    )
    return SafeAlert(safe)


def _cause(gate: Gate, cause: object) -> str | None:
    if cause is None:
        return None
    is_error = issubclass(type(cause), BaseException)
    shown = gate.error(cast("BaseException", cause)).summary if is_error else gate.text(cause)
    return shorten(shown, _MAX_TEXT)


def _fingerprint(gate: Gate, fingerprint: object) -> str | tuple[str, ...] | None:
    if type(fingerprint) in (list, tuple):
        parts = cast("Sequence[object]", fingerprint)[:_MAX_ENTRIES]
        return tuple(gate.text(part)[:_MAX_ID] for part in parts)
    return None if fingerprint is None else gate.text(fingerprint)[:_MAX_ID]


def _entries(gate: Gate, entries: Mapping[str, object]) -> dict[str, Json]:
    """Make the first entries safe and short; what is no mapping, or a broken one, says so."""
    if entries is NOTHING:
        return {}
    safe = gate.fields(entries) if type(entries) is dict else gate.value(entries)
    if not isinstance(safe, dict):
        return {"unreadable": safe}
    kept: dict[str, Json] = {}
    for name, value in itertools.islice(safe.items(), _MAX_ENTRIES):
        if isinstance(value, str):
            shown: Json = shorten(value, _MAX_TEXT)
        else:  # a large container is shown as the cut text of it
            text = json.dumps(value) if isinstance(value, list | dict) else ""
            shown = value if len(text) <= _MAX_TEXT else shorten(text, _MAX_TEXT)
        kept[shorten(name, _MAX_ID)] = shown
    return kept
