"""
Keep traces in DynamoDB, for functions on AWS Lambda and anything else in AWS.

One item is one trace. `storage.dynamodb` has the table:

    pk        <prefix>:traces                    sk  <key>, so in the order of start
    by_user   <user>:<key>                       by_trace  <trace id>:<key>
    doc       the trace                          running   whether it has not ended
    expires   when it is too old

    pk        <prefix>:alive                     sk  <process>
    until     ms since 1970 until which the process counts as alive

All traces lie under one partition key, so their order and their bounds are
consistent. Such a partition takes 1,000 writes a second, which is about 200 traces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ...clock import SYSTEM_CLOCK, Clock
from ...storage.dynamodb import EXPIRES, ConditionFailed, DynamoDBTable, InTable, Item
from ._bounds import Bounds
from ._protocol import Change, Kept, began_ns, process_of
from .buffered import BufferedTraceStore

#: An item may have 400 KB, keys and names included.
_MOST_BYTES: Final = 390_000


class DynamoDBTraceStore(InTable, BufferedTraceStore):
    """
    Keeps traces in a table of DynamoDB, also those of other processes and machines.

    Args:
        table: Name of the table; `create_table` makes it.
        client: ``boto3.client("dynamodb")``; None makes one, with region, credentials and
            address as boto3 finds them.
        per_user: Traces kept of one user.
        total: Traces kept in all.
        ttl: Seconds from its start after which a trace is forgotten; None keeps it
            until others take its place.
        lost_after: Seconds without a sign of life after which the running traces of a
            process are shown as lost.
        prefix: Separates stores in one table.
        clock: The source of time.

    Raises:
        ConfigError: If a bound is not above 0, *client* is none, or boto3 finds no region.
        MissingExtra: If the package boto3 is not installed.
    """

    def __init__(
        self,
        table: str,
        client: Any = None,
        per_user: int = 100,
        total: int = 1_000,
        *,
        ttl: float | None = None,
        lost_after: float = 30.0,
        prefix: str = "obskit",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        bounds = Bounds(per_user, total, ttl, lost_after)
        self._table = DynamoDBTable(table, client, prefix, what="the DynamoDB trace store")
        super().__init__(_DynamoDB(self._table, bounds, clock), bounds, clock)


class _DynamoDB:
    """The layout that the head of this module shows."""

    name = "DynamoDB"

    def __init__(self, table: DynamoDBTable, bounds: Bounds, clock: Clock) -> None:
        self.beat_every: Final = bounds.beat_every
        self._table: Final = table
        self._traces: Final = f"{table.prefix}:traces"
        self._alive: Final = f"{table.prefix}:alive"
        self._bounds: Final = bounds
        self._clock: Final = clock

    def write(self, changes: Sequence[Change], /) -> int:
        new = [self._item(change) for change in changes if change.is_new]
        self._table.put_all(new)
        late = 0
        for change in changes:
            if not change.is_new:
                try:
                    self._table.put(self._item(change), "attribute_exists(sk)")
                except ConditionFailed:
                    late += change.is_final
        if new:
            self._delete(self._leaving())
        return late

    def recent(self, user: str | None, limit: int, /) -> list[Kept]:
        begins, index = ("", None) if user is None else (f"{user}:", "by_user")
        return self._kept(
            self._table.query(self._traces, begins, index=index, limit=limit, newest_first=True)
        )

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        found = self._table.query(self._traces, prefix, index="by_trace")
        return self._kept(sorted(found, key=_key, reverse=True)[:limit])

    def forget(self, user: str, /) -> set[str]:
        keys = {*map(_key, self._table.query(self._traces, f"{user}:", index="by_user"))}
        self._delete(keys)
        return keys

    def beat(self, process: str, /) -> None:
        until_ms = self._now_ms() + int((self._bounds.lost_after or 0) * 1_000)
        expires = {"N": str(until_ms // 1_000 + 1)}
        self._table.put({**_name(self._alive, process), "until": {"N": str(until_ms)}, EXPIRES: expires})

    def close(self) -> None:
        self._table.close()

    def _item(self, change: Change) -> Item:
        item = {
            **_name(self._traces, change.key),
            "by_user": {"S": f"{change.user}:{change.key}"},
            "by_trace": {"S": f"{change.trace_id}:{change.key}"},
            "running": {"BOOL": not change.is_final},
            "doc": {"B": change.document},
        }
        if len(change.document) > _MOST_BYTES:
            raise ValueError("no item can hold this")
        if self._bounds.ttl is not None:
            item[EXPIRES] = {"N": str(int(began_ns(change.key) / 1e9 + self._bounds.ttl) + 1)}
        return item

    def _delete(self, keys: Iterable[str]) -> None:
        self._table.delete_all([_name(self._traces, key) for key in keys])

    def _leaving(self) -> set[str]:
        """Return the keys of what is one too many, or too old."""
        everything = self._table.query(self._traces, index="by_user")
        users = {_key(item): item["by_user"]["S"].partition(":")[0] for item in everything}
        return leaving(users, self._bounds, self._bounds.oldest_key(self._clock.time_ns()))

    def _kept(self, items: Sequence[Item]) -> list[Kept]:
        """Read the traces of *items*, which may be names alone, as an index gives them."""
        whole = [item for item in items if "doc" in item]
        names = [_name(self._traces, _key(item)) for item in items if "doc" not in item]
        processes = {process_of(_key(item)) for item in items if _is_running(item)}
        alive = set()
        for item in self._table.read([*names, *(_name(self._alive, process) for process in processes)]):
            if "until" not in item:
                whole.append(item)
            elif int(item["until"]["N"]) >= self._now_ms():
                alive.add(_key(item))
        return [_document(item, alive) for item in whole]

    def _now_ms(self) -> int:
        return self._clock.time_ns() // 1_000_000


def leaving(users: Mapping[str, str], bounds: Bounds, oldest: str) -> set[str]:
    """
    Choose what gives way: writers that see different traces meanwhile agree in the end.

    Args:
        users: By key, whose trace it is.
        bounds: How many stay, the newest ones.
        oldest: What sorts before the keys of all that is not too old.
    """
    of_user: Counter[str] = Counter()
    staying: set[str] = set()
    for key, user in sorted(users.items(), reverse=True):
        if key >= oldest and of_user[user] < bounds.per_user and len(staying) < bounds.total:
            of_user[user] += 1
            staying.add(key)
    return users.keys() - staying


def _name(pk: str, sk: str) -> Item:
    """Name an item, as requests do."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _key(item: Item) -> str:
    key: str = item["sk"]["S"]
    return key


def _is_running(item: Item) -> bool:
    return bool(item.get("running", {}).get("BOOL"))


def _document(item: Item, alive: Collection[str]) -> Kept:
    key = _key(item)
    is_lost = _is_running(item) and process_of(key) not in alive
    return Kept(key, item.get("doc", {}).get("B", b""), is_lost)
