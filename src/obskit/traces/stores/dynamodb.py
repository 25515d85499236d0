"""
Keep traces in DynamoDB, for functions on AWS Lambda and anything else in AWS.

One item is one trace, the steps of a running one in it. `storage.dynamodb` has the table:

    pk        <prefix>:traces                    sk  <place>, so in the order of start
    by_user   <user>:<place>                     by_trace  <trace id>:<place>
    doc       the trace                          steps  by slot, while it runs
    running   whether it has not ended           expires  when it is too old

    pk        <prefix>:alive                     sk  <process>
    until     ms since 1970 until which the process counts as alive

All traces lie under one partition key, so their order and their bounds are
consistent. Such a partition takes 1,000 writes a second, which is about 200 traces.
"""

from __future__ import annotations

import contextlib
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ...clock import SYSTEM_CLOCK, Clock
from ...storage.dynamodb import EXPIRES, ConditionFailed, DynamoDBTable, InTable, Item, ItemTooLarge
from ._bounds import Bounds
from ._places import Places, began_ns, first_after, key_of, process_of
from ._protocol import Change, Kept
from .buffered import BufferedTraceStore

#: An item may have 400 KB, keys and names included.
_MOST_BYTES: Final = 390_000
#: DynamoDB bills every begun kilobyte.
_WORTH_PACKING: Final = 1_000
_MOST_UNPACKED: Final = 16_000_000
_IS_THERE: Final = "attribute_exists(sk)"


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
        self._places = Places()

    def write(self, changes: Sequence[Change], /) -> int:
        new = [self._item(change) for change in changes if change.is_new]
        self._table.put_all(new)
        gone = sum(not self._write(change) for change in changes if not change.is_new)
        if new:
            self._delete(self._leaving())
        return gone

    def _write(self, change: Change) -> bool:
        """Write what is new of a trace; False where it has ended and is not there any more."""
        try:
            if change.is_final:
                self._table.put(self._item(change), _IS_THERE)
            else:
                self._update(change)
        except ConditionFailed:
            return not change.is_final
        return True

    def _update(self, change: Change) -> None:
        names, sets = {"#running": "running"}, ["#running = :running"]
        values: Item = {":running": {"BOOL": True}}
        if change.trace is not None:
            values[":doc"] = _packed(change.trace)
            sets.append("doc = :doc")
        for slot, step in change.steps.items():
            names[f"#{slot}"], values[f":{slot}"] = str(slot), _packed(step)
            sets.append(f"steps.#{slot} = :{slot}")
        # What has grown too large while it ran will be smaller when it has ended, packed as one.
        with contextlib.suppress(ItemTooLarge):
            self._table.call(
                "update_item",
                TableName=self._table.name,
                Key=self._key(self._places.of(change.entry)),
                UpdateExpression=f"SET {', '.join(sets)}",
                ConditionExpression=_IS_THERE,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )

    def recent(self, user: str | None, limit: int, skip: Collection[str], /) -> list[Kept]:
        begins, index = ("", None) if user is None else (f"{user}:", "by_user")
        found = self._table.query(
            self._traces, begins, index=index, limit=limit + len(skip), newest_first=True
        )
        return self._kept([item for item in found if key_of(_place(item)) not in skip][:limit])

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        found = self._table.query(self._traces, prefix, index="by_trace")
        newest = sorted(found, key=_place, reverse=True)
        return self._kept(newest[:limit])

    def forget(self, user: str, /) -> int:
        places = {*map(_place, self._table.query(self._traces, f"{user}:", index="by_user"))}
        self._delete(places)
        too_old = self._too_old()
        return sum(place >= too_old for place in places)

    def beat(self, process: str, /) -> None:
        until_ms = self._clock.time_ns() // 1_000_000 + int((self._bounds.lost_after or 0) * 1_000)
        expires = {"N": str(until_ms // 1_000 + 1)}
        self._table.put({**self._key_of_process(process), "until": {"N": str(until_ms)}, EXPIRES: expires})

    def close(self) -> None:
        self._table.close()

    # --- items ---

    def _key(self, place: str) -> Item:
        return {"pk": {"S": self._traces}, "sk": {"S": place}}

    def _key_of_process(self, process: str) -> Item:
        return {"pk": {"S": self._alive}, "sk": {"S": process}}

    def _item(self, change: Change) -> Item:
        """Write the whole of a trace, as far as it is known."""
        entry, place = change.entry, self._places.of(change.entry)
        steps = {str(slot): _packed(step) for slot, step in change.steps.items()}
        item = {
            **self._key(place),
            "by_user": {"S": f"{entry.user}:{place}"},
            "by_trace": {"S": f"{entry.trace_id}:{place}"},
            "running": {"BOOL": not change.is_final},
            "doc": _packed(change.trace or b""),
        }
        if sum(len(document["B"]) for document in (item["doc"], *steps.values())) > _MOST_BYTES:
            raise ItemTooLarge
        if not change.is_final:
            item["steps"] = {"M": steps}
        if self._bounds.ttl is not None:
            item[EXPIRES] = {"N": str(int(began_ns(place) / 1e9 + self._bounds.ttl) + 1)}
        return item

    def _delete(self, places: Iterable[str]) -> None:
        self._table.delete_all([self._key(place) for place in places])

    def _leaving(self) -> set[str]:
        """Return the places of what is one too many, or too old."""
        everything = self._table.query(self._traces, index="by_user")
        users = {_place(item): item["by_user"]["S"].partition(":")[0] for item in everything}
        return leaving(users, self._bounds, self._too_old())

    # --- reading ---

    def _kept(self, items: Sequence[Item]) -> list[Kept]:
        """Read the traces, newest first, of *items*, which may be keys alone, as an index gives them."""
        whole = {_place(item): item for item in items if "doc" in item}
        processes = {process_of(_place(item)) for item in items if _is_running(item)}
        keys = [self._key(_place(item)) for item in items if "doc" not in item]
        now_ms = self._clock.time_ns() // 1_000_000
        alive = set()
        for item in self._table.read([*keys, *map(self._key_of_process, processes)]):
            if "until" not in item:
                whole[_place(item)] = item
            elif int(item["until"]["N"]) >= now_ms:
                alive.add(_place(item))
        too_old = self._too_old()
        return [
            _document(item, alive) for place, item in sorted(whole.items(), reverse=True) if place >= too_old
        ]

    def _too_old(self) -> str:
        """Return what sorts after the places of all that is too old."""
        return first_after(self._bounds.horizon_ns(self._clock.time_ns()))


def leaving(users: Mapping[str, str], bounds: Bounds, too_old: str) -> set[str]:
    """
    Choose what gives way: writers that see different traces meanwhile agree in the end.

    Args:
        users: By place, whose trace it is.
        bounds: How many stay, the newest ones.
        too_old: What sorts after the places of all that is too old.
    """
    of_user: Counter[str] = Counter()
    staying: set[str] = set()
    for place, user in sorted(users.items(), reverse=True):
        if place >= too_old and of_user[user] < bounds.per_user and len(staying) < bounds.total:
            of_user[user] += 1
            staying.add(place)
    return users.keys() - staying


def _place(item: Item) -> str:
    place: str = item["sk"]["S"]
    return place


def _is_running(item: Item) -> bool:
    return bool(item.get("running", {}).get("BOOL"))


def _document(item: Item, alive: Collection[str]) -> Kept:
    place = _place(item)
    steps = item.get("steps", {}).get("M", {})
    is_lost = _is_running(item) and process_of(place) not in alive
    return Kept(key_of(place), _unpacked(item.get("doc", {})), [*map(_unpacked, steps.values())], is_lost)


def _packed(document: bytes) -> Item:
    """Write *document* as a value; the first byte tells whether it is JSON or packed."""
    return {"B": zlib.compress(document) if len(document) > _WORTH_PACKING else document}


def _unpacked(value: Item) -> bytes:
    """Read what `_packed` wrote, up to a size that no trace has."""
    document: bytes = value.get("B", b"")
    if document[:1] == b"{":
        return document
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj().decompress(document, _MOST_UNPACKED)
    return document
