"""Tell on stderr, once per kind, what obskit itself failed at: its own failures never become events."""

from __future__ import annotations

import os
import select
import sys
from typing import Final

from .interrupts import let_pass
from .redaction import Redactor

#: Notices are of our own words and names of types; should a secret be among them all the same, it is hidden.
_REDACTOR: Final = Redactor()

#: Bytes that a pipe takes at once where there is room at all.
_PIPE_BUF: Final = getattr(select, "PIPE_BUF", 512)

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
        try:
            _write(f"obskit: {' '.join(_REDACTOR.text(text).split())}")
        except Exception as error:  # stderr may be closed, full or None; there is nobody left to tell then
            let_pass(error)


def _write(line: str) -> None:
    """Write *line* past the buffer of stderr: what a full one holds back would change the exit status."""
    from .sinks._locks import has_room  # not at import: sinks tell by this module

    try:
        descriptor = sys.stderr.fileno()
    except OSError:  # a stand-in of a test
        sys.stderr.write(f"{line}\n")
        return
    data = line.encode("ascii", "backslashreplace")[: _PIPE_BUF - 1] + b"\n"
    if has_room(descriptor, 0):  # stderr may be a pipe that nobody reads
        os.write(descriptor, data)
