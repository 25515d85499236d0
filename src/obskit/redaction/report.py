"""
Tell what was hidden, where and by which rule; never the value.

A place is the names around a value, which were made safe themselves.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Kind = Literal["name", "text", "failure"]

#: A value that is hidden in more places than these is told about up to here.
_LARGEST: Final = 1_000
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule hid in one place."""

    path: str  #: the names around it, as ``user.token``; lists do not count, and a value that has none has ""
    rule: str  #: ``key``, the name of a detector, ``literal``, or the type of the error
    kind: Kind  #: whether its name, its text or a failure to look at it spoke against it
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)


class Findings:
    """Collects what a redactor hides."""

    def __init__(self) -> None:
        self._counts: dict[tuple[tuple[str, ...], str, Kind], int] = {}

    def add(self, place: tuple[str, ...], rule: str, kind: Kind) -> None:
        """Count one hidden value."""
        key = (place, rule, kind)
        if key in self._counts or len(self._counts) < _LARGEST:
            self._counts[key] = self._counts.get(key, 0) + 1

    def list(self) -> list[Finding]:
        """Give all findings in the order they came."""
        return [
            Finding(path=".".join(name[:_LONGEST_NAME] for name in place), rule=rule, kind=kind, count=count)
            for (place, rule, kind), count in self._counts.items()
        ]
