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
from itertools import islice
from json.encoder import encode_basestring
from typing import Any, Final, TypeVar

from ..clock import isoformat
from ..encoding.json import DEFAULT_LINE_BYTES, Dumper, breaks_lines
from ..encoding.quick import NotQuick
from ..event import PAIR_VALUES, PLACED_FIELDS, Bound, Common, Json
from ..gate import Gate
from ..levels import NAMES
from ..spans import current_span

Key = TypeVar("Key")

_LONGEST_TEXT: Final = 10_000
_LONGEST_KEPT: Final = 256
_CACHE_SIZE: Final = 1_024
_INT64: Final = 1 << 63
#: Names of fields that have a place of their own, or that are looked at in pairs.
_SPECIAL: Final = PLACED_FIELDS | PAIR_VALUES


class _Pieces:
    """Bound fields as they stand on a line, each behind a comma."""

    __slots__ = ("context", "edition", "fields", "has_trace", "others")

    def __init__(
        self, edition: object, fields: Mapping[str, object], context: str, others: str, *, has_trace: bool
    ) -> None:
        self.edition: Final = edition  #: of the rules that made them safe
        self.fields: Final = fields  #: by their names as they were bound, and as they are written
        self.context: Final = context
        self.others: Final = others
        self.has_trace: Final = has_trace


class QuickLine:
    """Writes lines of the ``default`` schema."""

    def __init__(self, gate: Gate, service: str, dumper: Dumper) -> None:
        self._gate = gate
        self._redactor = gate.redactor
        self._dumper = dumper
        self._service = service
        self._second = (-1, "")
        self._literals = gate.redactor.literals
        self._begin_edition()

    def line(self, common: Common) -> bytes:
        """
        Return the line of *common*.

        Raises:
            NotQuick: If it needs the general way; other errors mean the same.
        """
        time_ns, level, msg, fn, logger, bound, fields = common
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
            cached = self._second = (second, isoformat(time_ns)[:20])
        micros = "%06d" % (time_ns // 1000 % 1_000_000)  # noqa: UP031 - half the time of an f-string
        own = self._write(self._own(fields, pieces.fields)) if fields else ""
        line = (
            f'{{"ts":"{cached[1]}{micros}+00:00","level":"{NAMES[level]}",'
            f"{self._functions.get(fn) or self._function(fn)}{pieces.context},"
            f'"msg":{self._texts.get(msg) or self._text(msg)}{pieces.others}{own}'
            f"{self._ends.get(logger) or self._end(logger)}"
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
        self._edition = self._redactor.edition()
        self._open_texts = self._redactor.open_texts()
        self._names: set[str] = set()
        self._texts: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._ends: dict[str | None, str] = {None: "}\n"}
        self._pattern = pattern

    def _text(self, msg: str) -> str:
        if len(msg) > _LONGEST_TEXT:
            raise NotQuick
        texts = self._texts
        safe = self._redactor.text(msg)
        encoded = encode_basestring(safe)
        return _kept(texts, msg, encoded) if safe is msg and len(msg) <= _LONGEST_KEPT else encoded

    def _function(self, fn: str) -> str:
        functions = self._functions
        service, safe = (encode_basestring(self._redactor.text(text)) for text in (self._service, fn))
        return _kept(functions, fn, f'"service":{service},"fn":{safe}')

    def _end(self, logger: str | None) -> str:
        if logger is None:
            return "}\n"
        ends = self._ends
        safe = encode_basestring(self._redactor.text(logger))
        return _kept(ends, logger, f',"logger":{safe}}}\n')

    def _bound(self, bound: tuple[Bound, ...]) -> _Pieces:
        """Give the pieces of all that is bound, unless one name stands in two places."""
        first, *others = [self._pieces(one) for one in bound if one.fields] or [self._pieces(bound[0])]
        for other in others:
            if other.context or not first.fields.keys().isdisjoint(other.fields):
                raise NotQuick
            both = {**first.fields, **other.fields}
            others_of_both = first.others + other.others
            first = _Pieces(first.edition, both, first.context, others_of_both, has_trace=first.has_trace)
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
            taken = {**bound.fields, **safe.context, **safe.others}
            known = bound.pieces = _Pieces(edition, taken, context, others, has_trace=has_trace)
        return known

    def _own(self, fields: Mapping[str, Any], taken: Mapping[str, object]) -> Mapping[str, Json]:
        """Give the call's own fields made safe, which *fields* are mostly; none may be one of *taken*."""
        names, texts = self._names, self._open_texts
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

    def _any(self, fields: Mapping[str, object], taken: Mapping[str, object]) -> Mapping[str, Json]:
        """Make fields of any kind safe in the general way, and learn their names."""
        if not _SPECIAL.isdisjoint(fields) or not taken.keys().isdisjoint(fields):
            raise NotQuick
        names = self._names
        safe = self._gate.fields(fields)
        if not taken.keys().isdisjoint(safe):
            raise NotQuick
        if len(names) >= _CACHE_SIZE:
            names.clear()
        names.update(islice(filter(self._redactor.open_names().__contains__, fields), _CACHE_SIZE))
        return safe

    def _write(self, safe: Mapping[str, Json]) -> str:
        written = f",{self._dumper.dump(safe).decode()[1:-1]}" if safe else ""
        # The texts were searched for registered secrets; numbers and the whole were not.
        if self._pattern is not None and self._pattern.find(written):
            raise NotQuick
        return written


def _kept(cache: dict[Key, str], key: Key, value: str) -> str:
    """Keep *value* in *cache*, and give it."""
    if len(cache) >= _CACHE_SIZE:
        cache.clear()
    cache[key] = value
    return value
