"""
One SQLite file, shared by threads, processes and parts of obskit.

It opens at first use, knows the version of each part's tables, and puts a damaged
file aside; one that was never a database is left alone. Whatever is wrong with
the file or the disk is a `StoreError`. What is kept in the tables is none of its
business.

In WAL mode a commit survives the death of the process without waiting for the
disk; only a power failure can take the last ones back
(https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakSet

from ..clock import SYSTEM_CLOCK, Deadline
from ..errors import ConfigError, StoreError

if TYPE_CHECKING:
    from sqlite3 import Connection

R = TypeVar("R")

#: Seconds that a statement waits for other processes.
_PATIENCE: Final = 1.0
#: Seconds between two attempts to switch a new file to WAL, for which SQLite itself may not wait.
_PAUSE: Final = 0.02
#: STRICT tables came with it.
_OLDEST: Final = (3, 37)

_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA secure_delete=ON",  # what is deleted is overwritten
    "PRAGMA temp_store=MEMORY",
    # Both against a file that somebody else has prepared: https://www.sqlite.org/security.html
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
)
# One of ours has neither triggers nor views, which could run anything.
_IS_FOREIGN: Final = (
    "SELECT count(*) AND (NOT total(name = 'obskit') OR total(type IN ('trigger', 'view')))"
    " FROM sqlite_schema"
)
_MAGIC: Final = b"SQLite format 3\0"
_VERSION: Final = "SELECT version FROM obskit WHERE part = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What one part of obskit keeps in the file."""

    part: str
    #: Statements that lead from each version to the next; only ever added to.
    versions: Sequence[Sequence[str]]


