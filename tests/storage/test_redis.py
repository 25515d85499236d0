"""A connection to Redis asks once, within a bounded time, and says in few words what is wrong."""

from __future__ import annotations

import os
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from obskit.errors import ConfigError, MissingExtra, StoreError
from obskit.storage.redis import RedisConnection
from tests.databases import RedisServer, redis_server
from tests.programs import free_port
from tests.traces.stores.children import Child, forked

redis = pytest.importorskip("redis")

ECHO = "return ARGV[1]"
WRITE = "return redis.call('HSET', KEYS[1], 'field', ARGV[1])"


def connect(url_or_client: object) -> RedisConnection:
    """Connect for nothing in particular."""
    return RedisConnection(url_or_client, what="the test")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that all tests of this file may write to."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


def test_a_script_runs_also_when_the_server_has_not_seen_it(server: RedisServer) -> None:
    """The server is told the text only where it does not know it, also after a restart."""
    connection = connect(server.url)
    for _ in range(2):
        server.client().script_flush()
        assert [connection.run(ECHO, [], [word]) for word in (b"one", "two")] == [b"one", b"two"]
    connection.close()


def test_a_client_of_ones_own_is_used_and_left_open(server: RedisServer) -> None:
    """Who hands in a client keeps it."""
    client = server.client()
    connection = connect(client)
    connection.close()
    assert connection.run(ECHO, [], ["still here"]) == b"still here"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_forked_while_another_thread_asks_is_not_held_up(server: RedisServer) -> None:
    """It has a client of its own: nobody in it would ever open what that thread has locked."""
    connection = connect(server.url)
    assert connection.run(ECHO, [], [1]) == b"1"

    def run(_: Child) -> None:
        assert connection.run(ECHO, [], [2]) == b"2"

    connection.start_anew()  # what forking does; a trace function sees nothing of that
    with connection._client.connection_pool._lock, forked(run) as child:
        assert child.exit_code() == 0
    assert connection.run(ECHO, [], [3]) == b"3"
    connection.close()


def test_a_client_of_ones_own_is_kept_after_a_fork(server: RedisServer) -> None:
    """Only its owner knows how to make another."""
    connection = connect(server.client())
    connection.start_anew()
    assert connection.run(ECHO, [], [1]) == b"1"


WRONG_URLS = [
    "http://:hunter2@localhost/0",
    "redis://:hunter2@localhost:hunter2/0",
    "redis://ada:hunter#2@localhost:6379/0",
    "redis://:hunter2@localhost/0?db=hunter2",
    "redis://:hunter2@localhost/0?hunter2=1",
    "redis://:hunter2@[::1/0",
    "",
]


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_url_is_refused_without_showing_it(url: str) -> None:
    """The error says what a URL looks like, and nothing of the password in this one."""
    with pytest.raises(ConfigError, match="must be redis://") as caught:
        connect(url)
    assert "hunter" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("wrong", [None, 6379, object(), redis.asyncio.Redis()])
def test_what_is_neither_a_url_nor_a_client_is_refused(wrong: object) -> None:
    """An asynchronous client would give promises that nobody waits for."""
    with pytest.raises(ConfigError, match=f"got {type(wrong).__name__}"):
        connect(wrong)


def test_a_client_that_decodes_is_refused() -> None:
    """What is kept need not be text."""
    with pytest.raises(ConfigError, match="decode_responses"):
        connect(redis.Redis(decode_responses=True))


def test_a_missing_package_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a URL but no client learns what to install."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtra, match=r"the test needs the package redis.*obskeeper\[redis\]"):
        connect("redis://localhost")


def failing(connection: RedisConnection, script: str = ECHO) -> str:
    """Return what the error says."""
    with pytest.raises(StoreError) as caught:
        connection.run(script, ["obskit:test"], ["hunter2"])
    assert "hunter" not in str(caught.value)
    assert caught.value.__suppress_context__
    connection.close()
    return str(caught.value)


