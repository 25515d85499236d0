"""
Name the place of a trace in a store that sorts by name: by start, then process, then trace.

Of fixed length, so what it is made of can be read back. Nothing asks a server for a
number, so writing a trace again after a lost answer finds the same place.
"""

from __future__ import annotations

from typing import Final

from ._protocol import Entry

LENGTH: Final = 48


class Places:
    """Gives out places in the order in which it is asked, also where the clock stands still or goes back."""

    def __init__(self) -> None:
        self._latest_ns = 0

    def of(self, entry: Entry) -> str:
        """Return the place of *entry*; it takes one when it is first asked for."""
        if entry.place is None:
            self._latest_ns = max(self._latest_ns + 1, entry.began_ns)
            entry.place = f"{self._latest_ns:016x}{entry.process}{entry.key}"
        place: str = entry.place
        return place


def began_ns(place: str) -> int:
    """Return when the trace began."""
    return int(place[:16], 16)


def process_of(place: str) -> str:
    """Return who records the trace."""
    return place[16:32]


def key_of(place: str) -> str:
    """Return the `Entry.key` of the trace."""
    return place[32:LENGTH]


def first_after(time_ns: int) -> str:
    """Return what sorts before the places of all traces that began after *time_ns*."""
    return f"{max(0, time_ns + 1):016x}"
