"""Count lines that were lost, by reason, and tell of the first on stderr."""

from __future__ import annotations

import errno
from typing import Final

from ..counting import count
from ..errors import SinkError, type_name
from ..interrupts import let_pass
from ..notices import Notices

_LONGEST_REASON: Final = 32


class Losses:
    """
    Lines lost, by reason.

    A line that a sink's `emit` refuses is counted by whoever called; what the sink
    loses later it counts itself.
    """

    def __init__(self, notice: str = "log lines were lost on their way out") -> None:
        self.untold: dict[str, int] = {}  #: what nobody has taken yet, to tell it in the log itself
        self._counts: dict[str, int] = {}
        self._notice = notice
        self._notices = Notices()

    def add(self, reason: str, lines: int = 1) -> None:
        """Count *lines*; the first of each *reason* is told."""
        count(self._counts, reason, lines)
        count(self.untold, reason, lines)
        self._notices.tell(reason, f"{self._notice} ({reason}); stats() tells how many")

    def take_untold(self) -> dict[str, int]:
        """Return what was counted since this was called last."""
        fresh: dict[str, int] = {}
        untold, self.untold = self.untold, fresh  # no call in between, as in `count`
        return untold

    def stats(self) -> dict[str, float]:
        """Return the total as ``dropped`` and its parts as ``dropped_<reason>``."""
        parts = {f"dropped_{reason.lower()}": float(lines) for reason, lines in self._counts.copy().items()}
        return {"dropped": float(sum(parts.values())), **parts}


def reason_of(error: BaseException) -> str:
    """
    Name *error* in one word: what a `SinkError` says, the name of the system's error, else its type.

    A sink of somebody else's may say much, and never the same twice: that would be
    a counter for each.

    >>> reason_of(SinkError("closed")), reason_of(SinkError("server 7 said: no"))
    ('closed', 'SinkError')
    >>> reason_of(OSError(28, "No space left on device"))
    'ENOSPC'
    """
    text = ""
    try:
        if isinstance(error, OSError):
            text = errno.errorcode.get(error.errno or 0, "")
        elif isinstance(error, SinkError):
            text = str(error)
    except Exception as failure:  # an error of somebody else's, with code of its own
        let_pass(failure)
    return text if text.isidentifier() and len(text) <= _LONGEST_REASON else type_name(error)
