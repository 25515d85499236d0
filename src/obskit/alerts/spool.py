"""
Keep messages in an SQLite file until they are settled, also when the process is killed.

Every row has an owner: the process that delivers it. A row whose owner is gone is
anybody's to claim.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ..errors import ConfigError, StoreError
from ..ids import new_trace_id
from ..interrupts import let_pass
from ..notices import Notices
from ..settings import path as checked_path
from ..storage.presence import Presence
from ..storage.sqlite import Database, Tables
from ..worker import restart_after_fork
from .delivery import Delivery, Kind
from .model import Alert, SafeAlert
from .window import Repeats

if TYPE_CHECKING:
    from sqlite3 import Connection

_TABLES: Final = Tables(
    part="spool",
    versions=[
        [
            """
            CREATE TABLE spool (
                row INTEGER PRIMARY KEY AUTOINCREMENT,
                owner TEXT NOT NULL,
                lane TEXT NOT NULL,
                mark TEXT,
                lease TEXT NOT NULL,
                delivery TEXT NOT NULL
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


class Spoolable(Protocol):
    """What the spool keeps of a message on its way."""

    delivery: Delivery
    mark: str | None
    lease: str
    row: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A message that was claimed."""

    row: int
    lane: str  #: name of the lane that it was meant for
    mark: str | None
    lease: str
    delivery: Delivery


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

    def add(self, messages: Mapping[str, Spoolable]) -> None:
        """Keep *messages*, by lane; each is told its row."""

        def insert(connection: Connection) -> list[int | None]:
            """Write all of them in one transaction, so none is there alone."""
            return [
                connection.execute(
                    "INSERT INTO spool (owner, lane, mark, lease, delivery) VALUES (?, ?, ?, ?, ?)",
                    (self._owner, lane, message.mark, message.lease, _written(message.delivery)),
                ).lastrowid
                for lane, message in messages.items()
            ]

        try:
            self._presence.show(self._owner)
            rows = self._database.write(insert)
        except Exception as error:  # not even a value that SQLite does not take stops an alert
            let_pass(error)
            self._failed(error)
            return
        for message, row in zip(messages.values(), rows, strict=True):
            message.row = row
        self.written += len(rows)

    def done(self, row: int) -> None:
        """Forget a message that is settled."""
        self._change("DELETE FROM spool WHERE row = ?", row)

    def give_back(self, row: int) -> None:
        """Let anybody have a message that was not delivered in time."""
        self._change("UPDATE spool SET owner = '' WHERE row = ?", row)

    def has_others(self) -> bool:
        """Tell whether there are messages that somebody else owns, dead or alive, or nobody."""
        try:
            return bool(self._database.read("SELECT 1 FROM spool WHERE owner <> ? LIMIT 1", (self._owner,)))
        except StoreError as error:
            self._failed(error)
            return False

    def claim(self, limit: int) -> list[Spooled]:
        """Take at most *limit* messages whose owner is gone, the oldest first."""

        def take(connection: Connection) -> list[tuple[int, str, str | None, str, str]]:
            """Find who is gone and take over in one transaction, so nobody else does."""
            owners = connection.execute("SELECT DISTINCT owner FROM spool WHERE owner <> ?", (self._owner,))
            gone = [owner for (owner,) in owners.fetchall() if self._presence.is_gone(owner)]
            return connection.execute(_CLAIM, (self._owner, json.dumps(gone), limit)).fetchall()

        try:
            self._presence.show(self._owner)
            rows = self._database.write(take)
        except Exception as error:
            let_pass(error)
            self._failed(error)
            return []
        claimed = []
        for row, lane, mark, lease, text in sorted(rows):
            try:
                delivery = _read(text)
            except Exception as error:
                let_pass(error)
                self._notices.tell("spool_unreadable", "a message in the spool cannot be read: left out")
                self.done(row)
                continue
            claimed.append(Spooled(row=row, lane=lane, mark=mark, lease=lease, delivery=delivery))
        return claimed

    def close(self) -> None:
        """Close the file; what is left in it is for others."""
        self._database.close()
        self._presence.leave()

    # --- the disk ---

    def _change(self, statement: str, row: int) -> None:
        try:
            self._database.write(lambda connection: connection.execute(statement, (row,)))
        except StoreError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._notices.tell("spool", f"the spool failed: {error}; alerts are kept in memory only")


def _written(delivery: Delivery) -> str:
    alert = delivery.alert
    said = {name: getattr(alert, name) for name in Alert.__slots__}
    told = {name: getattr(delivery, name) for name in ("key", "service", "time_ns", "token", "kind")}
    return json.dumps({"alert": said, "repeats": asdict(delivery.repeats), **told})


def _read(text: str) -> Delivery:
    told = json.loads(text)
    return Delivery(
        alert=SafeAlert(Alert(**told["alert"])),
        key=told["key"],
        service=told["service"],
        time_ns=told["time_ns"],
        token=told["token"],
        kind=Kind(told["kind"]),
        repeats=Repeats(**told["repeats"]),
    )
