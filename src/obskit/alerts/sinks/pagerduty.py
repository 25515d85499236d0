"""
Open and resolve incidents at PagerDuty through the Events API v2.

https://developer.pagerduty.com/docs/events-api-v2-overview: an event has at most
512 KB, its summary 1,024 characters, its key 255. Events of one key are one
incident while it is open, so sending one again is safe.
"""

from __future__ import annotations

import re
from typing import Final

from ...clock import isoformat
from ...event import Json
from ...http import endpoint
from ...settings import secret
from ..delivery import Delivery, Kind
from ._facts import facts
from ._http import HttpSink
from ._layout import defused, label, title, web_links

_SUMMARY: Final = 1_024
_KEY: Final = 255
#: Bytes of the details; with the rest an event stays far below its limit.
_DETAILS: Final = 256_000
_ROUTING_KEY: Final = re.compile(r"[\w-]{8,64}", re.ASCII)


class PagerDuty(HttpSink):
    """
    Opens an incident, and resolves it with the recovery message.

    Args:
        routing_key: The integration key of a service or ruleset.
        base_url: ``https://events.eu.pagerduty.com`` for accounts in the EU.
    """

    service = "PagerDuty"

    def __init__(self, routing_key: str, *, base_url: str = "https://events.pagerduty.com") -> None:
        takes = "an integration key: 32 letters and digits"
        self._routing_key = secret("routing_key", routing_key, _ROUTING_KEY, takes)
        base = endpoint(base_url, setting="base_url", what="PagerDuty")
        super().__init__(base.at("/v2/enqueue"), secrets=[routing_key])

    def payload(self, delivery: Delivery) -> dict[str, Json]:
        """Write an event."""
        event: dict[str, Json] = {
            "routing_key": self._routing_key,
            "event_action": "trigger",
            "dedup_key": delivery.key[:_KEY],
        }
        if delivery.kind is Kind.RECOVERY:
            return event | {"event_action": "resolve"}
        return event | {
            "client": "obskit",
            "payload": {
                "summary": title(delivery, _SUMMARY),
                "source": label(delivery.service) or "obskit",
                "severity": delivery.alert.severity,
                "timestamp": isoformat(delivery.time_ns),
                "custom_details": facts(delivery, limit=_DETAILS),
            },
            "links": [{"href": url, "text": defused(name)} for name, url in web_links(delivery)],
        }
