"""Remember which failures people know about in an SQLite file, for the processes of one machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock
from ...storage.sqlite import Database, Tables
from ..window import ABSENT, Mark, Repeats, released
from ._changing import ChangingDedupe

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
                until_ns INTEGER NOT NULL,
                token TEXT,
                carried INTEGER NOT NULL, carried_first_ns INTEGER NOT NULL, carried_last_ns INTEGER NOT NULL,
                repeats INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX marks_changed ON marks (changed_ns)",
        ]
    ],
)
_SELECT: Final = """
    SELECT changed_ns, until_ns, token, carried, carried_first_ns, carried_last_ns, repeats, first_ns, last_ns
    FROM marks WHERE key = ?
"""
#: A mark goes when nothing has changed it for so long.
_KEPT_NS: Final = 7 * 24 * 3600 * 10**9
#: How much later than now a mark may have been changed; else the wall clock was set back since.
_SKEW_NS: Final = 5 * 10**9


class SQLiteDedupe(ChangingDedupe):
    """
    Keeps the marks in a file that processes of one machine share; they outlive the processes.

    Args:
        path: Of the file. A trace store and a spool may be in the same one.
        clock: Its wall clock counts, which all processes share. Set back, it ends windows.

    Raises:
        ConfigError: If there can be no such file.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock | None = None) -> None:
        self._database = Database(path, _TABLES)
        self._clock = clock or SYSTEM_CLOCK

    def close(self) -> None:
        """Close the file; idempotent, and a later call opens it again."""
        self._database.close()

    def _change(self, key: str, step: Callable[[Mark, int], tuple[Mark, R]]) -> R:
        """See `ChangingDedupe`."""
        key = key.encode("utf-8", "backslashreplace").decode()  # SQLite has no lone surrogates
        now = self._clock.time_ns()

        def change(connection: Connection) -> R:
            before = _mark(connection, key, now)
            after, answer = step(before, now)
            if after == ABSENT:
                connection.execute("DELETE FROM marks WHERE key = ?", (key,))
            elif after != before:
                connection.execute("DELETE FROM marks WHERE changed_ns < ?", (now - _KEPT_NS,))
                connection.execute(
                    "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (key, now, *_row(after)),
                )
            return answer

        return self._database.write(change)


def _mark(connection: Connection, key: str, now: int) -> Mark:
    row = connection.execute(_SELECT, (key,)).fetchone()
    if row is None:
        return ABSENT
    changed, until, token, *times = row
    mark = Mark(until, token, carried=Repeats(*times[:3]), repeats=Repeats(*times[3:]))
    return mark if changed <= now + _SKEW_NS else released(mark, token or "")._replace(until_ns=0)


def _row(mark: Mark) -> tuple[int | str | None, ...]:
    carried, repeats = mark.carried, mark.repeats
    return (
        mark.until_ns,
        mark.token,
        *(carried.count, carried.first_ns, carried.last_ns),
        *(repeats.count, repeats.first_ns, repeats.last_ns),
    )
