"""
Hide secrets in values, texts and fields: the rules of this package put together.

Rule 1: nothing raises. What cannot be redacted is hidden.
Rule 2: what holds no secret comes back as the very same object, quickly.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..event import NOTHING_AROUND, PAIR_NAMES, PAIR_VALUES, Around, Edition
from ..interrupts import let_pass
from ..lazy import LOADING
from .literals import Literals
from .mask import MARKER, Mask
from .policy import KeyPolicy
from .scan import Scanner
from .span import Span
from .verdict import Verdict

if TYPE_CHECKING:
    from .report import Finding, Findings, Kind

T = TypeVar("T")

#: The process-wide registered secrets.
LITERALS: Final = Literals()

#: The empty text is in none of them.
_JSON_STARTS: Final = frozenset("{[")
_JSON_ENDS: Final = frozenset("}]")
#: So often a text is searched at most.
_LOOKS: Final = 5
#: So many innocent names, and texts, are remembered, up to this length.
_MEMORY: Final = 4_096
_MEMORABLE: Final = 256
#: Names of a place that are told.
_REACH: Final = 16
_SWITCHES: Final[frozenset[type]] = frozenset({bool, type(None)})
_SCALARS: Final = _SWITCHES | {int, float}


# Loaded at first need, which lines of a log mostly do without.


@cache
def _harmless() -> frozenset[type]:
    """Types whose values are no secret."""
    with LOADING:
        from datetime import date, datetime, time, timedelta
        from decimal import Decimal
        from uuid import UUID

    numbers = {int, float, bool, type(None), complex, Decimal, range}
    return frozenset({*numbers, date, datetime, time, timedelta, UUID})


@cache
def _walking() -> ModuleType:
    with LOADING:
        from . import walk
    return walk


@cache
def _values() -> ModuleType:
    with LOADING:
        from . import values
    return values


class Redactor:
    """
    Make values safe to show: call it with any value.

    Args:
        keys: More names of secret fields; one matches in any spelling, alone or
            as the last words of a longer name. One with dots is a path as well:
            ``user.name`` is the name inside of a user, ``*`` is any one name.
        safe_keys: Names and paths of fields that hold no secret, in any spelling.
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
        report: Whether a log line tells what was hidden in it, as its field ``redacted``.

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
        report: bool = False,
    ) -> None:
        self._mask = Mask(tail=tail, tail_min_length=tail_min_length, fingerprint_key=fingerprint_key)
        self._policy = KeyPolicy(keys=keys, safe_keys=safe_keys)
        self._scanner = Scanner(detectors, policy=self._policy, literals=literals, mask=self._mask)
        self.literals: Final = literals
        self._edition = Edition(literals.pattern)
        # Counted without a lock: a race may lose a count, which costs less than a lock per secret.
        self._counts = {"redacted": 0, "redaction_failed": 0}
        self.reports: Final = bool(report)
        self._findings: Findings | None = None
        self.needs_place = self._policy.reach > 0
        self.place: tuple[str, ...] = ()  #: the names around what it is asked about, where it needs them

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={count}" for name, count in self._counts.items())
        return f"{type(self).__name__}({counts})"

    def __call__(self, value: T) -> T:
        """
        Give *value* with every secret in it hidden; the very same object if there is none.

        *value* is never changed. Where its type cannot be kept, something plain takes its place: a
        dict for a mapping, a list for a sequence, text for an exception.
        """
        try:
            return _walking().walk(value, self)  # type: ignore[no-any-return]
        except BaseException as error:
            let_pass(error)
            return self.failed(error)  # type: ignore[return-value]

    def text(self, text: str) -> str:
        """Give *text* with every secret in it hidden; it is never cut."""
        # Programs say the same things again and again: 0.1 us for what was said before, 2 us for the search.
        edition = self._edition
        if self.literals.pattern is not edition.pattern:
            edition = self.edition()
        texts = edition.texts  # of this edition, whatever is registered while the text is searched
        if text in texts:
            return text
        try:
            spans = self._scanner.find(text)
            safe = self._hidden_in(text, spans) if spans or text[-1:] in _JSON_ENDS else text
        except BaseException as error:
            let_pass(error)
            return self.failed(error)
        if safe is text and len(text) <= _MEMORABLE:
            if len(texts) >= _MEMORY:
                texts.clear()
            texts.add(text)
        return safe

    def _hidden_in(self, text: str, spans: list[Span]) -> str:
        """Hide until nothing more is found: what a marker stands for may have kept a value from its name."""
        for _ in range(_LOOKS):
            safe = self._clean(text, spans)
            if safe == text:
                break
            text, spans = safe, self._scanner.find(safe)
        return text

    def finished(self, line: bytes) -> bytes:
        """
        Give a written *line* without registered secrets, whatever way they came in.

        A spelling that would take a piece out of the form of the line, a bare
        quotation mark or the end of the line, is left alone.
        """
        if self.literals.pattern is None:
            return line
        from .lines import hide_literals  # not at import: many programs register nothing

        safe, count = hide_literals(line, self._scanner)
        self._counts["redacted"] += count
        return safe

    def load(self) -> None:
        """Load now what is otherwise loaded with the first value that needs it."""
        with LOADING:
            from . import lines  # noqa: F401 - to be there

            for load in (_harmless, _walking, _values, self._policy.load, self._scanner.load):
                load()

    @property
    def failures(self) -> int:
        """How many values were hidden because redacting them failed."""
        return self._counts["redaction_failed"]

    def stats(self) -> Mapping[str, int]:
        """Count the secrets hidden so far, and the values hidden because redacting them failed."""
        return dict(self._counts)

    def explain(self, value: object) -> list[Finding]:
        """
        Tell what is hidden in *value*, where and by which rule; the list holds no value.

        >>> Redactor().explain({"user": {"apiToken": "token12345678"}, "note": "password=hunter2"})
        [Finding(path='note', rule='assignment', kind='text', count=1),
         Finding(path='user.apiToken', rule='key', kind='name', count=1)]
        """
        telling, findings = self.telling()
        telling._counts = dict(self._counts)
        telling(value)
        return findings.list()

    def telling(self) -> tuple[Redactor, Findings]:
        """Give a redactor that hides the same and tells of it, and where it tells."""
        from .report import Findings  # not at import: few ask

        telling = self._copy()
        telling._findings = findings = Findings()
        telling.needs_place = True
        telling._edition = Edition(self.literals.pattern)
        return telling, findings

    def inside(self, name: Any, /) -> Redactor:
        """Give the redactor for what stands under a safe *name*; to be asked where it `needs_place`."""
        inner = self._copy()
        reach = self._policy.reach if self._findings is None else _REACH
        inner.place = (*self.place, _shown(name))[-reach:]
        return inner

    def _copy(self) -> Redactor:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def edition(self) -> Edition:
        """Give what is known to be innocent; another object whenever what is hidden may have changed."""
        pattern = self.literals.pattern
        if pattern is not self._edition.pattern:
            self._edition = Edition(pattern)
        return self._edition

    # What the walks ask.

    def open_types(self) -> Collection[type]:
        """Give types whose values are safe: numbers, unless one may be registered."""
        return _SWITCHES if self.literals.has_numbers else _SCALARS

    def name(self, name: Any, around: Around = NOTHING_AROUND, /) -> tuple[Verdict | None, Any]:
        """
        Give the verdict on *name*, and *name* itself made safe.

        Args:
            around: The container: names that pair a name with a value, as in
                ``{"name": "Authorization", "value": ...}``, are judged together.
        """
        try:
            if type(name) is not str:
                return self._foreign_name(name)
            edition = self._edition
            if self.literals.pattern is not edition.pattern:
                edition = self.edition()
            known = edition.names
            if name in known:
                return None, name
            verdict, safe = self._policy.verdict(name, self.place), self.text(name)
            if name in PAIR_VALUES or (verdict is not None and name in PAIR_NAMES):
                return self._paired_verdict(name, verdict, around), safe
        except BaseException as error:  # the name's own code ran
            let_pass(error)
            return Verdict(tail=False), self.failed(error)
        # Where places matter, it may be secret in another one.
        if verdict is None and safe is name and len(name) <= _MEMORABLE and not self.needs_place:
            if len(known) >= _MEMORY:
                known.clear()
            known.add(name)
        return verdict, safe

    def _paired_verdict(self, name: str, verdict: Verdict | None, around: Around) -> Verdict | None:
        """Judge one of the names in ``{"name": "Authorization", "value": ...}``."""
        if around.pair is None:
            around.pair = self._pair(around.entries)
        has_value, of_value = around.pair
        if name in PAIR_VALUES:
            return of_value or verdict
        return verdict._replace(doubtful=True) if verdict is not None and has_value else verdict

    def _pair(self, entries: Sequence[tuple[Any, Any]]) -> tuple[bool, Verdict | None]:
        """Say whether there is a value to a name, and give the verdict on that name."""
        texts = [(name, value) for name, value in entries if type(name) is str]
        called = [
            str.__str__(value) for name, value in texts if name in PAIR_NAMES and isinstance(value, str)
        ]
        has_value = any(name in PAIR_VALUES for name, _ in texts)
        return has_value, next(filter(None, map(self._verdict, called)), None)

    def _foreign_name(self, name: Any) -> tuple[Verdict | None, Any]:
        safe = self.leaf(name)
        if type(name) in _harmless():
            return None, safe
        if isinstance(name, bytes):
            text = name.decode("utf-8", "replace")
        else:
            text = str.__str__(name) if isinstance(name, str) else str(name)
        return self._verdict(text), safe

    def _verdict(self, name: str) -> Verdict | None:
        return self._policy.verdict(name, self.place)

    def hidden(self, value: Any, verdict: Verdict, /) -> Any:
        """Give the marker for *value*, or *value* itself where it may stay."""
        try:
            # Most are texts, which need no closer look.
            if (type(value) is not str or verdict.doubtful) and _may_stay(value, verdict):
                return value
            return self._marker(value, verdict)
        except BaseException as error:  # the value's own code ran
            let_pass(error)
            return self.failed(error)

    def _marker(self, value: Any, verdict: Verdict) -> Any:
        safe: Any = MARKER
        if type(value) is str:
            safe = self._mask.hide(value, tail=verdict.tail)
        elif isinstance(value, str):
            safe = self._mask.hide(str.__str__(value), tail=verdict.tail)
        elif isinstance(value, bytearray):
            safe = bytearray(MARKER, "ascii")
        elif isinstance(value, bytes):
            safe = MARKER.encode()
        if type(value) is type(safe) and safe == value:
            return value
        self._counts["redacted"] += 1
        if self._findings is not None:  # not in `_tell`: a call of it for each secret of each event
            self._tell("key", "name")
        return safe

    def _tell(self, rule: str, kind: Kind) -> None:
        if self._findings is not None:
            self._findings.add(self.place, rule, kind)

    def paired(self, name: Any, value: Any, /, *, is_loose: bool) -> Any:
        """
        Hide *value*, a text next to another one, where that is a secret name.

        Args:
            is_loose: Whether the two need not be a name and its value; then an ordinary word stays.
        """
        verdict, safe = self.name(name)
        if verdict is None:
            return value
        rules = self.inside(safe) if self.needs_place else self
        try:
            is_secret = _values().sounds_secret(value, verdict, is_loose=is_loose)
            return rules._marker(value, verdict) if is_secret else value
        except Exception as error:  # never seen; what cannot be judged is hidden
            let_pass(error)
            return rules.failed(error)

    def leaf(self, value: Any, /) -> Any:
        """Make *value* safe, which is no container; the same object if it is safe already."""
        if type(value) is str:
            return self.text(value)
        try:
            return self.number(value) if type(value) in _harmless() else self._foreign_leaf(value)
        except BaseException as error:  # the value's own code ran
            let_pass(error)
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

    def number(self, value: T, /) -> T | str:
        """Make safe what would be no secret if it were not registered: a number, a date, a UUID."""
        if self.literals.pattern is None or type(value) in self.open_types():
            return value
        text = str(value)
        spans = self._scanner.literals(text)
        return self._clean(text, spans) if spans else value

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
        self._counts["redaction_failed"] += 1
        self._tell(type(error).__name__, "failure")
        return f"[redaction failed: {type(error).__name__}]"

    def _clean(self, text: str, spans: list[Span]) -> str:
        if text[:1] in _JSON_STARTS and text[-1:] in _JSON_ENDS:
            redacted = self._clean_json(text)
            if redacted is not text:
                text, spans = redacted, self._scanner.find(redacted)
        safe, spans = self._scanner.replace(text, spans)
        self._counts["redacted"] += len(spans)
        for span in spans:
            self._tell(span.name, "text")
        return safe

    def _clean_json(self, text: str) -> str:
        """Redact the value that *text* is the JSON of; *text* itself if it is none, or a safe one."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        safe = _walking().walk(value, self)
        if safe is value:
            return text
        separators = None if '": ' in text else (",", ":")
        return json.dumps(safe, ensure_ascii=text.isascii(), separators=separators)


def _may_stay(value: Any, verdict: Verdict) -> bool:
    return value is None or type(value) is bool or _values().may_stay(value, verdict)


def _shown(name: Any) -> str:
    """Spell a name that was made safe."""
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    return name if type(name) is str else str(name) if type(name) in _harmless() else type(name).__name__
