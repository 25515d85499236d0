"""
Write the line of a common event in one go.

Bound fields are encoded once and not per event; the call's own fields, where
they are plain, are written here piece by piece without an object for each turn.
That takes half of the time of the general way (benchmarks, "4 context and 3
plain fields", CPython 3.11), with and without orjson. What is not common is left
to the general way; both give the same fields in the same order:
test_the_quick_line_is_the_general_line holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final, NamedTuple

from ..clock import isoformat
from ..encoding.json import DEFAULT_LINE_BYTES, LINE_BREAKS, Dumps
from ..encoding.plain import PAIR_VALUES
from ..event import PLACED_FIELDS, Bound, Event, Json
from ..gate import Gate
from ..levels import NAMES
from ..spans import current_span

_LONGEST_TEXT: Final = 10_000
_CACHE_SIZE: Final = 1_024
_INT64: Final = 1 << 63
_CONSTANTS: Final = {True: "true", False: "false", None: "null"}
#: Names of fields that have a place of their own, or that are looked at in pairs.
_SPECIAL: Final = PLACED_FIELDS | PAIR_VALUES


class _Pieces(NamedTuple):
    """Bound fields as they stand on a line, each behind a comma."""

    context: str
    others: str
    has_trace: bool


_NO_PIECES: Final = _Pieces("", "", has_trace=False)


class QuickLine:
    """Writes lines of the ``default`` schema."""

    def __init__(self, gate: Gate, service: str, dumps: Dumps) -> None:
        self._gate = gate
        self._dumps = dumps
        self._service = f'"service":{encode_basestring(service)},"fn":'
        self._second = (-1, "")
        self._begin_edition(gate.redactor.edition())

    def __call__(self, event: Event) -> bytes | None:
        """Return the line of *event*, or None where it is not a common one; may raise where it is not."""
        time_ns, level, msg, fn, logger, bound, fields, exception, name, _ = event
        if exception is not None or name is not None or level not in NAMES or len(msg) > _LONGEST_TEXT:
            return None
        redactor = self._gate.redactor
        if (edition := redactor.edition()) is not self._edition:
            self._begin_edition(edition)
        pieces = self._bound(bound, fields)
        own = self._own(fields)
        if pieces is None or own is None or (not pieces.has_trace and current_span()):
            return None
        second, rest = divmod(time_ns, 1_000_000_000)
        cached = self._second
        if cached[0] != second:
            cached = self._second = (second, isoformat(time_ns)[:20])
        micros = "%06d" % (rest // 1000)  # noqa: UP031 - half the time of an f-string
        line = (
            f'{{"ts":"{cached[1]}{micros}+00:00","level":"{NAMES[level]}",{self._function(fn)}'
            f'{pieces.context},"msg":{encode_basestring(redactor.text(msg))}{pieces.others}{own}'
        )
        line += "}\n" if logger is None else self._end(logger)
        if not line.isascii() and LINE_BREAKS.search(line):
            return None
        written = line.encode()
        return written if len(written) <= DEFAULT_LINE_BYTES else None

    def _begin_edition(self, edition: object) -> None:
        """Forget what was found innocent: the rules have changed."""
        self._edition = edition
        self._texts = self._gate.redactor.open_texts()
        self._names: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        self._ends: dict[str, str] = {}

    def _function(self, fn: str) -> str:
        known = self._functions.get(fn)
        if known is None:
            if len(self._functions) >= _CACHE_SIZE:
                self._functions.clear()
            known = self._functions[fn] = self._service + encode_basestring(fn)
        return known

    def _end(self, logger: str) -> str:
        known = self._ends.get(logger)
        if known is None:
            if len(self._ends) >= _CACHE_SIZE:
                self._ends.clear()
            safe = encode_basestring(self._gate.redactor.text(logger))
            known = self._ends[logger] = f',"logger":{safe}}}\n'
        return known

    def _bound(self, bound: tuple[Bound, ...], fields: Mapping[str, object]) -> _Pieces | None:
        """Return the pieces of all that is bound; None where one name stands in two places."""
        pieces, seen = _NO_PIECES, fields
        for one in bound:
            if not one.fields:
                continue
            if not one.fields.keys().isdisjoint(seen):
                return None
            known = one.pieces
            own = known[1] if known is not None and known[0] is self._edition else self._pieces(one)
            if pieces is _NO_PIECES:
                pieces = own
            elif own.context:
                return None
            else:
                pieces = pieces._replace(others=pieces.others + own.others)
            if len(bound) > 1:
                seen = {**seen, **one.fields}
        return pieces

    def _pieces(self, bound: Bound) -> _Pieces:
        context, others = self._gate.bound(bound)
        pieces = _Pieces(self._write(context), self._write(others), "trace_id" in context)
        bound.pieces = (self._edition, pieces)
        return pieces

    def _own(self, fields: Mapping[str, Any]) -> str | None:
        """Write the call's own fields; None where one of them has a place of its own."""
        name_of, texts = self._names.get, self._texts
        pieces = ""
        for name, value in fields.items():
            key = name_of(name)
            kind = type(value)
            if key is None:
                return self._any(fields)
            if kind is str and value in texts:
                pieces += key + encode_basestring(value)
            elif kind is int and -_INT64 <= value < _INT64:
                pieces += f"{key}{value}"
            elif kind is float and isfinite(value):
                pieces += f"{key}{value!r}"
            elif kind is bool or value is None:
                pieces += key + _CONSTANTS[value]
            else:
                return self._any(fields)
        return pieces

    def _any(self, fields: Mapping[str, object]) -> str | None:
        """Write fields of any kind by the general way, and learn their names."""
        if not _SPECIAL.isdisjoint(fields):
            return None
        safe = self._gate.fields(fields)
        for name in fields:
            if name not in self._names and name in self._gate.redactor.open_names():
                if len(self._names) >= _CACHE_SIZE:
                    self._names.clear()
                self._names[name] = f",{encode_basestring(name)}:"
        return self._write(safe)

    def _write(self, safe: dict[str, Json]) -> str:
        return f",{self._dumps(safe)[1:-1].decode()}" if safe else ""
