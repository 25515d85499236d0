"""
The one door through which data of the application enters obskit.

Log events, trace attributes and alerts all pass here and nowhere else: values
become plain JSON values, and the redactor hides what is secret on the way.
Nothing raises; where anything goes wrong, the value is hidden, not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .encoding.budget import DEFAULT_BUDGET, shorten
from .encoding.exceptions import ErrorInfo, describe
from .encoding.plain import Conversion, plain
from .encoding.quick import quick
from .event import CONTEXT_FIELDS, CORE_FIELDS, Bound, Json, Placed, free_name
from .interrupts import let_pass
from .redaction import Redactor

if TYPE_CHECKING:
    from .redaction.report import Findings

#: Characters of an error message and of a stack that are kept, after redaction.
_MAX_MESSAGE: Final = 4_000
_MAX_STACK: Final = 8_000
_MAX_CAUSE: Final = 500


class Gate:
    """Makes anything plain and safe; shared by logs, traces and alerts."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        # The quick way does not know where it is, which rules about places ask.
        self._is_quick = not redactor.needs_place

    def inside(self, name: str) -> Gate:
        """Give the gate for what stands under *name*; another one only where the redactor asks for places."""
        return Gate(self.redactor.inside(name)) if self.redactor.needs_place else self

    def telling(self) -> tuple[Gate, Findings]:
        """Give a gate that does the same and tells what it hides, and where it tells."""
        redactor, findings = self.redactor.telling()
        return Gate(redactor), findings

    def value(self, value: object) -> Json:
        """Return *value* as JSON values without secrets."""
        return plain(value, self.redactor)

    def fields(self, fields: Mapping[str, object]) -> dict[str, Json]:
        """Return named values as JSON values; a secret name hides its value whatever it is."""
        return self._fields(fields)[0]

    def bound(self, bound: Bound) -> Placed:
        """
        Return bound fields, made safe once and not again until the rules change.

        What failed is tried again the next time: a caller that stood near the limit of
        recursion, or the value's own code, may have been to blame.
        """
        edition = self.redactor.edition()
        if bound.safe is not None and bound.safe[0] is edition:
            return bound.safe[1]
        failed_before = self.redactor.failures
        safe, failures = self._fields(bound.fields)
        result = placed(safe)
        if failures == 0 and self.redactor.failures == failed_before:
            bound.safe = (edition, result)
        return result

    def _fields(self, fields: Mapping[str, object]) -> tuple[dict[str, Json], int]:
        """Return named values as JSON values, and how many could not be read."""
        try:
            if self._is_quick and type(fields) is dict and not self.redactor.literals.has_numbers:
                return quick(fields, self.redactor), 0
        except Exception as error:  # something in it needs more care
            let_pass(error)
        conversion = Conversion(self.redactor)
        safe = conversion.value(dict(fields))
        return safe if isinstance(safe, dict) else {"redaction": safe}, conversion.failures

    def text(self, text: object) -> str:
        """Return *text* without secrets; what is no string is shown as one."""
        if type(text) is str and len(text) <= DEFAULT_BUDGET.text:
            return self.redactor.text(text)
        shown = plain(text, self.redactor)
        return shown if isinstance(shown, str) else str(shown)

    def error(self, error: BaseException) -> ErrorInfo:
        """Describe *error* without secrets, within a bounded size."""
        info = describe(error, self.redactor.text)
        return info._replace(
            message=shorten(info.message, _MAX_MESSAGE),
            stack=shorten(self.redactor.text(info.stack), _MAX_STACK),
            causes=tuple(cause._replace(message=shorten(cause.message, _MAX_CAUSE)) for cause in info.causes),
        )


def placed(fields: dict[str, Json]) -> Placed:
    """
    Part safe *fields* by where they stand on a line.

    A field of a core name is kept apart from ours: ``level`` becomes ``level_``.
    """
    context: dict[str, Json] = {name: fields[name] for name in CONTEXT_FIELDS if name in fields}
    others = {
        free_name(name, fields) if name in CORE_FIELDS else name: value
        for name, value in fields.items()
        if name not in context
    }
    return Placed(context, others)
