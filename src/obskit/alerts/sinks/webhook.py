"""
Tell any HTTP endpoint, signed by Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
``webhook-id`` stays the same when a message is sent again, so a receiver can tell;
the body is kept under 20 kB; 410 is the end, and every other failure but a refused
body is worth another try.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ...clock import SYSTEM_CLOCK, isoformat
from ...errors import ConfigError
from ...event import Json
from ...http import endpoint
from ..delivery import Delivery
from ._facts import facts
from ._http import HttpSink

#: Bytes of a body, with room for what stands around the facts.
_FACTS: Final = 19_000
_SECRET: Final = re.compile(r"whsec_([A-Za-z0-9+/_-]{32,88}={0,2})")


class Webhook(HttpSink):
    """
    Posts to an endpoint of yours.

    Args:
        url: Of the endpoint.
        secret: Signs each message: ``whsec_`` and 24 to 64 bytes in base64. Several,
            separated by spaces, all sign while one takes the place of another. None
            signs nothing.
    """

    service = "the webhook"
    revoking = frozenset({410})
    # The endpoint may be in the middle of a deployment; what it says of the body stays true.
    passing = frozenset(range(400, 500)) - {400, 405, 410, 413, 415, 422}

    def __init__(self, url: str, secret: str | None = None) -> None:
        target = endpoint(url, setting="url", what="Webhook")
        given = [] if secret is None else str(secret).split()
        self._keys = [_key(text) for text in given]
        if secret is not None and not given:
            raise ConfigError("secret must be whsec_ and 24 to 64 bytes in base64, got nothing")
        super().__init__(target, secrets=[*given, *target.tokens])

    def payload(self, delivery: Delivery) -> dict[str, Json]:
        """Write an event."""
        return {
            "type": f"alert.{delivery.kind}",
            "timestamp": isoformat(delivery.time_ns),
            "data": facts(delivery, limit=_FACTS),
        }

    def headers(self, delivery: Delivery, body: bytes) -> Mapping[str, str]:
        """Name, date and sign this attempt."""
        seconds = SYSTEM_CLOCK.time_ns() // 1_000_000_000
        headers = {**self._headers, "webhook-id": delivery.token, "webhook-timestamp": str(seconds)}
        if self._keys:
            signed = f"{delivery.token}.{seconds}.".encode() + body
            headers["webhook-signature"] = " ".join(_signature(key, signed) for key in self._keys)
        return headers


def _key(secret: str) -> bytes:
    import base64

    found = _SECRET.fullmatch(secret)
    text = found[1].rstrip("=") if found else ""
    try:
        key = base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).replace("+", "-").replace("/", "_"))
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise ConfigError("secret must be whsec_ and 24 to 64 bytes in base64")
    return key


def _signature(key: bytes, signed: bytes) -> str:
    import base64
    import hmac

    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
