"""
Write the messages that tell of what had no message of its own.

Pure: repeats that nobody was told of when a window or the program ends, and what
a storm held back.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ..encoding.budget import shorten
from ..gate import Gate
from .delivery import Delivery, Kind, delivery_token
from .key import KEY_LENGTH, severity_of
from .model import Alert, SafeAlert, Severity, secured
from .storm import Throttled
from .window import Repeats

#: Characters shown of each message that a digest tells of.
_LENGTH: Final = 120
#: Incidents told of when the program ends; of more there is only a number.
_TOLD: Final = 20


class Digests:
    """
    Writes messages of kind `Kind.SUMMARY`.

    Args:
        service: In which it happened.
        time_ns: Wall clock.
    """

    def __init__(self, gate: Gate, *, service: str, time_ns: int) -> None:
        self._gate = gate
        self._service = service
        self._time_ns = time_ns

    def again(self, alert: SafeAlert | None, mark: str, repeats: Repeats, *, token: str) -> Delivery:
        """Tell at the end of its window that *alert*, if it is still known, happened again."""
        if alert is None:
            unknown = Alert(severity=severity_of(mark), message=f"A failure happened again: {mark[:8]}")
            alert = secured(unknown, self._gate)
        alert = SafeAlert(replace(alert, trace_id=None, links={}))  # those of the first occurrence
        return self._delivery(alert, mark[:KEY_LENGTH], repeats, token)

    def stopping(self, told: Mapping[str, Repeats], incidents: Mapping[str, SafeAlert]) -> Delivery:
        """Tell at the end of the program what happened again since the last messages."""
        lines = ["Stopping. Since they were last told, these happened again:"]
        for mark, repeats in list(told.items())[:_TOLD]:
            known = incidents.get(mark[:KEY_LENGTH])
            lines.append(f"{repeats.count} x {shorten(known.message, _LENGTH) if known else mark[:8]}")
        if len(told) > _TOLD:
            lines.append(f"and {len(told) - _TOLD} more")
        worst = max(map(severity_of, told), key=lambda severity: severity.rank)
        repeats = functools.reduce(Repeats.plus, told.values())
        return self._written(lines, worst, next(iter(told))[:KEY_LENGTH], repeats)

    def storm(self, throttled: Throttled, *, sink: str) -> Delivery:
        """Tell what a storm held back from *sink*."""
        count = throttled.repeats.count
        lines = [f"A storm: {count} alert{'s' * (count != 1)} had no message of their own, among them:"]
        lines += [
            f"{times} x {shorten(self._gate.text(text), _LENGTH)}" for text, times in throttled.messages
        ]
        return self._written(lines, throttled.severity, f"storm@{sink}", throttled.repeats)

    def _written(self, lines: list[str], severity: Severity, key: str, repeats: Repeats) -> Delivery:
        alert = secured(Alert(severity=severity, message="\n".join(lines)), self._gate)
        return self._delivery(alert, key, repeats, delivery_token(Kind.SUMMARY, self._time_ns, key))

    def _delivery(self, alert: SafeAlert, key: str, repeats: Repeats, token: str) -> Delivery:
        return Delivery(
            alert=alert,
            key=key,
            service=self._service,
            time_ns=self._time_ns,
            token=token,
            kind=Kind.SUMMARY,
            repeats=repeats,
        )
