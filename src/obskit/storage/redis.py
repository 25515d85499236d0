"""
Reach a Redis or Valkey server: run scripts on it within a bounded time.

Trace store and dedupe do everything in scripts, since the server runs one without
anything in between: bounds hold among any number of processes, and each call is
one round trip. It knows nothing of what the scripts keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from ..errors import ConfigError, MissingExtra, StoreError
from ..interrupts import let_pass
from ..worker import restart_after_fork

#: Seconds for connecting, and again for an answer.
TIMEOUT: Final = 1.0

Argument: TypeAlias = str | bytes | int


class RedisConnection:
    """
    One server, or one cluster.

    Args:
        url_or_client: ``redis://``, ``rediss://`` (TLS) or ``unix://``, or a client of
            redis-py or valkey-py that is set up already; its timeouts are its owner's,
            and so is closing it.
        prefix: What the names of all keys begin with.
        what: The part of obskit that needs it.

    Raises:
        ConfigError: If *url_or_client* is anything else, of which the message shows nothing,
            or *prefix* is empty or has braces, which mean something to a cluster.
        MissingExtra: If the package redis is not installed.
    """

    def __init__(self, url_or_client: object, prefix: str = "obskit", *, what: str) -> None:
        if not prefix or set(prefix) & set("{}"):
            raise ConfigError(f"prefix must be text without braces, got {prefix!r}")
        self.prefix: Final = prefix
        self._url: Final = url_or_client if isinstance(url_or_client, str) else None
        self._what: Final = what
        self._client = _taken(url_or_client) if self._url is None else _open(self._url, what)
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Leave the client, in a forked child, to the parent: one of its threads may have locked it."""
        if self._url is not None:
            _ABANDONED.append(self._client)
            self._client = _open(self._url, self._what)

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """
        Run *script*, in Lua.

        Args:
            keys: All that it touches, as a cluster demands.

        Raises:
            StoreError: If there is no answer, or the answer is an error. It shows no argument.
        """
        import hashlib

        sha = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        try:
            try:
                return self._client.evalsha(sha, len(keys), *keys, *arguments)
            except Exception as error:
                let_pass(error)
                if type(error).__name__ != "NoScriptError":
                    raise
                return self._client.eval(script, len(keys), *keys, *arguments)
        except Exception as error:
            let_pass(error)
            raise StoreError(f"Redis {_fault(error)} ({type(error).__name__})") from None

    def close(self) -> None:
        """Disconnect, unless the client is somebody else's."""
        if self._url is not None:
            self._client.close()


#: Clients of the parent in its child; letting them go would wait for what is locked.
_ABANDONED: Final[list[Any]] = []


def _open(url: str, what: str) -> Any:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise MissingExtra(what, package="redis", extra="redis") from None
    try:
        # Without attempts of its own, since whoever calls has better things to do meanwhile.
        client = Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0)
        )
        # Connects to nothing, but an option in the URL that nobody knows shows itself.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except Exception:
        # What the client says may hold a piece of the password.
        raise ConfigError(
            "a Redis URL must be redis://[user:password@]host[:port][/database], rediss:// or unix://; "
            "write special characters of the password as %xx"
        ) from None
    return client


def _taken(client: Any) -> Any:
    """Check what else than a URL was given."""
    # The asynchronous clients have the same methods, but nobody would await them.
    if not callable(getattr(client, "evalsha", None)) or hasattr(client, "__aenter__"):
        raise ConfigError(
            "url_or_client must be a URL or a synchronous client of redis-py or valkey-py, "
            f"got {type(client).__name__}"
        )
    get_encoder = getattr(client, "get_encoder", None)
    if get_encoder is not None and get_encoder().decode_responses:
        raise ConfigError(
            "url_or_client must be a client without decode_responses=True: what is kept is bytes"
        )
    return client


def _fault(error: Exception) -> str:
    """Say what is wrong where its class does not, without a word of its own: it may hold what was sent."""
    # By name, since valkey-py has errors of its own under the same names.
    if type(error).__name__ in ("AskError", "MovedError"):
        return "is a cluster: give a RedisCluster in place of the URL"
    return "holds something else under our key" if "WRONGTYPE" in str(error) else "failed"
