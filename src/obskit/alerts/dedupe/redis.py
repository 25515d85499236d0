"""Remember which failures people know about in Redis or Valkey, for any number of machines."""

from __future__ import annotations

from typing import Final

from ...clock import Clock
from ...errors import StoreError
from ...storage.redis import Argument, RedisConnection
from ._marks import KEPT, SharedDedupe

_READ: Final = "return redis.call('GET', KEYS[1])"
#: Arguments: what must be there, what is to take its place ('' for nothing, in both), ms until it goes.
_EXCHANGE: Final = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
"""


class RedisDedupe(SharedDedupe):
    """
    Keeps the marks in Redis 7 or Valkey; they outlive the processes.

    Args:
        url_or_client: As `obskit.traces.stores.RedisTraceStore` takes it.
        prefix: What all keys begin with; programs of the same prefix share their marks.
        clock: Its wall clock counts; those of all machines should agree to some seconds.

    Raises:
        ConfigError: If *url_or_client* is none, or *prefix* is empty or has braces.
        MissingExtra: If the package redis is not installed.
    """

    def __init__(self, url_or_client: object, *, prefix: str = "obskit", clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._connection: Final = RedisConnection(url_or_client, prefix, what="RedisDedupe")

    def close(self) -> None:
        """Disconnect; idempotent, and a later call connects again."""
        self._connection.close()

    def _read(self, key: str) -> str | None:
        found: bytes | None = self._connection.run(_READ, [self._key(key)])
        try:
            return None if found is None else found.decode()
        except UnicodeDecodeError:
            raise StoreError("what is kept there is no mark") from None

    def _exchange(self, key: str, before: str | None, after: str | None) -> bool:
        arguments: list[Argument] = [before or "", after or "", KEPT * 1_000]
        return bool(self._connection.run(_EXCHANGE, [self._key(key)], arguments))

    def _key(self, key: str) -> str:
        return f"{self._connection.prefix}:alerts:{key}"
