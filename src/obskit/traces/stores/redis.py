"""
Keep traces in Redis or Valkey, for any number of machines.

Nothing here is told what a trace is: `BufferedTraceStore` hands over documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...clock import SYSTEM_CLOCK, Clock
from ...storage.redis import Argument, RedisConnection
from . import _redis_scripts as scripts
from ._bounds import Bounds
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

    def write(self, changes: Sequence[Change], /) -> int:
        bounds = self._bounds
        oldest = bounds.oldest_key(self._clock.time_ns())
        expires = "" if bounds.ttl is None else max(1, int(bounds.ttl * 1_000))
        arguments: list[Argument] = [bounds.per_user, bounds.total, oldest, expires]
        for change in changes:
            arguments += (change.key, change.user, change.trace_id)
            arguments += (int(change.is_new), int(change.is_final), change.document)
        gone: int = self._connection.run(scripts.WRITE, self._keys, arguments)
        return gone

    def recent(self, user: str | None, limit: int, /) -> list[Kept]:
        return self._kept(scripts.RECENT, "a" if user is None else f"u:{user}", limit)

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        return self._kept(scripts.FIND, prefix, limit)

    def _kept(self, script: str, *arguments: Argument) -> list[Kept]:
        found = self._connection.run(script, self._keys, arguments)
        return [Kept(key.decode(), document, bool(is_lost)) for key, document, is_lost in found]

    def forget(self, user: str, /) -> list[str]:
        return [key.decode() for key in self._connection.run(scripts.FORGET, self._keys, [user])]

    def beat(self, process: str, /) -> None:
        self._connection.run(scripts.BEAT, self._keys, [process, int((self._bounds.lost_after or 0) * 1_000)])

    def close(self) -> None:
        self._connection.close()
