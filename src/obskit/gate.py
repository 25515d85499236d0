"""
The one door through which data of the application enters obskit.

Log events, trace attributes and alerts all pass here and nowhere else: a value
is first turned into plain JSON values, then the redactor hides what is secret.
Nothing raises; where anything goes wrong, the value is hidden, not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .encoding.exceptions import ErrorInfo, describe
from .encoding.plain import plain
from .event import Json
from .redaction import Redactor

#: Characters of an error message and of a stack that are kept, after redaction.
_MAX_MESSAGE: Final = 4_000
_MAX_STACK: Final = 8_000


class Gate:
    """Makes anything plain and safe; shared by logs, traces and alerts."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def value(self, value: object) -> Json:
        """Return *value* as JSON values without secrets."""
        return self.redactor(plain(value))

    def fields(self, fields: Mapping[str, object]) -> dict[str, Json]:
        """Return named values as JSON values; a secret name hides its value whatever it is."""
        safe = self.value(dict(fields))
        return safe if isinstance(safe, dict) else {"redaction": safe}

    def text(self, text: object) -> str:
        """Return *text* without secrets, at full length; what is no string is shown as one."""
        shown = plain(text)
        return self.redactor.text(shown if isinstance(shown, str) else str(shown))

    def error(self, error: BaseException) -> ErrorInfo:
        """Describe *error* without secrets, within a bounded size."""
        info = describe(error)
        return ErrorInfo(
            type=info.type,
            message=shorten(self.redactor.text(info.message), _MAX_MESSAGE),
            stack=shorten(self.redactor.text(info.stack), _MAX_STACK),
        )


def shorten(text: str, limit: int) -> str:
    """
    Cut the middle out of *text* where it is longer than *limit* characters.

    Head and tail stay, since a traceback tells most at its two ends.

    >>> shorten("a" * 50 + "z" * 50, 40)
    'aaaaaaaa[... 84 characters ...]zzzzzzzz'
    """
    if len(text) <= limit:
        return text
    side = max(0, (limit - len(f"[... {len(text)} characters ...]")) // 2)
    return f"{text[:side]}[... {len(text) - 2 * side} characters ...]{text[len(text) - side :]}"
