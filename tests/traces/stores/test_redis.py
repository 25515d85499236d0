"""Traces in Redis: bounded among any number of writers, readable from anywhere, and never in the way."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import multiprocessing
import os
import re
import shutil
import signal
import statistics
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import obskit
from obskit.alerts.dedupe import RedisDedupe
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, StoreError
from obskit.storage.redis import RedisConnection
from obskit.testing import FakeClock, check_trace_store
from obskit.traces import ExecutionTrace
from obskit.traces.stores import RedisTraceStore, TraceStore
from tests.databases import RedisServer, redis_server
from tests.programs import environment, free_port
from tests.traces.stores.children import Child, forked
from tests.traces.stores.machine import TraceStoreMachine
from tests.traces.stores.recording import commands, finish, record, recording, until

redis = pytest.importorskip("redis")

PAGE = Path(__file__).parents[3] / "docs/how-to/share-traces-and-alerts-between-machines.md"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the tests that change nothing about it."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(shared: RedisServer) -> RedisServer:
    """The same, empty."""
    shared.client().flushall()
    return shared


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that a test may break."""
    with redis_server(tmp_path) as server:
        yield server


# --- what every store does ---


def test_it_keeps_the_rules_of_a_store(server: RedisServer) -> None:
    """Every rule of `TraceStore` holds."""
    check_trace_store(lambda: RedisTraceStore(server.url, per_user=20, total=30), per_user=20, total=30)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valkey-server") is None, reason="valkey-server is not installed")
def test_valkey_keeps_the_rules_of_a_store(tmp_path: Path) -> None:
    """Every rule of `TraceStore` holds there as well."""
    with redis_server(tmp_path, name="valkey-server") as server:
        check_trace_store(lambda: RedisTraceStore(server.url, per_user=20, total=30), per_user=20, total=30)


