"""What a sink is given: one message about an incident."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ..sinks import Sink
from .model import SafeAlert
from .window import NO_REPEATS, Repeats


class Kind(StrEnum):
    """Why a message is sent."""

    FIRING = "firing"
    RECOVERY = "recovery"
    SUMMARY = "summary"  #: what had no message of its own: repeats at the end, or a storm


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one sink; everything in it is safe to show."""

    alert: SafeAlert
    key: str  #: of the incident: the same for all its messages, recovery included
    service: str
    time_ns: int  #: wall clock at which the alert was sent
    token: str  #: names the message: 25 characters, the same when it is sent again
    kind: Kind = Kind.FIRING
    repeats: Repeats = NO_REPEATS  #: what happened since the last message and was not told


#: A sink of alerts is any `Sink` that takes deliveries.
AlertSink: TypeAlias = Sink[Delivery]


def delivery_token(*parts: object) -> str:
    """
    Make the token of the message that *parts* determine.

    Deterministic, so that another process that tells of the same failure in the
    same window makes the same one, and a service can drop the second message.
    """
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:25]
