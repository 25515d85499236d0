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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import WeakSet

from ..clock import SYSTEM_CLOCK, Deadline
from ..errors import ConfigError, StoreError
from ..interrupts import let_pass
from ..sinks._locks import try_lock_file
from .turn import Turns

if TYPE_CHECKING:
    from sqlite3 import Connection

R = TypeVar("R")

#: Seconds that a statement waits for other processes, and that a read may take.
_PATIENCE: Final = 1.0
#: Steps of SQLite's machine between two looks at the clock.
_STRIDE: Final = 100_000
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
    versions: Sequence[
        Sequence[str]
    ]  #: statements that lead from each version to the next; only ever added to


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
        name = os.fspath(path)
        if name in ("", ":memory:") or "\0" in name:
            raise ConfigError(f"the path of an SQLite file must name a file, got {name!r}")
        self.path: Final = Path(name).absolute()  # the program may change its directory
        self._tables = tables
        self._sqlite = sqlite3
        self._turns: Final = Turns(self.path.parent)
        self._writer: _Link | None = None
        self._reader: _Link | None = None
        self._writing, self._reading = threading.RLock(), threading.RLock()
        _FORKS.add(self)

    def write(self, change: Callable[[Connection], R]) -> R:
        """
        Call *change* in a transaction of its own, which is undone if it raises.

        Raises:
            StoreError: If the file cannot be written. Errors that are about the values
                come as they are.
        """
        with self._writing:
            self._writer = link = self._current(self._writer)
            return self._use(link, lambda: link.transact(change))

    def read(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """
        Return the rows that *statement* selects.

        Raises:
            StoreError: If the file cannot be read.
        """
        with self._reading:
            self._reader = link = self._current(self._reader)
            return self._use(link, lambda: link.select(statement, parameters))

    def scrub(self) -> None:
        """
        Leave no byte of what was deleted in any of the files.

        Raises:
            StoreError: If somebody is still reading what was deleted.
        """
        with self._writing:
            self._writer = link = self._current(self._writer)
            is_busy, *_ = self._use(link, lambda: link.select("PRAGMA wal_checkpoint(TRUNCATE)"))[0]
        if is_busy:
            raise StoreError("SQLITE_BUSY")

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        self.hold()
        self.release()

    def hold(self) -> None:
        """Close the connections, and let nobody open them again until `release`."""
        self._writing.acquire()
        self._reading.acquire()
        for link in (self._writer, self._reader):
            if link is not None and self._is_current(link):
                link.close()
        self._writer = self._reader = None
        self._turns.close()

    def release(self) -> None:
        """Let connections be opened again."""
        self._reading.release()
        self._writing.release()

    def _current(self, link: _Link | None) -> _Link:
        """Return *link*, or a new one where there is none or another file has taken the place of its file."""
        return link if link is not None and self._is_current(link) else self._open()

    def _is_current(self, link: _Link) -> bool:
        """Tell whether *link* leads to the file that is there now; else it is abandoned."""
        is_current = link.file is not None and link.file == _identity(self.path)
        if link.file is not None and not is_current:
            # Closing it would delete the log of the file that has taken its place.
            _ABANDONED.append(link)
        return is_current

    def _open(self) -> _Link:
        is_new = not self.path.exists()
        if not is_new and not self.path.is_file():
            raise StoreError("not a file")
        link = None
        try:
            # Autocommit: where a transaction begins is up to us.
            connection = self._sqlite.connect(
                self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            link = _Link(connection, self._turns)
            self._set_up(link, is_new=is_new)
        except self._sqlite.Error as error:
            raise self._explained(error, link) from error
        except StoreError:
            cast("_Link", link).close()
            raise
        return link

    def _set_up(self, link: _Link, *, is_new: bool) -> None:
        is_foreign = link.select(_IS_FOREIGN)[0][0]  # makes the file, where there is none
        if is_new:
            with suppress(OSError):  # some file systems know no modes
                self.path.chmod(0o600)
        link.file = _identity(self.path)
        if is_foreign:
            raise StoreError("a database of another program")
        for pragma in _PRAGMAS:
            self._settle(link, pragma)
        self._migrate(link)

    def _settle(self, link: _Link, pragma: str) -> None:
        """Set one thing; several who open a new file at once are in each other's way for a moment."""
        deadline = Deadline(1.5 * _PATIENCE)
        while True:
            try:
                link.select(pragma)
            except self._sqlite.OperationalError as error:
                is_busy = error.sqlite_errorcode & 0xFF == self._sqlite.SQLITE_BUSY
                if not is_busy or not deadline.left():
                    raise
                threading.Event().wait(_PAUSE)
            else:
                return

    def _migrate(self, link: _Link) -> None:
        """Bring the tables of this part to its newest version, in one step for all who look."""
        part, versions = self._tables.part, self._tables.versions
        with suppress(self._sqlite.OperationalError):  # no such table
            if link.select(_VERSION, (part,)) == [(len(versions),)]:
                return

        def change(connection: Connection) -> None:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS obskit (part TEXT PRIMARY KEY, version INTEGER) STRICT"
            )
            version = next(iter(connection.execute(_VERSION, (part,)).fetchall()), (0,))[0]
            if type(version) is not int or not 0 <= version <= len(versions):
                raise StoreError(f"written by a newer obskit: version {version} of {part}")
            for statement in (statement for step in versions[version:] for statement in step):
                connection.execute(statement)
            connection.execute("INSERT OR REPLACE INTO obskit VALUES (?, ?)", (part, len(versions)))

        link.transact(change)

    def _use(self, link: _Link, use: Callable[[], R]) -> R:
        try:
            return use()
        except self._sqlite.Error as error:
            raise self._explained(error, link) from error

    def _explained(self, error: Exception, link: _Link | None) -> Exception:
        """Say what an error of SQLite means for the caller; a damaged file is put aside."""
        code = getattr(error, "sqlite_errorcode", self._sqlite.SQLITE_ERROR) & 0xFF
        if code in (
            self._sqlite.SQLITE_CONSTRAINT,
            self._sqlite.SQLITE_TOOBIG,
            self._sqlite.SQLITE_MISMATCH,
            self._sqlite.SQLITE_RANGE,
        ) or isinstance(error, self._sqlite.ProgrammingError):
            return error
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if link is not None and code in (self._sqlite.SQLITE_CORRUPT, self._sqlite.SQLITE_NOTADB):
            file = link.file
            link.close()
            if file is None and not _was_database(self.path):
                return StoreError(f"{name}; {self.path} is no SQLite file and left as it is")
            aside = _put_aside(self.path, file)
            return StoreError(f"{name}; the damaged file is now {aside}" if aside else name)
        return StoreError(name)


class _Link:
    """A connection, and the file that it leads to."""

    def __init__(self, connection: Connection, turns: Turns) -> None:
        self._connection = connection
        self._turns = turns
        self._deadline: Deadline | None = None
        self.file: tuple[int, int] | None = None
        connection.set_progress_handler(self._is_over, _STRIDE)

    def transact(self, change: Callable[[Connection], R]) -> R:
        self._deadline = None
        with self._turns.turn():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            answer = change(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # some errors have undone it already
                self._connection.execute("ROLLBACK")
            raise
        return answer

    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        self._deadline = Deadline(_PATIENCE)
        return self._connection.execute(statement, tuple(parameters)).fetchall()

    def close(self) -> None:
        self.file = None
        try:
            self._connection.close()
        except Exception as error:  # where the disk is full, there is nothing left to do
            let_pass(error)

    def _is_over(self) -> bool:
        return self._deadline is not None and not self._deadline.left()


#: Connections to files that were replaced, which must not even be closed.
_ABANDONED: Final[list[_Link]] = []


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


def _put_aside(path: Path, file: tuple[int, int] | None) -> Path | None:
    """
    Rename a damaged file, and what belongs to it.

    Returns:
        Its new name; None where *path* leads to another file by now, since another
        process was faster.
    """
    aside = path.with_name(f"{path.name}.corrupt-{SYSTEM_CLOCK.time_ns() // 1_000_000}")
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            # The lock lies on the damaged file itself: who comes second finds another one at its place.
            if try_lock_file(descriptor) and file in (None, _identity(path)):
                path.rename(aside)
                for suffix in ("-wal", "-shm"):
                    with suppress(OSError):
                        Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
                return aside
        finally:
            os.close(descriptor)
    return None
