"""Keep traces in one SQLite file, shared by all processes of a machine."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from ...clock import SYSTEM_CLOCK, Clock
from ...errors import StoreError
from ...settings import path as checked_path
from ...storage.presence import Presence
from ...storage.sqlite import Database, Tables
from ._bounds import Bounds
from ._protocol import Change, Kept
from .buffered import BufferedTraceStore

if TYPE_CHECKING:
    from sqlite3 import Connection

# `seq` orders traces by their start and is never used twice. A trace is open until its end is
# written, which takes its process out, or until it is found that its process is gone.
_TABLES: Final = Tables(
    part="traces",
    versions=[
        [
            """
            CREATE TABLE trace (
                seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, trace_id TEXT NOT NULL,
                user TEXT NOT NULL, process TEXT NOT NULL, began_ns INTEGER NOT NULL,
                is_open INTEGER NOT NULL, doc BLOB NOT NULL
            ) STRICT
            """,
            "CREATE INDEX trace_of_user ON trace (user, seq, is_open)",
            "CREATE INDEX trace_open ON trace (is_open)",
            "CREATE INDEX trace_of_id ON trace (trace_id)",
            """
            CREATE TABLE step (
                seq INTEGER NOT NULL, slot INTEGER NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (seq, slot)
            ) STRICT, WITHOUT ROWID
            """,
        ]
    ],
)
# Steps are found in the same statement, so that no other process can come in between.
_KEPT: Final = (
    "SELECT found.seq, found.key, found.process, found.is_open, found.doc, step.doc"
    " FROM (SELECT * FROM trace WHERE {} AND began_ns > ?2 ORDER BY seq DESC LIMIT ?3) AS found"
    " LEFT JOIN step ON step.seq = found.seq AND step.slot BETWEEN 0 AND 127"
)
_OF_USER: Final = _KEPT.format("user = ?1")
_OF_ALL: Final = _KEPT.format("?1 IS NULL")
_OF_ID: Final = _KEPT.format("trace_id >= ?1 AND trace_id < ?1 || 'g'")
_OLDEST: Final = "SELECT seq, user FROM trace ORDER BY is_open, seq LIMIT ?"
_OLDEST_OF_USER: Final = "SELECT seq, user FROM trace WHERE user = ? ORDER BY is_open, seq LIMIT ?"
_INSERT: Final = (
    "INSERT INTO trace (key, trace_id, user, process, began_ns, is_open, doc) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
# Nothing is put where the trace is gone.
_PUT_STEP: Final = "INSERT OR REPLACE INTO step SELECT seq, ?, ? FROM trace WHERE seq = ? AND key = ?"
_UPDATE: Final = (
    "UPDATE trace SET doc = ?, is_open = CASE WHEN ? THEN 0 ELSE is_open END,"
    " process = CASE WHEN ? THEN '' ELSE process END WHERE seq = ? AND key = ?"
)


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
            self._presence.show(changes[0].entry.process)
        except OSError as error:
            raise StoreError(error.strerror or type(error).__name__) from error
        places: dict[str, int] = {}
        late = self._database.write(lambda connection: self._write(connection, changes, places))
        self._has_looked = True
        for change in changes:  # only now are the new places certain
            change.entry.place = places.get(change.entry.key, change.entry.place)
        return late

    def _write(self, connection: Connection, changes: Sequence[Change], places: dict[str, int]) -> int:
        if not self._has_looked:
            self._close_lost(connection)
        room = _Room(connection, self._bounds)
        late = 0
        for change in changes:
            entry = change.entry
            if entry.place is None:
                room.make_for(entry.user)
                places[entry.key] = _insert(connection, change)
            elif change.trace is not None:
                late += not _update(connection, change) and change.is_final
            seq = places.get(entry.key, entry.place)
            steps = [(slot, document, seq, entry.key) for slot, document in change.steps.items()]
            connection.executemany(_PUT_STEP, steps)
        if places:
            self._expire(connection)
        return late

    def _close_lost(self, connection: Connection) -> None:
        """Let traces of processes that are gone give way to others as if they had ended."""
        for (process,) in connection.execute(
            "SELECT DISTINCT process FROM trace WHERE is_open = 1"
        ).fetchall():
            if self._presence.is_gone(process):
                connection.execute(
                    "UPDATE trace SET is_open = 0 WHERE is_open = 1 AND process = ?", (process,)
                )

    def _expire(self, connection: Connection) -> None:
        oldest = (
            "SELECT seq FROM (SELECT seq, began_ns FROM trace ORDER BY seq LIMIT 100) WHERE began_ns <= ?"
        )
        while expired := connection.execute(oldest, (self._horizon_ns(),)).fetchall():
            _remove(connection, expired)

    def _horizon_ns(self) -> int:
        """Return when the oldest traces began that are not forgotten."""
        return self._bounds.horizon_ns(self._clock.time_ns())

    def recent(self, user: str | None, limit: int, skip: Collection[str], /) -> list[Kept]:
        statement = _OF_ALL if user is None else _OF_USER
        rows = self._database.read(statement, (user, self._horizon_ns(), limit + len(skip)))
        return [kept for kept in self._kept(rows) if kept.key not in skip][:limit]

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        return self._kept(self._database.read(_OF_ID, (prefix, self._horizon_ns(), limit)))

    def _kept(self, rows: Iterable[tuple[Any, ...]]) -> list[Kept]:
        """Join the rows of each trace, of which there is one for each step."""
        found: dict[int, Kept] = {}
        steps: dict[int, list[bytes]] = {}
        gone: dict[str, bool] = {"": False}  # what has ended has no process
        for seq, key, process, is_open, document, step in rows:
            if process not in gone:
                gone[process] = self._presence.is_gone(process)
            is_lost = gone[process] or (not is_open and process != "")
            found[seq] = Kept(key, document, steps.setdefault(seq, []), is_lost)
            if step is not None:
                steps[seq].append(step)
        return [found[seq] for seq in sorted(found, reverse=True)]

    def forget(self, user: str, /) -> int:
        erased = self._database.write(lambda connection: _forget(connection, user))
        self._database.scrub()
        return erased

    def beat(self, process: str, /) -> None:
        """Do nothing: see `Presence`."""

    def close(self) -> None:
        self._database.close()
        self._presence.leave()


class _Room:
    """Counts traces during one transaction, and makes room for more."""

    def __init__(self, connection: Connection, bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds
        self._of_user: dict[str, int] = {}
        self._in_all = -1  #: not counted yet

    def make_for(self, user: str) -> None:
        """Count a new trace of *user*; the oldest gives way, better one that has ended."""
        if self._in_all < 0:
            self._in_all = self._count("SELECT count(*) FROM trace")
        if user not in self._of_user:
            self._of_user[user] = self._count("SELECT count(*) FROM trace WHERE user = ?", user)
        surplus = self._of_user[user] + 1 - self._bounds.per_user
        if surplus > 0:
            self._evict(_OLDEST_OF_USER, (user, surplus))
        surplus = self._in_all + 1 - self._bounds.total
        if surplus > 0:
            self._evict(_OLDEST, (surplus,))
        self._of_user[user] = self._of_user.get(user, 0) + 1
        self._in_all += 1

    def _count(self, statement: str, *parameters: str) -> int:
        return cast("int", self._connection.execute(statement, parameters).fetchone()[0])

    def _evict(self, which: str, parameters: tuple[object, ...]) -> None:
        gone = self._connection.execute(which, parameters).fetchall()
        _remove(self._connection, [(seq,) for seq, _ in gone])
        for _, user in gone:
            self._in_all -= 1
            if user in self._of_user:
                self._of_user[user] -= 1


def _insert(connection: Connection, change: Change) -> int:
    entry = change.entry
    process = "" if change.is_final else entry.process
    names = (entry.key, entry.trace_id, entry.user, process)
    values = (*names, entry.began_ns, not change.is_final, change.trace)
    return cast("int", connection.execute(_INSERT, values).lastrowid)


def _update(connection: Connection, change: Change) -> bool:
    """Write what is new of a trace; False if it is gone."""
    entry = change.entry
    if change.is_final:
        connection.execute("DELETE FROM step WHERE seq = ?", (entry.place,))
    values = (change.trace, change.is_final, change.is_final, entry.place, entry.key)
    return connection.execute(_UPDATE, values).rowcount > 0


def _remove(connection: Connection, seqs: Sequence[tuple[int]]) -> None:
    connection.executemany("DELETE FROM step WHERE seq = ?", seqs)
    connection.executemany("DELETE FROM trace WHERE seq = ?", seqs)


def _forget(connection: Connection, user: str) -> int:
    gone = connection.execute("SELECT seq FROM trace WHERE user = ?", (user,)).fetchall()
    _remove(connection, gone)
    return len(gone)