@pytest.mark.slow
def test_a_client_of_valkey_serves_as_well(own: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors have other classes, of the same names."""
    (packages,) = environment("valkey", "valkey==6.2.0").glob("lib/python*/site-packages")
    monkeypatch.syspath_prepend(packages)
    client = importlib.import_module("valkey").Valkey(port=own.port)
    with recording(RedisTraceStore(client)) as store:
        record()
        finish(store)
        assert commands(store.recent("ada")) == ["/diagnose"]
        assert store.forget("ada") == 1
        own.kill()
        with pytest.raises(StoreError, match="ConnectionError"):
            RedisConnection(client, what="the test").run("return 1", [])
    client.close()


class RedisMachine(TraceStoreMachine):
    """The store in a server."""

    server: RedisServer

    def make_store(self) -> TraceStore:
        """Make an empty store."""
        self.server.client().flushall()
        return RedisTraceStore(
            self.server.url, self.PER_USER, self.TOTAL, ttl=self.TTL, lost_after=1e6, clock=self.clock
        )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_holds_what_the_model_holds(own: RedisServer) -> None:
    """Whatever is done in whatever order, the store and a plain list agree."""
    machine = type("Machine", (RedisMachine,), {"server": own})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=20, stateful_step_count=20, deadline=None)
    )


# --- what is kept, and where ---


def test_another_process_reads_what_was_recorded(server: RedisServer) -> None:
    """Every way to read finds a trace of somebody else, finished or running."""
    other = RedisTraceStore(server.url)
    with recording(RedisTraceStore(server.url)) as store:
        trace_id = record()
        with obskit.trace("/deploy", user_id="bob") as running, obskit.step("Build"):
            finish(store)
            (found,) = other.recent("bob")
            assert (found.status, [step.status for step in found.steps]) == ("running", ["running"])
        finish(store)
        last = other.last("ada")
        assert last is not None
        assert (last.trace_id, last.status, last.steps[0].details) == (trace_id, "ok", {"at": "logs"})
        assert commands(other.recent()) == ["/deploy", "/diagnose"]
        assert commands(other.find(trace_id[:8])) == ["/diagnose"]
        assert other.get(running.trace_id) is not None
    other.close()


def test_nobody_reads_of_a_user_who_was_forgotten(server: RedisServer) -> None:
    """Not a byte of a user is left in Redis, not even of a trace that still runs."""
    with recording(RedisTraceStore(server.url)) as store:
        record(user_id="ada-lovelace")
        record(user_id="bob")
        with obskit.trace("/secret-plan", user_id="ada-lovelace"):
            assert store.forget("ada-lovelace") == 2
        finish(store)
        assert commands(store.recent()) == ["/diagnose"]
        assert store.stats()["dropped"] == 1
    kept = b"".join(server.client().dump(key) for key in server.client().scan_iter())
    hashed = obskit.traces.users.user_key("ada-lovelace").encode()
    assert not any(piece in kept for piece in (b"lovelace", b"secret-plan", hashed))


def test_the_newest_stay(server: RedisServer) -> None:
    """Bounds are for a user and for all."""
    with recording(RedisTraceStore(server.url, per_user=2, total=3)) as store:
        for command, user_id in (("/1", "ada"), ("/2", "ada"), ("/3", "ada"), ("/4", "bob"), ("/5", "eve")):
            record(command, user_id=user_id)
            finish(store)
        assert commands(store.recent()) == ["/5", "/4", "/3"]
        assert commands(store.recent("ada")) == ["/3"]
        stats = store.stats()
        assert (stats["made"], stats["written"], stats["dropped"]) == (5, 5, 0)


def test_a_trace_that_ends_after_it_gave_way_is_counted(server: RedisServer) -> None:
    """An end without a beginning is no error."""
    with recording(RedisTraceStore(server.url, per_user=1)) as store:
        with obskit.trace("/long", user_id="ada"):
            finish(store)
            with obskit.trace("/short", user_id="ada"):
                finish(store)
        finish(store)
        assert commands(store.recent()) == ["/short"]
        assert store.stats()["dropped_late"] == 1


def test_old_traces_expire(server: RedisServer) -> None:
    """Past its time a trace is gone from every read, with the next write from Redis, at last by itself."""
    clock = FakeClock()
    with recording(RedisTraceStore(server.url, ttl=60, clock=clock)) as store:
        trace_id = record("/old")
        finish(store)
        clock.advance(61)
        assert (store.last("ada"), store.get(trace_id), store.recent()) == (None, None, [])
        client = server.client()
        assert 0 < client.pttl("{obskit}:traces:docs") <= 60_000
        assert 0 < client.pttl("{obskit}:traces:index") <= 60_000
        record("/new", user_id="bob")
        finish(store)
        assert client.zcard("{obskit}:traces:index") == 3
        clock.advance(61)
        assert store.forget("bob") == 0
        assert client.zcard("{obskit}:traces:index") == 0


def test_stores_of_different_prefixes_know_nothing_of_each_other(server: RedisServer) -> None:
    """Two bots may share a server."""
    with recording(RedisTraceStore(server.url, prefix="one")) as store:
        record()
        finish(store)
    other = RedisTraceStore(server.url, prefix="two")
    assert other.recent() == []
    other.close()
    prefixes = {key.partition(b":")[0] for key in server.client().scan_iter()}
    assert prefixes == {b"{one}"}


def test_a_batch_and_a_read_are_one_round_trip_each(server: RedisServer) -> None:
    """The server counts the scripts; a sign of life comes before the first batch."""
    client = server.client()
    with recording(RedisTraceStore(server.url)) as store:
        record()
        finish(store)
        client.config_resetstat()
        with obskit.trace("/again", user_id="ada"):
            pass
        finish(store)
        store.last("ada")
        asked = {name: told["calls"] for name, told in client.info("commandstats").items()}
    # A trace may be written in two batches, at its start and at its end.
    assert 2 <= asked.pop("cmdstat_evalsha") <= 4
    assert "cmdstat_eval" not in asked
    assert "cmdstat_script|load" not in asked


@pytest.mark.slow
def test_the_last_trace_takes_the_same_time_whoever_else_is_there(server: RedisServer) -> None:
    """Ten thousand users do not make one of them wait."""
    with recording(RedisTraceStore(server.url, total=20_000)) as store:
        seconds = {}
        for users in (10, 10_000):
            for number in range(users):
                record(user_id=f"user {number}")
                if number % 200 == 0:
                    finish(store)
            finish(store)
            timed = []
            for _ in range(200):
                began = time.perf_counter()
                assert store.last("user 7") is not None
                timed.append(time.perf_counter() - began)
            seconds[users] = min(timed)
    assert seconds[10_000] < 3 * seconds[10]


def test_a_cluster_keeps_a_store_on_one_of_its_nodes(tmp_path: Path) -> None:
    """All keys of a store are in one slot, so its scripts run in a cluster."""
    bus = str(free_port())  # by default 10,000 above the other, which may be too high
    with redis_server(tmp_path, "--cluster-enabled", "yes", "--cluster-port", bus) as node:
        node.client().execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until(lambda: "cluster_state:ok" in str(node.client().execute_command("CLUSTER", "INFO")))
        client = redis.RedisCluster(host="127.0.0.1", port=node.port)
        with recording(RedisTraceStore(client)) as store:
            record()
            finish(store)
            assert commands(store.recent("ada")) == ["/diagnose"]
            assert store.forget("ada") == 1
        client.close()


def test_a_user_with_the_documented_rights_can_do_everything(server: RedisServer) -> None:
    """The line in the documentation is enough for traces and alerts."""
    (line,) = re.findall(r"^user bot on >PASSWORD (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    server.client().execute_command("ACL", "SETUSER", "bot", "reset", "on", ">PASSWORD", *line.split())
    url = server.url.replace("//", "//bot:PASSWORD@")
    with recording(RedisTraceStore(url, per_user=1, ttl=60)) as store:
        with obskit.trace("/before", user_id="ada"):
            finish(store)
        record()
        assert (
            commands(store.recent("ada")) == commands(store.find(store.recent()[0].trace_id)) == ["/diagnose"]
        )
        assert store.forget("ada") == 1
        assert store.stats()["failures"] == 0
    dedupe = RedisDedupe(url)
    dedupe.count("key", Repeats(1, 1000, 1000))
    assert dedupe.end("key").count == 1
    dedupe.close()


def test_half_a_store_is_no_store(server: RedisServer) -> None:
    """A server short of memory may throw away one of our keys; what is left of the store goes as well."""
    client = server.client()
    for lost in ("{obskit}:traces:index", "{obskit}:traces:docs", "{obskit}:traces:alive"):
        with recording(RedisTraceStore(server.url, per_user=2)) as store:
            record("/before")
            with obskit.trace("/running", user_id="bob"):
                finish(store)
                client.delete(lost)
                assert isinstance(store.last("ada"), ExecutionTrace | None)
            for number in range(3):
                record(f"/{number}")
            finish(store)
            assert commands(store.recent("ada")) == ["/2", "/1"]
            client.hdel("{obskit}:traces:docs", *client.hkeys("{obskit}:traces:docs")[:-1])
            record("/after")
            finish(store)
            assert commands(store.recent("ada"))[0] == "/after"
            assert len(store.recent("ada")) <= 2
        client.flushall()


@pytest.mark.parametrize(
    "wrong",
    [{"per_user": 0}, {"total": -1}, {"ttl": 0}, {"lost_after": 0}, {"prefix": ""}, {"prefix": "a{b"}],
)
def test_a_setting_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        RedisTraceStore("redis://localhost", **wrong)


# --- when Redis is not well ---


def test_what_is_recorded_while_redis_is_away_arrives_when_it_is_back(own: RedisServer) -> None:
    """A killed server is asked again, later and later; nothing that memory holds is lost."""
    clock = FakeClock()
    with recording(RedisTraceStore(own.url, clock=clock)) as store:
        record("/before")
        finish(store)
        own.kill()
        record("/meanwhile")
        assert not store.flush(10)
        assert commands(store.recent()) == ["/meanwhile"]
        record("/also meanwhile")
        assert store.last("ada") is not None
        own.start()
        finish(store, clock)
        assert commands(store.recent()) == ["/also meanwhile", "/meanwhile", "/before"]
        stats = store.stats()
        assert (stats["made"], stats["written"], stats["dropped"]) == (3, 3, 0)


def test_a_server_that_hangs_holds_up_nobody(own: RedisServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Recording goes on at its pace, reads come from memory, and the trouble is told once."""
    with recording(RedisTraceStore(own.url)) as store:
        record("/before")
        finish(store)
        with own.held_up():
            took = []
            for _ in range(100):
                began = time.monotonic()
                record("/meanwhile")
                took.append(time.monotonic() - began)
            # Each would wait for a second; the machine may hold one up.
            assert sum(seconds > 0.5 for seconds in took) <= 1
            until(lambda: not store.flush(0.1) and store.stats()["failures"] > 0)
            assert commands(store.recent(limit=1)) == ["/meanwhile"]
        finish(store)
        assert store.stats()["written"] == 101
    assert capfd.readouterr().err.count("Redis is out of reach") == 1


@pytest.mark.parametrize(
    ("setting", "wrong", "right"), [("maxmemory", "1", "0"), ("requirepass", "hunter1", "hunter2")]
)
def test_a_server_that_refuses(
    own: RedisServer, capfd: pytest.CaptureFixture[str], setting: str, wrong: str, right: str
) -> None:
    """Traces wait in memory until the server takes them again; no password is told."""
    clock = FakeClock()
    admin = own.client()
    admin.config_set(setting, wrong)
    url = own.url if setting == "maxmemory" else own.url.replace("//", "//:hunter2@")
    with recording(RedisTraceStore(url, clock=clock)) as store:
        record()
        assert not store.flush(5)
        assert commands(store.recent()) == ["/diagnose"]
        assert "hunter" not in f"{store!r} {store.stats()}"
        admin.config_set(setting, right)
        finish(store, clock)
        assert store.stats()["written"] == 1
    assert "hunter" not in capfd.readouterr().err


def test_a_replica_takes_no_traces(server: RedisServer, tmp_path: Path) -> None:
    """After a failover the address may lead to a server that only reads."""
    with redis_server(tmp_path, "--replicaof", "127.0.0.1", str(server.port)) as replica:
        clock = FakeClock()
        with recording(RedisTraceStore(replica.url, clock=clock)) as store:
            record()
            assert not store.flush(5)
            assert commands(store.recent()) == ["/diagnose"]
            replica.client().replicaof("NO", "ONE")
            finish(store, clock)
            assert store.stats()["written"] == 1


def test_something_else_under_our_key(server: RedisServer, capfd: pytest.CaptureFixture[str]) -> None:
    """It is left alone, and told."""
    server.client().set("{obskit}:traces:index", "mine")
    with recording(RedisTraceStore(server.url)) as store:
        record()
        assert not store.flush(5)
        assert commands(store.recent()) == ["/diagnose"]
    assert server.client().get("{obskit}:traces:index") == b"mine"
    assert "holds something else under our key" in capfd.readouterr().err


def test_what_is_no_trace_is_passed_over(server: RedisServer) -> None:
    """Anybody may have written to the server."""
    with recording(RedisTraceStore(server.url)) as store:
        record("/good")
        record("/bad")
        finish(store)
        client = server.client()
        (place,) = (
            name for name, document in client.hgetall("{obskit}:traces:docs").items() if b'"/bad"' in document
        )
        for garbage in (b"", b"{}", b"\xff", b"[" * 100_000, b'{"trace_id":' + b"9" * 5_000 + b"}"):
            client.hset("{obskit}:traces:docs", place, garbage)
            assert commands(store.recent()) == ["/good"]


# --- many processes ---


def work(url: str, user_id: str, child: Child) -> None:
    """Record steps, and tell of each that Redis has it."""
    with recording(RedisTraceStore(url, lost_after=2)) as store, obskit.trace("/work", user_id=user_id):
        for number in range(100):
            with obskit.step(f"step {number}"):
                finish(store)
                child.tell(number)
        signal.pause()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_a_killed_process_loses_no_step_that_redis_has(server: RedisServer) -> None:
    """Killed at 100 points, each trace is shown as lost, with the step in which its process died."""
    told: dict[str, list[int]] = {}
    for number in range(100):
        user_id = f"user {number}"
        with forked(work, server.url, user_id) as child:
            child.wait_for(1)
            time.sleep(int.from_bytes(os.urandom(2), "big") / 2**16 * 0.05)
            child.kill()
            told[user_id] = child.told()
    time.sleep(2.5)
    reader = RedisTraceStore(server.url)
    for user_id, numbers in told.items():
        trace = reader.last(user_id)
        assert trace is not None
        assert trace.status == "lost"
        names = [step.name for step in trace.steps]
        assert names == [f"step {number}" for number in range(len(names))]
        assert len(names) > max(numbers)
        assert {step.status for step in trace.steps[:-1]} <= {"ok"}
        assert trace.steps[-1].status in ("lost", "ok")
    reader.close()


def write_for_a_while(url: str, number: int, all_are_there: Barrier, child: Child) -> None:
    """Record traces of users that others have as well for five seconds; tells how many."""
    with recording(RedisTraceStore(url, per_user=10, total=50)) as store:
        all_are_there.wait(60)
        ends = time.monotonic() + 5
        for count in itertools.count(1):
            record(user_id=f"user {(number + count) % 9}")
            finish(store)
            if time.monotonic() > ends:
                break
        stats = store.stats()
        # Others may push a trace out before it has ended.
        assert stats["written"] + stats["dropped_late"] == stats["made"] == count
        child.tell(count)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the writers")
def test_eight_writers_keep_the_bounds_and_none_starves(server: RedisServer) -> None:
    """Writers in eight processes get on with each other."""
    all_are_there = multiprocessing.get_context("fork").Barrier(8)
    with contextlib.ExitStack() as stack:
        children = [
            stack.enter_context(forked(write_for_a_while, server.url, number, all_are_there))
            for number in range(8)
        ]
        counts = [child.told()[-1] for child in children]
        assert [child.exit_code() for child in children] == [0] * 8
    reader = RedisTraceStore(server.url)
    assert len(reader.recent(limit=1_000)) == 50
    assert max(len(reader.recent(f"user {number}", limit=1_000)) for number in range(9)) <= 10
    assert server.client().zcard("{obskit}:traces:index") == 150
    assert server.client().hlen("{obskit}:traces:docs") == 50
    reader.close()
    assert min(counts) >= statistics.mean(counts) / 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_records_on_its_own(server: RedisServer) -> None:
    """Parent and child go on with the same store, each over a connection of its own."""

    def go_on(child: Child) -> None:
        record("/child")
        finish(obskit.get_trace_store())
        child.tell(1)

    with recording(RedisTraceStore(server.url)) as store:
        record("/parent")
        finish(store)
        with forked(go_on) as child:
            child.wait_for(1)
            record("/parent again")
            finish(store)
            assert child.exit_code() == 0
        assert sorted(commands(store.recent())) == ["/child", "/parent", "/parent again"]
