"""
Hand alerts to a Prometheus Alertmanager, which groups, silences and passes them on.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml. The labels
are what makes two alerts the same there, so they hold nothing that differs from one
occurrence to the next, and sending an alert again is safe. Annotations reach chats
that obskit does not know, so they are defused.
"""

from __future__ import annotations

import re
from typing import Final

from ...clock import SYSTEM_CLOCK, isoformat
from ...event import Json
from ...http import endpoint
from ...settings import seconds
from ..delivery import Delivery, Kind
from ._http import HttpSink
from ._layout import RELAYED, defused, label, layout, one_line, title, trace_id, web_links

_SUMMARY: Final = 200
_DESCRIPTION: Final = 4_000
_LABEL: Final = 200


class Alertmanager(HttpSink):
    """
    Posts to an Alertmanager.

    Args:
        url: Of the Alertmanager, without ``/api/v2``.
        expires_after: Seconds until an alert that nobody tells of again counts as
            resolved. Longer than the window of the alerter, or it ends in between.
    """

    service = "Alertmanager"

    def __init__(self, url: str, *, expires_after: float = 900.0) -> None:
        self._expires_after_ns = int(seconds("expires_after", expires_after) * 1e9)
        target = endpoint(url, setting="url", what="Alertmanager").at("/api/v2/alerts")
        super().__init__(target, secrets=target.tokens)

    def payload(self, delivery: Delivery) -> list[Json]:
        """Write an alert that ends by itself, or one that is over."""
        service = label(delivery.service)
        # A message may have waited: what ends in the past would never be shown.
        now_ns = max(SYSTEM_CLOCK.time_ns(), delivery.time_ns)
        is_over = delivery.kind is Kind.RECOVERY
        labels: dict[str, Json] = _labels(delivery) | {
            "alertname": service or "obskit",
            "service": service,
            "severity": delivery.alert.severity,
            "incident": delivery.key,
        }
        annotations: dict[str, Json] = {
            "summary": title(delivery, _SUMMARY),
            "description": layout(delivery, RELAYED, _DESCRIPTION),
            "trace_id": defused(trace_id(delivery)),
        }
        alert: dict[str, Json] = {
            "labels": labels,
            "annotations": annotations,
            "startsAt": isoformat(delivery.time_ns),
            "endsAt": isoformat(now_ns if is_over else now_ns + self._expires_after_ns),
        }
        links = web_links(delivery)
        return [alert | {"generatorURL": links[0][1]} if links else alert]


def _labels(delivery: Delivery) -> dict[str, Json]:
    """Return what the application tells incidents apart by, under names that every version takes."""
    return {
        label(re.sub(r"\W|^(?=\d|$)", "_", name, flags=re.ASCII)): defused(one_line(str(value))[:_LABEL])
        for name, value in delivery.alert.labels.items()
    }
