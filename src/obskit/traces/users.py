"""
Name a user by the same text when a trace is recorded and when it is asked for.

An id that holds a secret, or is too long to keep, is kept as a pseudonym. Masking
or cutting it instead would make two users one, and show each the other's traces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..encoding.plain import text_of
from ..gate import Gate

_MAX_LENGTH: Final = 200
_PSEUDONYM: Final = re.compile("user-[0-9a-f]{16}")


def safe_user(user_id: object, gate: Gate) -> str | None:
    """Return the name under which the traces of *user_id* are kept."""
    text = _text(user_id)
    if text is None or (len(text) <= _MAX_LENGTH and gate.text(text) == text):
        return text
    return _pseudonym(text)


def names_of(user_id: object) -> Iterator[str | None]:
    """Name *user_id* in every way in which its traces may have been kept, the usual one first."""
    text = _text(user_id)
    yield text
    if text is not None:
        yield _pseudonym(text)


def user_key(user_id: object) -> str:
    """
    Name *user_id* for places that other programs see: short, plain, and telling nobody who it is.

    Traces that were kept under a pseudonym have the same key as those kept under the id itself.

    >>> user_key("42"), user_key(42), user_key(None)
    ('user-73475cb40a568e8d', 'user-73475cb40a568e8d', '')
    """
    text = _text(user_id)
    return "" if text is None else text if _PSEUDONYM.fullmatch(text) else _pseudonym(text)


def _text(user_id: object) -> str | None:
    """Write *user_id* as text; None and the empty text are nobody."""
    return None if user_id is None else text_of(user_id) or None


def _pseudonym(text: str) -> str:
    import hashlib

    return f"user-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
