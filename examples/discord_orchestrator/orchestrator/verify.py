"""
Is this request from Discord, fresh, and seen for the first time?

Discord sends wrong signatures on purpose to see them refused, and so do
strangers: a refusal is one quiet line, never a traceback and never an alert.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

MAX_AGE: Final = 300.0  # seconds; Slack's value, Discord names none
_REMEMBERED: Final = 10_000


class Refused(Exception):
    """The request must be answered with `status` and nothing else."""

    def __init__(self, reason: str, *, status: int = 401) -> None:
        super().__init__(reason)
        self.status = status


class Verifier:
    """Opens signed requests; remembers which interactions there were."""

    def __init__(self, public_key: str, *, now: Callable[[], float] = time.time) -> None:
        self._key = VerifyKey(bytes.fromhex(public_key))
        self._now = now
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        self._lock = Lock()

    def open(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """Return the interaction in *body*, or raise `Refused`; header names are in lower case."""
        timestamp = headers.get("x-signature-timestamp", "")
        try:
            self._key.verify(timestamp.encode() + body, bytes.fromhex(headers.get("x-signature-ed25519", "")))
        except (BadSignatureError, ValueError):  # ValueError: missing, not hex, or not 64 bytes
            raise Refused("bad signature") from None
        if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(self._now() - int(timestamp)) > MAX_AGE:
            raise Refused("stale timestamp")
        try:
            interaction = json.loads(body)
        except (ValueError, RecursionError):
            interaction = None
        if not isinstance(interaction, dict):
            raise Refused("not an interaction", status=400)
        return interaction

    def refuse_replay(self, interaction_id: str) -> None:
        """Refuse an interaction that was seen before; one older than `MAX_AGE` is stale anyway."""
        with self._lock:
            if interaction_id in self._seen:
                raise Refused("replayed interaction")
            self._seen.append(interaction_id)