def test_a_server_that_is_not_there() -> None:
    """Nobody listens."""
    assert failing(connect(f"redis://:hunter2@127.0.0.1:{free_port()}")).startswith(
        "Redis failed (ConnectionError)"
    )


def test_a_server_that_hangs(tmp_path: Path) -> None:
    """A server that is held up holds up nobody for long."""
    with redis_server(tmp_path) as server:
        connection = connect(server.url)
        connection.run(ECHO, [], [""])
        with server.held_up():
            began = time.monotonic()
            assert failing(connection) == "Redis failed (TimeoutError)"
            assert time.monotonic() - began < 10


def test_a_wrong_password(tmp_path: Path) -> None:
    """Neither the right nor the wrong password is in the error."""
    with redis_server(tmp_path, "--requirepass", "hunter1") as server:
        wrong = server.url.replace("//", "//:hunter2@")
        assert failing(connect(wrong)).startswith("Redis failed (Authentication")
        assert failing(connect(server.url)).startswith("Redis failed (Authentication")
        assert connect(wrong.replace("hunter2", "hunter1")).run(ECHO, [], [""]) == b""


def test_a_user_who_may_not(server: RedisServer) -> None:
    """The access list of the server is named."""
    server.client().acl_setuser(
        "reader", enabled=True, nopass=True, keys=["*"], commands=["+ping", "+client"]
    )
    reader = server.url.replace("//", "//reader:x@")
    assert failing(connect(reader)) == "Redis failed (NoPermissionError)"


def test_a_server_out_of_memory(server: RedisServer) -> None:
    """A server that takes nothing more."""
    server.client().config_set("maxmemory", "1")
    try:
        assert failing(connect(server.url), WRITE).startswith("Redis failed (OutOfMemoryError)")
    finally:
        server.client().config_set("maxmemory", "0")


def test_a_replica(server: RedisServer, tmp_path: Path) -> None:
    """A server that only repeats what another one has."""
    with redis_server(tmp_path, "--replicaof", "127.0.0.1", str(server.port)) as replica:
        assert failing(connect(replica.url), WRITE).startswith("Redis failed (ReadOnlyError)")


def test_something_else_under_our_key(server: RedisServer) -> None:
    """Somebody uses the same names."""
    server.client().set("obskit:test", "something")
    assert failing(connect(server.url), WRITE).startswith("Redis holds something else under our key")


class Answering(socketserver.StreamRequestHandler):
    """Speaks the protocol as far as needed and answers each script with the same words."""

    answer = b""

    def handle(self) -> None:
        """Answer commands until the client has enough."""
        while header := self.rfile.readline():
            words = []
            for _ in range(int(header[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2])
            if words[0].upper() == b"CLIENT":
                self.wfile.write(b"+OK\r\n")
            else:
                self.wfile.write(self.answer)
                if not self.answer.endswith(b"\r\n"):
                    return


ANSWERS = {
    b"-LOADING Redis is loading the dataset in memory\r\n": "BusyLoadingError",
    b"-MASTERDOWN Link with MASTER is down\r\n": "MasterDownError",
    b"-CLUSTERDOWN The cluster is down\r\n": "ClusterDownError",
    b"-MOVED 3999 127.0.0.1:6381\r\n": "is a cluster",
    b"-BUSY Redis is busy running a script\r\n": "failed",
    b"-hunter2\r\n": "failed",
    b"$100\r\nhalf an ans": "ConnectionError",
    b"hunter2\r\n": "failed",
    b"": "ConnectionError",
}


@pytest.mark.parametrize(("answer", "fault"), ANSWERS.items())
def test_every_other_answer(answer: bytes, fault: str) -> None:
    """Whatever comes back, also what is no answer, becomes one error that repeats nothing of it."""
    handler: Any = type("Handler", (Answering,), {"answer": answer})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as fake:
        fake.daemon_threads = True
        threading.Thread(target=fake.serve_forever, args=[0.01], daemon=True).start()
        assert fault in failing(connect(f"redis://127.0.0.1:{fake.server_address[1]}?protocol=2"))
        fake.shutdown()
