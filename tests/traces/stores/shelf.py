"""The smallest backend there is: it keeps documents in a dict, and fails when it is told to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from obskit.traces.stores import Kept
from obskit.worker import restart_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from obskit.traces.stores import Change

PATIENCE = 20.0


class Shelf:
    """A `Backend` without bounds."""

    name = "the shelf"

    def __init__(self, *, beat_every: float | None = None) -> None:
        self.beat_every = beat_every
        self.fault: Exception | None = None  #: raised by every call while it is set
        self.poison = ""  #: the id of a trace that cannot be written
        self.open = threading.Event()  #: writing waits for it
        self.open.set()
        self.reached = threading.Event()  #: somebody has come to write
        self.traces: dict[str, Change] = {}
        self.calls: list[str] = []
        self.changes: list[Change] = []  #: all that were ever written
        self.lost: set[str] = set()  #: keys of traces whose process is gone
        self.closed = 0
        restart_after_fork(self)

    def write(self, changes: Sequence[Change], /) -> int:
        """Keep the newest document of each trace."""
        self.reached.set()
        assert self.open.wait(PATIENCE)
        self._call("write")
        if any(change.trace_id == self.poison for change in changes):
            raise ValueError("this can never be written")
        late = 0
        for change in changes:
            if change.is_new or change.key in self.traces:
                self.traces[change.key] = change
            else:
                late += change.is_final
        self.changes += changes
        return late

    def recent(self, user: str | None, limit: int, /) -> list[Kept]:
        """Read from the end."""
        self._call("recent")
        return self._kept(lambda change: user in (None, change.user))[:limit]

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        """Look at all of them."""
        self._call("find")
        return self._kept(lambda change: change.trace_id.startswith(prefix))[:limit]

    def forget(self, user: str, /) -> list[str]:
        """Take out those of a user."""
        self._call("forget")
        gone = [key for key, change in self.traces.items() if change.user == user]
        for key in gone:
            del self.traces[key]
        return gone

    def beat(self, process: str, /) -> None:
        """Remember that there was one."""
        self._call("beat")

    def start_anew(self) -> None:
        """Share nothing with the parent."""
        self.open = threading.Event()
        self.open.set()

    def close(self) -> None:
        """Count the call."""
        self.closed += 1

    def _call(self, what: str) -> None:
        self.calls.append(what)
        if self.fault is not None:
            raise self.fault

    def _kept(self, is_wanted: Callable[[Change], bool]) -> list[Kept]:
        return [
            Kept(key, change.document, key in self.lost)
            for key, change in reversed(self.traces.items())
            if is_wanted(change)
        ]
