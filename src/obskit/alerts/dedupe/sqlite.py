"""Remember which failures people know about in an SQLite file, for the processes of one machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock
from ...settings import path as checked_path
from ...storage.sqlite import Database, Tables
from ..window import Mark
from ._marks import KEPT, MarkDedupe, read, written

if TYPE_CHECKING:
    from sqlite3 import Connection

R = TypeVar("R")

_TABLES: Final = Tables(
    part="dedupe",
    versions=[
        [
            """
            CREATE TABLE marks (
                key TEXT PRIMARY KEY,
                changed_ns INTEGER NOT NULL,
                mark TEXT NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX marks_changed ON marks (changed_ns)",
        ]
    ],
)
_KEPT_NS: Final = KEPT * 10**9


class SQLiteDedupe(MarkDedupe):
    """
    Keeps the marks in a file that processes of one machine share; they outlive the processes.

    Args:
        path: Of the file. A trace store and a spool may be in the same one.
        clock: Its wall clock counts, which all processes share. Set back, it ends windows.

    Raises:
        ConfigError: If there can be no such file.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock | None = None) -> None:
        self._database = Database(checked_path("path", path), _TABLES)
        self._clock = clock or SYSTEM_CLOCK

    def close(self) -> None:
        """Close the file; idempotent, and a later call opens it again."""
        self._database.close()

    def _change(self, key: str, step: Callable[[Mark, int], tuple[Mark, R]]) -> R:
        """See `MarkDedupe`."""
        now = self._clock.time_ns()

        def change(connection: Connection) -> R:
            """Do it in one transaction."""
            row = connection.execute("SELECT mark FROM marks WHERE key = ?", (key,)).fetchone()
            before = read(row[0] if row else None, now)
            after, answer = step(before, now)
            if (text := written(after, now)) is None:
                connection.execute("DELETE FROM marks WHERE key = ?", (key,))
            elif after != before:
                connection.execute("DELETE FROM marks WHERE changed_ns < ?", (now - _KEPT_NS,))
                connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", (key, now, text))
            return answer

        return self._database.write(change)
