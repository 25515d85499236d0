"""
The only module that makes random identifiers, and the one that reads them.

Trace ids are 32 and step ids 16 lowercase hex digits, never all zero, as the
W3C Trace Context recommendation asks (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import os
import re
from typing import Final, cast

_UUID: Final = re.compile(
    r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}", re.ASCII
)
_FINGERPRINT_LENGTH: Final = 8


def new_trace_id() -> str:
    """Make a random trace id: 32 lowercase hex digits."""
    return os.urandom(16).hex()


def new_step_id() -> str:
    """Make a random step id: 16 lowercase hex digits."""
    return os.urandom(8).hex()


def jitter(longest: float) -> float:
    """Draw a number between 0 and *longest*, all equally likely; a fork does not repeat it."""
    return longest * int.from_bytes(os.urandom(4), "big") / 0xFFFF_FFFF


def parse_trace_id(text: object) -> str | None:
    """
    Read a trace id that came from outside.

    Args:
        text: 32 hex digits or a UUID with dashes, in any case.

    Returns:
        32 lowercase hex digits, or None where *text* is anything else or all
        zero. Never raises and takes time proportional to a valid id.

    >>> parse_trace_id("0AF76519-16CD-43DD-8448-EB211C80319C")
    '0af7651916cd43dd8448eb211c80319c'
    """
    # By type: isinstance() would ask a hostile object itself.
    if not issubclass(type(text), str):
        return None
    given = str.__str__(cast("str", text))
    if len(given) > 36 or not _UUID.fullmatch(given):
        return None
    digits = given.replace("-", "").lower()
    return digits if digits.strip("0") else None


def get_trace_fingerprint(trace_id: str | None) -> str:
    """
    Shorten a trace id to its first 8 characters, for people to read and quote.

    Returns:
        ``"unknown"`` for None and for the empty string.

    >>> get_trace_fingerprint("0af7651916cd43dd8448eb211c80319c")
    '0af76519'
    >>> get_trace_fingerprint(None)
    'unknown'
    """
    return trace_id[:_FINGERPRINT_LENGTH] if trace_id else "unknown"
