"""Tell on stderr, once per kind, what obskit itself failed at: its own failures never become events."""

from __future__ import annotations

import contextlib
import sys

from .runtime import current


class Notices:
    """Remembers what it has told."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, kind: str, text: str) -> None:
        """Write *text* as one line without secrets, unless a notice of this *kind* was written."""
        if kind in self._told:
            return
        self._told.add(kind)
        # stderr may be closed, full or None; there is nobody left to tell then.
        with contextlib.suppress(Exception):
            line = " ".join(current().gate.text(text).split())
            sys.stderr.write(f"obskit: {line}\n")
