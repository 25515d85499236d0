"""
Keep messages in an SQLite file until they are settled, also when the process is killed.

Every row has an owner: the process that delivers it. A row whose owner is gone is
anybody's to claim.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, TypeVar

from ..errors import ConfigError, StoreError
from ..ids import new_trace_id
from ..interrupts import let_pass
from ..notices import Notices
from ..settings import path as checked_path
from ..storage.presence import Presence
from ..storage.sqlite import Database, Tables
from ..worker import restart_after_fork
from .delivery import Delivery, Kind
from .lane import Job
from .model import Alert, SafeAlert
from .window import Repeats

if TYPE_CHECKING:
    from sqlite3 import Connection

R = TypeVar("R")

_TABLES: Final = Tables(
    part="spool",
    versions=[
        [
            """
            CREATE TABLE spool (
                row INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, lane TEXT NOT NULL,
                mark TEXT, lease TEXT NOT NULL, delivery TEXT NOT NULL
            ) STRICT
            """
        ]
    ],
)
#: An owner without a name is that of what its process could not deliver in time.
_CLAIM: Final = """
    UPDATE spool SET owner = ? WHERE row IN (
        SELECT row FROM spool WHERE owner IN (SELECT value FROM json_each(?)) ORDER BY row LIMIT ?
    ) RETURNING row, lane, mark, lease, delivery
"""


class Spool:
    """
    Messages on disk; where the disk fails, they go on in memory alone, which is told once.

    Args:
        path: Of the file, which may be shared by processes, and with stores.

    Raises:
        ConfigError: If there can be no such file.
    """

    def __init__(self, path: str | os.PathLike[str], notices: Notices) -> None:
        self._database = Database(checked_path("spool", path), _TABLES)
        self._presence = Presence(f"{self._database.path}-owner-")
        self._notices = notices
        self.start_anew()
        try:
            self._database.read("SELECT count(*) FROM spool")
        except StoreError as error:
            raise ConfigError(f"spool must be the path of an SQLite file: {error}") from None
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Be another owner, in a forked child: the rows so far are its parent's."""
        self.written = self.failures = 0
        self._owner = new_trace_id()[:16]

    def add(self, jobs: Mapping[str, Job]) -> None:
        """Keep *jobs*, by the name of their lane; each is told its row."""

        def insert(connection: Connection) -> dict[str, int | None]:
            """Write all of them in one transaction, so none is there alone."""
            self._presence.show(self._owner)
            return {
                lane: connection.execute(
                    "INSERT INTO spool (owner, lane, mark, lease, delivery) VALUES (?, ?, ?, ?, ?)",
                    (self._owner, lane, job.mark, job.lease, _written(job.delivery)),
                ).lastrowid
                for lane, job in jobs.items()
            }

        rows = self._try(lambda: self._database.write(insert)) or {}
        for lane, row in rows.items():
            jobs[lane].row = row
        self.written += len(rows)

    def done(self, row: int) -> None:
        """Forget a message that is settled."""
        self._change("DELETE FROM spool WHERE row = ?", row)

    def give_back(self, row: int) -> None:
        """Let anybody have a message that was not delivered in time."""
        self._change("UPDATE spool SET owner = '' WHERE row = ?", row)

    def has_others(self) -> bool:
        """Tell whether there are messages that somebody else owns, dead or alive, or nobody."""
        others = "SELECT 1 FROM spool WHERE owner <> ? LIMIT 1"
        return bool(self._try(lambda: self._database.read(others, (self._owner,))))

    def claim(self, limit: int) -> list[tuple[str, Job]]:
        """Take at most *limit* messages whose owner is gone, the oldest first, by the name of their lane."""

        def take(connection: Connection) -> list[tuple[int, str, str | None, str, str]]:
            """Find who is gone and take over in one transaction, so nobody else does."""
            owners = connection.execute("SELECT DISTINCT owner FROM spool WHERE owner <> ?", (self._owner,))
            gone = [owner for (owner,) in owners.fetchall() if self._presence.is_gone(owner)]
            if not gone:
                return []
            self._presence.show(self._owner)
            return connection.execute(_CLAIM, (self._owner, json.dumps(gone), limit)).fetchall()

        jobs = []
        for row, lane, mark, lease, text in sorted(self._try(lambda: self._database.write(take)) or []):
            try:
                job = Job(delivery=_read(text), mark=mark, lease=lease, row=row, counts_as="spool")
            except Exception as error:
                let_pass(error)
                self._notices.tell("spool_unreadable", "a message in the spool cannot be read: left out")
                self.done(row)
            else:
                jobs.append((lane, job))
        return jobs

    def close(self) -> None:
        """Close the file; what is left in it is for others."""
        self._database.close()
        self._presence.leave()

    def _change(self, statement: str, row: int) -> None:
        self._try(lambda: self._database.write(lambda connection: connection.execute(statement, (row,))))

    def _try(self, use: Callable[[], R]) -> R | None:
        """Use the file; None where that fails, which stops no alert."""
        try:
            return use()
        except Exception as error:  # also about a value that SQLite does not take
            let_pass(error)
            self.failures += 1
            self._notices.tell("spool", f"the spool failed: {error}; alerts are kept in memory only")
            return None


def _written(delivery: Delivery) -> str:
    return json.dumps(asdict(delivery))


def _read(text: str) -> Delivery:
    told = json.loads(text)
    told["alert"] = SafeAlert(Alert(**told["alert"]))
    told["kind"] = Kind(told["kind"])
    told["repeats"] = Repeats(**told["repeats"])
    return Delivery(**told)
