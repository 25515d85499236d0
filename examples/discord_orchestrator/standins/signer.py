"""
Signs interactions as Discord does, with a key of its own, and sends them.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import urllib3
from nacl.signing import SigningKey

_DISCORD_EPOCH_MS: Final = 1_420_070_400_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered over HTTP."""

    status: int
    body: Any
    seconds: float  #: it took

    @property
    def text(self) -> str:
        """What the user reads."""
        return str(self.body["data"]["content"])


class Signer:
    """Plays Discord towards the bot: one application, one key."""

    def __init__(self, *, application_id: str = "") -> None:
        self._key = SigningKey.generate()
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)
        self.public_key = self._key.verify_key.encode().hex()
        self.application_id = application_id or snowflake()

    def headers(self, body: bytes, *, age: float = 0.0) -> dict[str, str]:
        """Make the headers for *body* as if it had been signed *age* seconds ago."""
        timestamp = str(int(time.time() - age))
        signature = self._key.sign(timestamp.encode() + body).signature.hex()
        return {
            "Content-Type": "application/json",
            "X-Signature-Ed25519": signature,
            "X-Signature-Timestamp": timestamp,
        }

    def command(self, name: str, *, user_id: str, options: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Make an interaction for ``/name``, as a user sends it in a guild."""
        interaction_id = snowflake()
        given = [{"type": 3, "name": key, "value": value} for key, value in (options or {}).items()]
        return {
            "version": 1,
            "type": 2,
            "id": interaction_id,
            "application_id": self.application_id,
            "token": _token(interaction_id),
            "guild_id": "290926798626357250",
            "channel_id": "645027906669510667",
            "context": 0,
            "locale": "en-GB",
            "member": {
                "user": {"id": user_id, "username": "somebody"},
                "permissions": "2147483648",
                "roles": [],
            },
            "data": {"id": snowflake(), "name": name, "type": 1, "options": given},
        }

    def send(self, url: str, interaction: Mapping[str, Any]) -> Answer:
        """Sign *interaction* and send it to the bot at *url*."""
        body = json.dumps(interaction).encode()
        return self.post(url, body, self.headers(body))

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send *body* with *headers* as they are."""
        start = time.monotonic()
        response = self._http.request("POST", f"{url}/interactions", body=body, headers=headers)
        return Answer(response.status, json.loads(response.data or b"null"), time.monotonic() - start)


def snowflake() -> str:
    """Make a new id that says when it was made."""
    milliseconds = time.time_ns() // 1_000_000 - _DISCORD_EPOCH_MS
    return str((milliseconds << 22) | secrets.randbits(22))


def _token(interaction_id: str) -> str:
    """Make a token that looks like Discord's; it opens nothing."""
    text = f"interaction:{interaction_id}:{secrets.token_urlsafe(72)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