class Database:
    """
    A part's way into the file; any number of them may share one.

    Args:
        path: Of the file. It is made readable for its owner only.
        tables: Those of the part.

    Raises:
        ConfigError: If there can be no such file, or this Python's SQLite is too old.
    """

    def __init__(self, path: str | os.PathLike[str], tables: Tables) -> None:
        import sqlite3

        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigError(f"SQLite 3.37 or newer is needed, this Python has {sqlite3.sqlite_version}")
        if os.fspath(path) == ":memory:":
            raise ConfigError("the path of an SQLite file must name a file, got ':memory:'")
        self.path: Final = Path(path).absolute()  # the program may change its directory
        self._tables = tables
        self._sqlite = sqlite3
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None  #: that it leads to
        self._lock = threading.RLock()
        _FORKS.add(self)

    def write(self, change: Callable[[Connection], R]) -> R:
        """
        Call *change* in a transaction of its own, which is undone if it raises.

        Raises:
            StoreError: If the file cannot be written. Errors that are about the values
                come as they are.
        """
        return self._use(lambda connection: _transact(connection, change))

    def read(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """
        Return the rows that *statement* selects.

        Raises:
            StoreError: If the file cannot be read.
        """
        return self._use(lambda connection: connection.execute(statement, parameters).fetchall())

    def scrub(self) -> None:
        """
        Leave no byte of what was deleted in any of the files.

        Raises:
            StoreError: If somebody is still reading what was deleted.
        """
        is_busy, *_ = self.read("PRAGMA wal_checkpoint(TRUNCATE)")[0]
        if is_busy:
            raise StoreError("SQLITE_BUSY")

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        with self._lock:
            self._let_go()

    def hold(self) -> None:
        """Close the connection, and let nobody open it again until `release`."""
        self._lock.acquire()
        self._let_go()

    def release(self) -> None:
        """Let the connection be opened again."""
        self._lock.release()

    def _use(self, use: Callable[[Connection], R]) -> R:
        with self._lock:
            try:
                return use(self._connect())
            except self._sqlite.Error as error:
                raise self._explained(error) from error

    def _connect(self) -> Connection:
        """Return the connection to the file that is there now."""
        file = _identity(self.path)
        if self._connection is not None and file == self._file:
            return self._connection
        self._let_go()
        if file is not None and not self.path.is_file():
            raise StoreError("not a file")
        self._file = file
        # Autocommit: where a transaction begins is up to us.
        connection = self._sqlite.connect(
            self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            self._set_up(connection)
        except BaseException:
            self._close(connection)
            raise
        self._connection = connection
        return connection

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._file == _identity(self.path):
            self._close(connection)
        else:  # closing it would delete the log of the file that has taken its place
            _ABANDONED.append(connection)

    def _close(self, connection: Connection) -> None:
        with suppress(self._sqlite.Error):  # where the disk is full, there is nothing left to do
            connection.close()

    def _set_up(self, connection: Connection) -> None:
        is_foreign = connection.execute(_IS_FOREIGN).fetchone()[0]  # makes the file, where there is none
        if self._file is None:
            with suppress(OSError):  # some file systems know no modes
                self.path.chmod(0o600)
            self._file = _identity(self.path)
        if is_foreign:
            raise StoreError("a database of another program")
        for pragma in _PRAGMAS:
            self._settle(connection, pragma)
        with suppress(self._sqlite.OperationalError):  # no such table
            newest = len(self._tables.versions)
            if connection.execute(_VERSION, (self._tables.part,)).fetchone() == (newest,):
                return
        _transact(connection, self._migrate)

    def _settle(self, connection: Connection, pragma: str) -> None:
        """Set one thing; several who open a new file at once are in each other's way for a moment."""
        deadline = Deadline(1.5 * _PATIENCE)
        while True:
            try:
                connection.execute(pragma)
            except self._sqlite.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == self._sqlite.SQLITE_BUSY
                if not is_busy or not deadline.left():
                    raise
                threading.Event().wait(_PAUSE)
            else:
                return

    def _migrate(self, connection: Connection) -> None:
        """Bring the tables of the part up to date."""
        part, versions = self._tables.part, self._tables.versions
        connection.execute(
            "CREATE TABLE IF NOT EXISTS obskit (part TEXT PRIMARY KEY, version INTEGER) STRICT"
        )
        (version,) = connection.execute(_VERSION, (part,)).fetchone() or (0,)
        if type(version) is not int or not 0 <= version <= len(versions):
            raise StoreError(f"written by a newer obskit: version {version} of {part}")
        for statement in chain.from_iterable(versions[version:]):
            connection.execute(statement)
        connection.execute("INSERT OR REPLACE INTO obskit VALUES (?, ?)", (part, len(versions)))

    def _explained(self, error: Exception) -> Exception:
        """Say what an error of SQLite means for the caller; a damaged file is put aside."""
        about_values = self._sqlite.IntegrityError, self._sqlite.DataError, self._sqlite.ProgrammingError
        if isinstance(error, about_values):
            return error
        code = getattr(error, "sqlite_errorcode", self._sqlite.SQLITE_ERROR) & 0xFF
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code not in (self._sqlite.SQLITE_CORRUPT, self._sqlite.SQLITE_NOTADB):
            return StoreError(name)
        if self._connection is None and not _was_database(self.path):
            return StoreError(f"{name}; {self.path} is no SQLite file and left as it is")
        self._let_go()
        aside = self._put_aside()
        return StoreError(f"{name}; the damaged file is now {aside}" if aside else name)

    def _put_aside(self) -> Path | None:
        """Rename the damaged file, and what belongs to it; None where another process was faster."""
        if self._file != _identity(self.path):
            return None
        aside = self.path.with_name(f"{self.path.name}.corrupt-{SYSTEM_CLOCK.time_ns() // 1_000_000}")
        try:
            self.path.rename(aside)
        except OSError:
            return None
        for suffix in ("-wal", "-shm"):
            with suppress(OSError):
                Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        return aside


def _transact(connection: Connection, change: Callable[[Connection], R]) -> R:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = change(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors have undone it already
            connection.execute("ROLLBACK")
        raise
    return answer


#: Connections to files that were replaced, which must not even be closed.
_ABANDONED: Final[list[Connection]] = []


class _Forks:
    """
    Sees to it that no connection is open while the process forks.

    SQLite notes in memory what the process has locked. A child would inherit the note
    without the lock: it would take for locked what its parent was writing to, for ever,
    and for safe what it uses itself
    (https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_).
    """

    def __init__(self) -> None:
        self._databases: WeakSet[Database] = WeakSet()
        self._held: list[Database] = []
        self._forking = threading.RLock()  # two threads may fork
        if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
            os.register_at_fork(before=self._before, after_in_parent=self._after, after_in_child=self._after)

    def add(self, database: Database) -> None:
        """Look after *database* for as long as it lives."""
        with self._forking:
            self._databases.add(database)

    def _before(self) -> None:
        self._forking.acquire()
        for database in list(self._databases):
            database.hold()
            self._held.append(database)

    def _after(self) -> None:
        """Go on, also in the child: the one thread that it has holds all of the locks."""
        while self._held:
            self._held.pop().release()
        self._forking.release()


_FORKS: Final = _Forks()


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell which file *path* leads to now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _was_database(path: Path) -> bool:
    """
    Tell whether a file that SQLite cannot read is a damaged database, and not something else of the user's.

    To be asked in no other case: closing the file takes SQLite's locks off it.
    """
    try:
        with path.open("rb") as file:
            page = file.read(4096)
    except OSError:  # it cannot be moved either
        return True
    is_blank = not page.strip(b"\0")  # as a file system may leave a page that was being written
    return is_blank or page.startswith(_MAGIC) or _MAGIC.startswith(page) or b"CREATE TABLE obskit" in page
