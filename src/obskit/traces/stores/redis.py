"""
Keep traces in Redis or Valkey, for any number of machines.

Nothing here is told what a trace is: `BufferedTraceStore` hands over documents.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from ...clock import SYSTEM_CLOCK, Clock
from ...storage.redis import Argument, RedisConnection
from . import _redis_scripts as scripts
from ._bounds import Bounds
from ._places import Places, first_after, key_of
from ._protocol import Change, Kept
from .buffered import BufferedTraceStore


class RedisTraceStore(BufferedTraceStore):
    """
    Keeps traces in Redis 7 or Valkey, also those of other processes and machines.

    Args:
        url_or_client: ``redis://``, ``rediss://`` or ``unix://``, or a client of redis-py
            or valkey-py: for one server, a sentinel's master or a cluster.
        per_user: Traces kept of one user.
        total: Traces kept in all.
        ttl: Seconds from its start after which a trace is forgotten; None keeps it
            until others take its place.
        lost_after: Seconds without a sign of life after which the running traces of a
            process are shown as lost.
        prefix: What all keys begin with. Stores of the same prefix are one store.
        clock: The source of time.

    Raises:
        ConfigError: If a bound is not above 0, or *url_or_client* is none.
        MissingExtra: If the package redis is not installed.
    """

    def __init__(
        self,
        url_or_client: object,
        per_user: int = 100,
        total: int = 1_000,
        *,
        ttl: float | None = None,
        lost_after: float = 10.0,
        prefix: str = "obskit",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        bounds = Bounds(per_user, total, ttl, lost_after)
        connection = RedisConnection(url_or_client, prefix, what="the Redis trace store")
        super().__init__(_Redis(connection, bounds, clock), bounds, clock)


class _Redis:
    """The layout; see `_redis_scripts`."""

    name = "Redis"

    def __init__(self, connection: RedisConnection, bounds: Bounds, clock: Clock) -> None:
        self.beat_every: Final = bounds.beat_every
        self._connection: Final = connection
        # The braces keep the keys together in a cluster, where a script sees one node.
        self._keys: Final = [f"{{{connection.prefix}}}:traces:{part}" for part in ("index", "docs", "alive")]
        self._bounds: Final = bounds
        self._clock: Final = clock
        self._places = Places()

    def write(self, changes: Sequence[Change], /) -> int:
        bounds = self._bounds
        expires = "" if bounds.ttl is None else max(1, int(bounds.ttl * 1_000))
        arguments: list[Argument] = [bounds.per_user, bounds.total, self._oldest(), expires, len(changes)]
        for change in changes:
            entry = change.entry
            arguments += (self._places.of(entry), entry.user, entry.trace_id)
            arguments += (int(change.is_new), int(change.is_final), change.trace or b"", len(change.steps))
            for slot, step in change.steps.items():
                arguments += (slot, step)
        gone: int = self._connection.run(scripts.WRITE, self._keys, arguments)
        return gone

    def recent(self, user: str | None, limit: int, skip: Collection[str], /) -> list[Kept]:
        words = "a" if user is None else f"u:{user}"
        found = self._connection.run(scripts.RECENT, self._keys, [words, self._oldest(), limit, *skip])
        return [*map(_kept, found)]

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        found = self._connection.run(scripts.FIND, self._keys, [prefix, self._oldest(), limit])
        return [*map(_kept, found)]

    def forget(self, user: str, /) -> int:
        forgotten: int = self._connection.run(scripts.FORGET, self._keys, [user, self._oldest()])
        return forgotten

    def beat(self, process: str, /) -> None:
        self._connection.run(scripts.BEAT, self._keys, [process, int((self._bounds.lost_after or 0) * 1_000)])

    def close(self) -> None:
        self._connection.close()

    def _oldest(self) -> str:
        """Return what sorts before every place that is not too old."""
        return first_after(self._bounds.horizon_ns(self._clock.time_ns()))


def _kept(reply: Sequence[Any]) -> Kept:
    place, trace, is_lost, *steps = reply
    return Kept(key_of(place.decode()), trace, steps, bool(is_lost))
