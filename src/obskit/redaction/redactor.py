"""
Hide secrets in values, texts and fields: the rules of this package put together.

Rule 1: nothing raises. What cannot be redacted is hidden.
Rule 2: what holds no secret comes back as the very same object, quickly.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar

from ..interrupts import is_interruption
from .assignments import Assignments, looks_secret
from .detectors import Span, choose
from .literals import Literals
from .mask import MARKER, Mask
from .policy import KeyPolicy, Verdict
from .scan import Scanner
from .shapes import SHAPES

T = TypeVar("T")

#: The process-wide registered secrets.
LITERALS: Final = Literals()

#: No shape without a colon or a hyphen in it is shorter than this.
_SHORTEST: Final = 12
#: The empty text is in none of them.
_JSON_STARTS: Final = frozenset("{[")
_JSON_ENDS: Final = frozenset("}]")
_NAMES_SIZE: Final = 4_096
_NAME_LENGTH: Final = 256
_TEXTS_SIZE: Final = 4_096
_TEXT_LENGTH: Final = 256
_NUMBERS: Final = (int, float, complex)


@cache
def _harmless() -> frozenset[type]:
    """Types whose values are no secret; their modules are slow to load, and lines of a log do without."""
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from uuid import UUID

    numbers = {int, float, bool, type(None), complex, Decimal, range}
    return frozenset({*numbers, date, datetime, time, timedelta, UUID})


class Redactor:
    """
    Make values safe to show: call it with any value.

    Args:
        keys: More names of secret fields; one matches in any spelling, alone or
            as the last words of a longer name.
        safe_keys: Names of fields that hold no secret, in any spelling.
        detectors: Names of built-in detectors (to use only these), compiled
            patterns (a group "secret" marks the part to hide) and objects with
            ``find(text)`` that yields ``(start, end, name)``. Without a name
            among them, all built-in ones are used.
        tail: Characters at the end of a long machine-made token that may be shown.
        tail_min_length: Shorter values show no tail. Below 12 every value of
            that length shows one, passwords included.
        fingerprint_key: Where given, a hidden value is marked with a keyed hash
            of it in place of the tail: ``***#a1b2c3d4``.
        literals: The registered secrets to hide; the process-wide ones by default.

    Raises:
        ConfigError: If a setting is wrong; the message names it.

    >>> Redactor()({"user": "ada", "apiToken": "token12345678", "note": "password=hunter2"})
    {'user': 'ada', 'apiToken': '***5678', 'note': 'password=***'}
    """

    def __init__(
        self,
        *,
        keys: Iterable[str] = (),
        safe_keys: Iterable[str] = (),
        detectors: Iterable[object] = (),
        tail: int = 4,
        tail_min_length: int = 12,
        fingerprint_key: bytes | None = None,
        literals: Literals = LITERALS,
    ) -> None:
        self._mask = Mask(tail=tail, tail_min_length=tail_min_length, fingerprint_key=fingerprint_key)
        self._policy = KeyPolicy(keys=keys, safe_keys=safe_keys)
        shapes, own = choose(detectors, SHAPES)
        self._scanner = Scanner(
            shapes=shapes, own=own, assignments=Assignments(self._policy), literals=literals, mask=self._mask
        )
        self._literals = literals
        self._is_plain = not own
        #: Names that are neither secret nor hold a secret by their shape.
        self._open_names: set[str] = set()
        #: Texts in which nothing was found, while these secrets were registered.
        self._open_texts: set[str] = set()
        self._searched_for = literals.pattern
        self._edition = object()
        # Counted without a lock: a race may lose a count, which costs less than a lock per secret.
        self._redacted = 0
        self._failed = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(redacted={self._redacted}, redaction_failed={self._failed})"

    def __call__(self, value: T) -> T:
        """
        Give *value* with every secret in it hidden; the very same object if there is none.

        *value* is never changed. Where its type cannot be kept, something plain takes its place: a
        dict for a mapping, a list for a sequence, text for an exception.
        """
        try:
            return self._walked(value)  # type: ignore[no-any-return]
        except BaseException as error:
            if is_interruption(error):
                raise
            return self.failed(error)  # type: ignore[return-value]

    def text(self, text: str) -> str:
        """Give *text* with every secret in it hidden; it is never cut."""
        # Programs say the same things again and again: 0.1 us for what was said before, 2 us for the search.
        if self._literals.pattern is not self._searched_for:
            self._begin_edition()
        if text in self._open_texts:
            return text
        # Of 12 characters and without these signs, nothing can be a secret by its looks: no shape is
        # shorter, and an assignment has a sign. Most fields are such texts: 0.3 us instead of 1.3 us.
        if (
            len(text) < _SHORTEST
            and not ("=" in text or ":" in text or "-" in text)
            and self._is_plain
            and self._literals.pattern is None
        ):
            return text
        try:
            spans = self._scanner.find(text)
            safe = text if not spans and text[-1:] not in _JSON_ENDS else self._clean(text, spans)
        except BaseException as error:
            if is_interruption(error):
                raise
            return self.failed(error)
        if safe is text and len(text) <= _TEXT_LENGTH:
            if len(self._open_texts) >= _TEXTS_SIZE:
                self._open_texts.clear()
            self._open_texts.add(text)
        return safe

    def field(self, key: str, value: T) -> T:
        """Give the value of one field, hidden if its name says so and searched if not."""
        try:
            verdict = self._policy.verdict(key)
            if verdict is not None:
                return self.hidden(value, verdict)  # type: ignore[no-any-return]
            if type(value) is str:
                return self.text(value)  # type: ignore[return-value, arg-type]
        except BaseException as error:
            if is_interruption(error):
                raise
            return self.failed(error)  # type: ignore[return-value]
        return self(value)

    def stats(self) -> Mapping[str, int]:
        """Count the secrets hidden so far, and the values hidden because redacting them failed."""
        return {"redacted": self._redacted, "redaction_failed": self._failed}

    def edition(self) -> object:
        """Give an object that is another one whenever what is hidden may have changed."""
        if self._literals.pattern is not self._searched_for:
            self._begin_edition()
        return self._edition

    def _begin_edition(self) -> None:
        """Forget what was found clean: other secrets are registered now."""
        self._searched_for = self._literals.pattern
        self._open_texts = set()
        self._edition = object()

    # What the walk asks.

    def open_names(self) -> Collection[str]:
        """Give names that are known to be innocent and safe."""
        # A registered secret may be part of any name.
        return self._open_names if self._literals.pattern is None else ()

    def open_texts(self) -> Collection[str]:
        """Give texts in which nothing was found."""
        self.edition()
        return self._open_texts

    def name(self, name: Any, /) -> tuple[Verdict | None, Any]:
        """Give the verdict on *name*, and *name* itself made safe."""
        if type(name) is not str:
            return self._foreign_name(name)
        verdict = self._policy.verdict(name)
        safe = self.text(name)
        if verdict is None and safe is name and len(name) <= _NAME_LENGTH and self._literals.pattern is None:
            if len(self._open_names) >= _NAMES_SIZE:
                self._open_names.clear()
            self._open_names.add(name)
        return verdict, safe

    def _foreign_name(self, name: Any) -> tuple[Verdict | None, Any]:
        if type(name) in _harmless():
            return None, name
        safe = self.leaf(name)
        if isinstance(name, bytes):
            text = name.decode("utf-8", "replace")
        else:
            text = str.__str__(name) if isinstance(name, str) else str(name)
        return self._policy.verdict(text), safe

    def hidden(self, value: Any, verdict: Verdict, /) -> Any:
        """Give the marker for *value*; only None, and a number that counts something, may stay."""
        if value is None or (isinstance(value, _NUMBERS) and not verdict.numbers):
            return value
        safe: Any
        if isinstance(value, str):
            safe = self._mask.hide(str.__str__(value), tail=verdict.tail)
        elif isinstance(value, (bytes, bytearray)):
            safe = type(value)(MARKER.encode()) if type(value) in (bytes, bytearray) else MARKER.encode()
        else:
            safe = MARKER
        if type(value) is type(safe) and safe == value:
            return value
        self._redacted += 1
        return safe

    def paired(self, value: Any, verdict: Verdict, /, *, is_loose: bool) -> Any:
        """Hide *value* next to a secret name, unless it is an ordinary word."""
        text = value if type(value) is str else value.decode("utf-8", "replace")
        return self.hidden(value, verdict) if looks_secret(text[:256], verdict, is_loose=is_loose) else value

    def _walked(self, value: Any) -> Any:
        from .walk import walk  # not at import: the lines of a log do without it

        return walk(value, self)

    def leaf(self, value: Any, /) -> Any:
        """Make *value* safe, which is no container; the same object if it is safe already."""
        if type(value) is str:
            return self.text(value)
        if type(value) in _harmless():
            return value
        try:
            return self._foreign_leaf(value)
        except BaseException as error:  # the value's own code ran
            if is_interruption(error):
                raise
            return self.failed(error)

    def _foreign_leaf(self, value: Any) -> Any:
        if isinstance(value, str):
            text = str.__str__(value)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            return self._binary(value)
        elif isinstance(value, BaseException):
            message = str(value)
            return self.text(f"{type(value).__name__}: {message}" if message else type(value).__name__)
        elif isinstance(value, Iterator):
            return f"[{type(value).__name__} not read]"  # whoever read it later would see what is in it
        else:
            shown, printed = repr(value), str(value)
            text = shown if printed == shown else f"{shown}\n{printed}"
        safe = self.text(text)
        return value if safe is text or safe == text else safe

    def _binary(self, value: Any) -> Any:
        data = bytes(value)
        text = data.decode("utf-8", "surrogateescape")
        safe = self.text(text)
        if safe is text:
            return value
        hidden = safe.encode("utf-8", "surrogateescape")
        return bytearray(hidden) if isinstance(value, bytearray) else hidden

    def failed(self, error: BaseException, /) -> str:
        """Give the marker for what could not be redacted: it names the kind of error, nothing else."""
        self._failed += 1
        return f"[redaction failed: {type(error).__name__}]"

    def _clean(self, text: str, spans: list[Span]) -> str:
        if text[:1] in _JSON_STARTS and text[-1:] in _JSON_ENDS:
            redacted = self._clean_json(text)
            if redacted is not text:
                text, spans = redacted, self._scanner.find(redacted)
        safe, count = self._scanner.replace(text, spans)
        self._redacted += count
        return safe

    def _clean_json(self, text: str) -> str:
        """Redact the value that *text* is the JSON of; *text* itself if it is none, or a safe one."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        safe = self._walked(value)
        if safe is value:
            return text
        separators = None if ": " in text else (",", ":")
        return json.dumps(safe, ensure_ascii=text.isascii(), separators=separators)
