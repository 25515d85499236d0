"""
Tell any HTTP endpoint, signed by Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
``webhook-id`` stays the same when a message is sent again, so a receiver can tell;
the body is kept under 20 kB; 410 is the end, and every other failure but a refused
body is worth another try.
"""

from __future__ import annotations

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
_TAKES: Final = "whsec_ and 24 to 64 bytes in base64"


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
        if secret is not None and not given:
            raise ConfigError(f"secret must be {_TAKES}, got nothing")
        self._keys = [_key(text) for text in given]
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
    from base64 import b64decode

    prefix, _, text = secret.partition("_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        key = b""
    if prefix != "whsec" or not 24 <= len(key) <= 64:
        raise ConfigError(f"secret must be {_TAKES}")
    return key


def _signature(key: bytes, signed: bytes) -> str:
    from base64 import b64encode
    from hmac import digest

    return "v1," + b64encode(digest(key, signed, "sha256")).decode()
