"""Say whether a value may be shown although its name sounds like a secret."""

from __future__ import annotations

from typing import Any, Final

from ..lazy import LOADING
from .verdict import Verdict

_NUMBERS: Final = (int, float, complex)
#: So much of a value says whether it looks like a secret.
_LOOK: Final = 256


def may_stay(value: Any, verdict: Verdict) -> bool:
    """Say whether *value* may be shown although its name sounds like a secret."""
    if value is None or type(value) is bool:
        return True
    if verdict.doubtful:
        is_text = isinstance(value, (str, bytes, bytearray))
        return not is_text or not sounds_secret(value, verdict, is_loose=False)
    if hasattr(type(value), "get_secret_value"):
        return _hides_itself(value)
    return isinstance(value, _NUMBERS) and not verdict.numbers


def _hides_itself(value: Any) -> bool:
    """Say whether *value*, like pydantic's ``SecretStr``, shows nothing; text would break its model."""
    secret = value.get_secret_value()
    text = secret.decode("utf-8", "replace") if isinstance(secret, bytes) else str(secret)
    return not text or text not in f"{value!r} {value}"


def sounds_secret(value: str | bytes | bytearray, verdict: Verdict, *, is_loose: bool) -> bool:
    """
    Say whether *value* looks like a secret, under a name that leaves it to the value.

    Args:
        is_loose: Whether something else than a secret could stand here.
    """
    with LOADING:
        from .values import looks_secret

    return looks_secret(_beginning(value), verdict, is_loose=is_loose)


def _beginning(value: str | bytes | bytearray) -> str:
    """Give so much of *value* as says what it looks like, without running code of its own."""
    return (
        str.__str__(value)[:_LOOK]
        if isinstance(value, str)
        else bytes(value[:_LOOK]).decode("utf-8", "replace")
    )
