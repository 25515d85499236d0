"""Count the lines that a sink lost after it had taken them, and tell of the first on stderr."""

from __future__ import annotations

from collections import Counter
from typing import Final

from ..errors import SinkError
from ..notices import Notices

_LONGEST_REASON: Final = 32


class Losses:
    """
    Lines lost, by reason.

    A line that `emit` refuses is counted by whoever called; what is lost later is
    counted here.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._notices = Notices()

    def add(self, reason: str, lines: int = 1) -> None:
        """Count *lines*; the first of each *reason* is told."""
        self._counts[reason] += lines
        self._notices.tell(reason, f"log lines were lost on their way out ({reason}); stats() tells how many")

    def stats(self) -> dict[str, float]:
        """Return the total as ``dropped`` and its parts as ``dropped_<reason>``."""
        parts = {f"dropped_{reason.lower()}": float(lines) for reason, lines in self._counts.items()}
        return {"dropped": float(self._counts.total()), **parts}


def reason_of(error: BaseException) -> str:
    """
    Name *error* in one word: what a `SinkError` says, else its type.

    A sink of somebody else's may say much, and never the same twice: that would be
    a counter for each.

    >>> reason_of(SinkError("ENOSPC")), reason_of(SinkError("server 7 said: no"))
    ('ENOSPC', 'SinkError')
    """
    text = str(error) if isinstance(error, SinkError) else ""
    return text if text.isidentifier() and len(text) <= _LONGEST_REASON else type(error).__name__
