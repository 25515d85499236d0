"""Keep traces in one SQLite file, shared by all processes of a machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ...clock import SYSTEM_CLOCK, Clock
from ...errors import StoreError
from ...settings import path as checked_path
from ...storage.presence import Presence
from ...storage.sqlite import Database, Tables
from ._bounds import Bounds
from ._protocol import Change, Kept, process_of
from .buffered import BufferedTraceStore

if TYPE_CHECKING:
    from sqlite3 import Connection

# A trace is open until its end is written, or until it is found that its process is gone.
_TABLES: Final = Tables(
    part="traces",
    versions=[
        [
            """
            CREATE TABLE trace (
                key TEXT PRIMARY KEY, trace_id TEXT NOT NULL, user TEXT NOT NULL,
                is_open INTEGER NOT NULL, doc BLOB NOT NULL
            ) STRICT
            """,
            "CREATE INDEX trace_of_user ON trace (user, key, is_open)",
            "CREATE INDEX trace_open ON trace (is_open, key)",
            "CREATE INDEX trace_of_id ON trace (trace_id, key)",
        ]
    ],
)
_KEPT: Final = "SELECT key, is_open, doc FROM trace WHERE {} ORDER BY key DESC LIMIT ?2"
_OF_USER: Final = _KEPT.format("user = ?1")
_OF_ALL: Final = _KEPT.format("TRUE")
_OF_ID: Final = _KEPT.format("trace_id >= ?1 AND trace_id < ?1 || 'g'")
# Makes room for one more; the oldest that has ended goes first.
_MAKE_ROOM: Final = (
    "DELETE FROM trace WHERE key IN (SELECT key FROM trace WHERE {0} ORDER BY is_open, key"
    " LIMIT max(0, (SELECT count(*) FROM trace WHERE {0}) + 1 - :bound))"
)
_ROOM_OF_USER: Final = _MAKE_ROOM.format("user = :user")
_ROOM_OF_ALL: Final = _MAKE_ROOM.format("TRUE")
_INSERT: Final = "INSERT OR REPLACE INTO trace (key, trace_id, user, is_open, doc) VALUES (?, ?, ?, ?, ?)"
_UPDATE: Final = "UPDATE trace SET is_open = min(is_open, ?), doc = ? WHERE key = ?"


class SQLiteTraceStore(BufferedTraceStore):
    """
    Keeps traces in one file, where every process of the machine finds them.

    Each step that has ended is safe from the death of its process; a trace whose
    process is gone is shown as lost, with the steps that were running. While the
    file cannot be used, traces are kept in memory. A damaged file is renamed.

    Args:
        path: Of the file, on a local disk.
        per_user: Traces kept of one user, by all processes together.
        total: Traces kept in all.
        ttl: Seconds from its start after which a trace is forgotten; None keeps it
            until others take its place.
        clock: The source of time.

    Raises:
        ConfigError: If a bound is not above 0, or the path cannot name a file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        per_user: int = 100,
        total: int = 1_000,
        *,
        ttl: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        bounds = Bounds(per_user, total, ttl)
        super().__init__(_SQLite(path, bounds, clock), bounds, clock)


class _SQLite:
    """The `Backend`."""

    name = "the SQLite file"
    beat_every = None  # the presence tells

    def __init__(self, path: str | os.PathLike[str], bounds: Bounds, clock: Clock) -> None:
        self._database = Database(checked_path("path", path), _TABLES)
        self._presence = Presence(f"{self._database.path}-alive-")
        self._bounds = bounds
        self._clock = clock
        self._has_looked = False  #: for traces of processes that are gone

    def write(self, changes: Sequence[Change], /) -> int:
        try:
            self._presence.show(process_of(changes[0].key))
        except OSError as error:
            raise StoreError(error.strerror or type(error).__name__) from error
        late = self._database.write(lambda connection: self._write(connection, changes))
        self._has_looked = True
        return late

    def _write(self, connection: Connection, changes: Sequence[Change]) -> int:
        if not self._has_looked:
            self._close_lost(connection)
        late = 0
        for change in changes:
            if change.is_new:
                connection.execute(_ROOM_OF_USER, {"user": change.user, "bound": self._bounds.per_user})
                connection.execute(_ROOM_OF_ALL, {"bound": self._bounds.total})
                names = (change.key, change.trace_id, change.user)
                connection.execute(_INSERT, (*names, not change.is_final, change.document))
            else:
                values = (not change.is_final, change.document, change.key)
                found = connection.execute(_UPDATE, values).rowcount
                late += change.is_final and not found
        self._expire(connection)
        return late

    def _close_lost(self, connection: Connection) -> None:
        """Let traces of processes that are gone give way to others as if they had ended."""
        keys = [key for (key,) in connection.execute("SELECT key FROM trace WHERE is_open = 1")]
        gone = {process for process in map(process_of, keys) if self._presence.is_gone(process)}
        lost = [(key,) for key in keys if process_of(key) in gone]
        connection.executemany("UPDATE trace SET is_open = 0 WHERE key = ?", lost)

    def _expire(self, connection: Connection) -> None:
        oldest = self._bounds.oldest_key(self._clock.time_ns())
        connection.execute("DELETE FROM trace WHERE key < ?", (oldest,))

    def recent(self, user: str | None, limit: int, /) -> list[Kept]:
        return self._kept(_OF_ALL if user is None else _OF_USER, user, limit)

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        return self._kept(_OF_ID, prefix, limit)

    def _kept(self, statement: str, *parameters: object) -> list[Kept]:
        rows = self._database.read(statement, parameters)
        processes = {process_of(key) for key, is_open, _ in rows if is_open}
        gone = {process for process in processes if self._presence.is_gone(process)}
        return [
            Kept(key, document, not is_open or process_of(key) in gone) for key, is_open, document in rows
        ]

    def forget(self, user: str, /) -> list[str]:
        erased = self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM trace WHERE user = ? RETURNING key", (user,)
            ).fetchall()
        )
        self._database.scrub()
        return [key for (key,) in erased]

    def beat(self, process: str, /) -> None:
        """Do nothing: see `Presence`."""

    def close(self) -> None:
        self._database.close()
        self._presence.leave()
