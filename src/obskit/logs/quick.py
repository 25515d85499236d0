"""
Write the line of a common event in one go.

Bound fields, messages and names of functions are encoded once and not per event;
the call's own fields, where they are plain, are encoded as they are. That takes
a third of the time of the general way (benchmarks, "4 context and 3 plain
fields", CPython 3.11). What is not common is left to the general way; both give
the same fields in the same order: test_the_quick_line_is_the_general_line holds
them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Final

from ..clock import isoformat
from ..encoding.json import DEFAULT_LINE_BYTES, Dumper, breaks_lines
from ..encoding.quick import NotQuick
from ..event import PLACED_FIELDS, Bound, Edition, Items, Json
from ..gate import Gate
from ..levels import NAMES
from ..redaction import Redactor
from ..spans import current_span

_LONGEST_TEXT: Final = 10_000
#: Characters of a text that is kept with its encoded form, and how many are kept.
_LONGEST_KEPT: Final = 256
_MOST_KEPT: Final = 1_024
_INT64: Final = 1 << 63


class _Pieces:
    """Bound fields as they stand on a line, each behind a comma."""

    __slots__ = ("context", "edition", "has_trace", "names", "others", "taken")

    def __init__(
        self, edition: Edition, names: frozenset[str], context: str, others: str, *, has_trace: bool
    ) -> None:
        self.edition: Final = edition  #: of the rules that made them safe
        self.names: Final = names  #: of the fields, as they were bound and as they are written
        self.taken: Final = names | PLACED_FIELDS  #: names that no other field of the line may have
        self.context: Final = context
        self.others: Final = others
        self.has_trace: Final = has_trace


class _Encoded(dict[str, str]):
    """Gives texts made safe and encoded; most are said again and again, and kept."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def __missing__(self, text: str) -> str:
        if len(text) > _LONGEST_TEXT:
            raise NotQuick
        safe = self._redactor.text(text)
        encoded = encode_basestring(safe)
        if safe is text and len(text) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[text] = encoded
        return encoded


class QuickLine:
    """Writes lines of the ``default`` schema."""

    def __init__(self, gate: Gate, service: str, dumper: Dumper) -> None:
        self._gate = gate
        self._redactor = gate.redactor
        self._literals = gate.redactor.literals
        self._dumper = dumper
        self._service = service
        self._second = (-1, "")
        self._begin_edition()

    def line(self, event: Items) -> bytes:
        """
        Return the line of *event*, which has neither an exception nor a name of ours.

        Raises:
            NotQuick: If it needs the general way; other errors mean the same.
        """
        time_ns, level, msg, fn, logger, bound, fields, _, _, _ = event
        if self._literals.pattern is not self._pattern:
            self._begin_edition()
        pieces: _Pieces | None = bound[0].pieces
        if pieces is None or pieces.edition is not self._edition or len(bound) > 1:
            pieces = self._bound(bound)
        if not pieces.has_trace and current_span():
            raise NotQuick
        cached = self._second
        second = time_ns // 1_000_000_000
        if cached[0] != second:
            cached = self._second = (second, f'{{"ts":"{isoformat(time_ns)[:20]}')
        micros = "%06d" % (time_ns // 1000 % 1_000_000)  # noqa: UP031 - half the time of an f-string
        texts = self._texts
        own = self._write(self._own(fields, pieces.taken)) if fields else ""
        end = "}\n" if logger is None else f',"logger":{texts[logger]}}}\n'
        line = (
            f'{cached[1]}{micros}+00:00","level":"{NAMES[level]}{self._between}{texts[fn]}{pieces.context},'
            f'"msg":{texts[msg]}{pieces.others}{own}{end}'
        )
        if not line.isascii() and breaks_lines(line):
            raise NotQuick
        written = line.encode()
        if len(written) > DEFAULT_LINE_BYTES:
            raise NotQuick
        return written

    def _begin_edition(self) -> None:
        """
        Forget what was found innocent: the rules have changed.

        Whoever adds to what is known took hold of it before the search, so what another
        thread finds meanwhile by the old rules is not kept among what is known by the new.
        """
        pattern = self._literals.pattern
        self._edition = edition = self._redactor.edition()
        self._open_names, self._open_texts = edition.names, edition.texts
        self._texts = _Encoded(self._redactor)
        service = self._redactor.finished(encode_basestring(self._service).encode()).decode()
        self._between = f'","service":{service},"fn":'
        self._pattern = pattern

    def _bound(self, bound: tuple[Bound, ...]) -> _Pieces:
        """Give the pieces of all that is bound, unless one name stands in two places."""
        first, *others = [self._pieces(one) for one in bound if one.fields] or [self._pieces(bound[0])]
        for other in others:
            if other.context or not first.names.isdisjoint(other.names):
                raise NotQuick
            first = _Pieces(
                first.edition,
                first.names | other.names,
                first.context,
                first.others + other.others,
                has_trace=first.has_trace,
            )
        return first

    def _pieces(self, bound: Bound) -> _Pieces:
        """Give the fields of *bound* as they stand on a line, encoded once until the rules change."""
        known: _Pieces | None = bound.pieces
        edition = self._edition
        if known is None or known.edition is not edition:
            safe = self._gate.bound(bound)
            if bound.safe is None or bound.safe[0] is not edition:
                raise NotQuick  # not all of it could be read
            context, others = self._write(safe.context), self._write(safe.others)
            has_trace = "trace_id" in safe.context
            names = frozenset({*bound.fields, *safe.context, *safe.others})
            known = bound.pieces = _Pieces(edition, names, context, others, has_trace=has_trace)
        return known

    def _own(self, fields: Mapping[str, Any], taken: frozenset[str]) -> Mapping[str, Json]:
        """Give the call's own fields made safe, which *fields* are mostly; none may be one of *taken*."""
        names, texts = self._open_names, self._open_texts
        for name, value in fields.items():
            if name not in names or name in taken:
                return self._any(fields, taken)
            kind = type(value)
            if kind is str:
                if value not in texts and self._redactor.text(value) is not value:
                    return self._any(fields, taken)
            elif kind is int:
                if not -_INT64 <= value < _INT64:
                    return self._any(fields, taken)
            elif kind is float:
                if value - value != 0.0:  # not finite; math.isfinite takes twice the time
                    return self._any(fields, taken)
            elif value is not None and kind is not bool:
                return self._any(fields, taken)
        return fields

    def _any(self, fields: Mapping[str, object], taken: frozenset[str]) -> Mapping[str, Json]:
        """Make fields of any kind safe in the general way."""
        if not taken.isdisjoint(fields):
            raise NotQuick
        safe = self._gate.fields(fields)
        if not taken.isdisjoint(safe):
            raise NotQuick
        return safe

    def _write(self, safe: Mapping[str, Json]) -> str:
        written = f",{self._dumper.dump(safe).decode()[1:-1]}" if safe else ""
        # The texts were searched for registered secrets; numbers and the whole were not.
        if self._pattern is not None and self._pattern.find(written):
            raise NotQuick
        return written
