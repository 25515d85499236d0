"""
The only module that makes random identifiers, and the one that reads them.

Trace ids are 32 and step ids 16 lowercase hex digits, never all zero, as the
W3C Trace Context recommendation asks (https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import os
import re
from typing import Final, cast

_UUID: Final = "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
_FINGERPRINT_LENGTH: Final = 8

#: Step ids made in advance: 0.2 instead of 1 µs each (CPython 3.11). They need to differ within one
#: trace only, so unlike a trace id they may stand in a snapshot of the process that is started many times.
_step_ids: Final[list[str]] = []
_STOCK: Final = 64


def new_trace_id() -> str:
    """Make a random trace id: 32 lowercase hex digits."""
    return os.urandom(16).hex()


def new_step_id() -> str:
    """Make a random step id: 16 lowercase hex digits."""
    try:
        return _step_ids.pop()
    except IndexError:
        digits = os.urandom(8 * _STOCK).hex()
        _step_ids.extend([digits[start : start + 16] for start in range(16, 16 * _STOCK, 16)])
        return digits[:16]


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    # Parent and child may go on with the same trace.
    os.register_at_fork(after_in_child=_step_ids.clear)


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
    given = _text(text)
    digits = given.replace("-", "").lower() if re.fullmatch(_UUID, given) else ""
    return digits if digits.strip("0") else None


def parse_fingerprint(text: object) -> str | None:
    """Read the beginning of a trace id, as people quote it: 1 to 32 hex digits in any case, else None."""
    given = _text(text).strip()
    return given.lower() if re.fullmatch("[0-9a-fA-F]{1,32}", given) else None


def parse_step_id(text: object) -> str | None:
    """Read the id of a step or span that came from outside: 16 lowercase hex digits, not all zero."""
    return text if type(text) is str and re.fullmatch("[0-9a-f]{16}", text) and text.strip("0") else None


def get_trace_fingerprint(trace_id: str | None) -> str:
    """
    Shorten a trace id to its first 8 characters, for people to read and quote.

    Returns:
        ``"unknown"`` for None, for the empty string and for what is no text.

    >>> get_trace_fingerprint("0af7651916cd43dd8448eb211c80319c")
    '0af76519'
    >>> get_trace_fingerprint(None)
    'unknown'
    """
    return _text(trace_id)[:_FINGERPRINT_LENGTH] or "unknown"


def _text(value: object) -> str:
    """Return text as it is, and "" for anything else, which is not asked: it may be hostile."""
    return str.__str__(cast("str", value)) if issubclass(type(value), str) else ""
