"""Tell on stderr, once per kind, what obskit itself failed at: its own failures never become events."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

from .redaction import Redactor

#: Notices are of our own words and names of types; should a secret be among them all the same, it is hidden.
_REDACTOR = Redactor()

#: Kinds that are told: a reason may have a number in it that is another one each time.
_MOST: Final = 100


class Notices:
    """Remembers what it has told."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, kind: str, text: str) -> None:
        """Write *text* as one line without secrets, unless a notice of this *kind* was written."""
        if kind in self._told or len(self._told) >= _MOST:
            return
        self._told.add(kind)
        # stderr may be closed, full or None; there is nobody left to tell then.
        with contextlib.suppress(Exception):
            _write(f"obskit: {' '.join(_REDACTOR.text(text).split())}\n")


def _write(line: str) -> None:
    """Write *line* past the buffer of stderr: what a full one holds back would change the exit status."""
    try:
        descriptor = sys.stderr.fileno()
    except OSError:  # a stand-in of a test
        sys.stderr.write(line)
    else:
        os.write(descriptor, line.encode("ascii", "backslashreplace"))
