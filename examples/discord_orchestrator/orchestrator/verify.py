"""
Is this request from Discord, fresh, and seen for the first time?

Discord sends wrong signatures on purpose to see them refused, and so do
strangers: a refusal is one quiet line, never a traceback and never an alert.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from obskit.alerts.dedupe import Dedupe, Granted
from obskit.alerts.window import NO_REPEATS
from obskit.errors import StoreError

from .observability import log

MAX_AGE: Final = 300.0  # seconds; Slack's value, Discord names none
_REMEMBERED: Final = 3_600.0  # seconds; no request is fresh and no event of Lambda waits for so long


class Refused(Exception):
    """The request must be answered with `status` and nothing else."""

    def __init__(self, reason: str, *, status: int = 401) -> None:
        super().__init__(reason)
        self.status = status


def opened(key: VerifyKey, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the interaction in *body*, or raise `Refused`; header names are in lower case."""
    timestamp = headers.get("x-signature-timestamp", "")
    try:
        key.verify(timestamp.encode() + body, bytes.fromhex(headers.get("x-signature-ed25519", "")))
    except (BadSignatureError, ValueError):  # ValueError: missing, not hex, or not 64 bytes
        raise Refused("bad signature") from None
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > MAX_AGE:
        raise Refused("stale timestamp")
    try:
        interaction = json.loads(body)
    except (ValueError, RecursionError):
        interaction = None
    if not isinstance(interaction, dict):
        raise Refused("not an interaction", status=400)
    return interaction


class Once:
    """
    Tells whoever asks first about an interaction to go on, and everybody after that not to.

    obskit's alerts are told once in the same way. *marks* in a file or table hold for all
    processes that share it. A claim is never given back: who died with it may have
    started the workflow already, and a user can ask again where a second run cannot be undone.
    """

    def __init__(self, marks: Dedupe) -> None:
        self._marks = marks

    def claim(self, interaction_id: str) -> bool:
        """Say whether the caller is the first; everybody is where *marks* are out of reach."""
        claim = f"interaction:{interaction_id}", uuid4().hex, _REMEMBERED, NO_REPEATS
        try:
            return isinstance(self._marks.lease(*claim), Granted)
        except StoreError as error:
            log.warn("Interaction not claimed, so it may run twice", reason=error)
            return True
