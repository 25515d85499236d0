"""Machines that share a Redis or a table tell people once, and count everything."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.alerts import Alerter, Delivery, Kind
from obskit.alerts.dedupe import Dedupe, DynamoDBDedupe, Granted, Held, MemoryDedupe, RedisDedupe, _marks
from obskit.alerts.sinks import Callback
from obskit.alerts.window import NO_REPEATS, Repeats
from obskit.conformance import rules
from obskit.errors import ConfigError, StoreError
from obskit.ids import new_step_id
from obskit.testing import FakeClock, check_dedupe
from tests.alerts.messages import alert
from tests.databases import DYNAMODB, RedisServer, dynamodb_client, dynamodb_server, redis_server
from tests.programs import free_port
from tests.traces.stores.children import Child, forked

TABLE = "alerts"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests of this file."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module", params=DYNAMODB)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that speaks DynamoDB, with a table."""
    with dynamodb_server(request.param) as address:
        dedupe = DynamoDBDedupe(TABLE, dynamodb_client(address))
        dedupe.create_table()
        dedupe.close()
        yield address


def in_redis(server: RedisServer, clock: FakeClock | None = None) -> Callable[[], RedisDedupe]:
    """Make places that share their marks with nobody else."""
    prefix = new_step_id()
    return lambda: RedisDedupe(server.url, prefix=prefix, clock=clock)


def in_table(address: str, clock: FakeClock | None = None) -> Callable[[], DynamoDBDedupe]:
    """Make places that share their marks with nobody else."""
    prefix = new_step_id()
    return lambda: DynamoDBDedupe(TABLE, dynamodb_client(address), prefix=prefix, clock=clock)


def test_redis_keeps_the_rules(server: RedisServer) -> None:
    """Several objects, each with connections of its own, on one server."""
    clock = FakeClock()
    check_dedupe(in_redis(server, clock), wait=clock.advance)


# moto lets somebody else in between a condition and the write that it is for; dynalite does not.
@pytest.mark.parametrize("address", ["dynalite"], indirect=True)
@pytest.mark.slow
def test_a_table_keeps_the_rules(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several objects, each with connections of its own, on one table."""
    # It is slower than DynamoDB is.
    monkeypatch.setattr(_marks, "_PATIENCE", 30.0)
    monkeypatch.setattr(rules, "PATIENCE", 60.0)
    clock = FakeClock()
    check_dedupe(in_table(address, clock), wait=clock.advance)


KEYS = st.sampled_from(["one", "two"])
TOKENS = st.sampled_from(["a", "b"])
REPEATS = st.builds(Repeats, st.integers(1, 3), st.just(5), st.just(9))
SECONDS = st.sampled_from([0.5, 10.0])
STEPS = st.one_of(
    st.tuples(st.just("lease"), KEYS, TOKENS, SECONDS, REPEATS),
    st.tuples(st.just("renew"), KEYS, TOKENS, SECONDS),
    st.tuples(st.just("delivered"), KEYS, TOKENS, SECONDS),
    st.tuples(st.just("release"), KEYS, TOKENS),
    st.tuples(st.just("count"), KEYS, REPEATS),
    st.tuples(st.just("end"), KEYS),
)


@settings(max_examples=60)
@given(
    steps=st.lists(STEPS, max_size=20), pauses=st.lists(st.sampled_from([0.0, 1.0]), min_size=20, max_size=20)
)
def test_it_answers_what_the_memory_answers(
    server: RedisServer, steps: list[tuple[Any, ...]], pauses: list[float]
) -> None:
    """Whatever is done in whatever order."""
    clock = FakeClock()
    memory, redis = MemoryDedupe(clock=clock), in_redis(server, clock)()
    for (name, *arguments), pause in zip(steps, pauses, strict=False):
        assert getattr(redis, name)(*arguments) == getattr(memory, name)(*arguments)
        clock.advance(pause)
    redis.close()


def test_a_place_that_is_away_says_so(server: RedisServer, address: str) -> None:
    """Whoever asks then sends; the error shows no key and no password."""
    nowhere = f"127.0.0.1:{free_port()}"
    places: list[Dedupe] = [
        RedisDedupe(f"redis://:hunter2@{nowhere}"),
        DynamoDBDedupe("alerts", dynamodb_client(f"http://{nowhere}")),
        DynamoDBDedupe("another", dynamodb_client(address)),
    ]
    for place in places:
        with pytest.raises(StoreError) as caught:
            place.lease("hunter3", "a", 1.0, NO_REPEATS)
        assert "hunter" not in str(caught.value)
        place.close()


#: A mark that would never end.
FAR = "[1,1e999,null,[0,0,0],[0,0,0]]"


@pytest.mark.parametrize(
    "garbage", ["", "{}", "[1]", "[" * 100_000, '[1,2,"a",[1,2,3],[1,2]]', b"\xff", "9" * 5_000, FAR]
)
def test_what_is_no_mark_is_an_error(server: RedisServer, garbage: str | bytes) -> None:
    """Anybody may have written to the server; the alert is sent then."""
    prefix = new_step_id()
    server.client().set(f"{prefix}:alerts:key", garbage)
    with pytest.raises(StoreError, match="no mark"):
        RedisDedupe(server.url, prefix=prefix).lease("key", "a", 1.0, NO_REPEATS)


def test_another_item_is_an_error(address: str) -> None:
    """The same for a table."""
    prefix = new_step_id()
    item = {"pk": {"S": f"{prefix}:alerts:key"}, "sk": {"S": "mark"}}
    dynamodb_client(address).put_item(TableName=TABLE, Item=item)
    with pytest.raises(StoreError, match="no mark"):
        DynamoDBDedupe(TABLE, dynamodb_client(address), prefix=prefix).lease("key", "a", 1.0, NO_REPEATS)


def test_a_clock_that_was_set_back_makes_no_silence(server: RedisServer) -> None:
    """A mark from the future holds nobody up; one of a machine whose clock is a little ahead does."""
    prefix = new_step_id()
    ahead = RedisDedupe(server.url, prefix=prefix, clock=FakeClock(1_700_003_600))
    ahead.count("key", Repeats(3, 1000, 2000))
    ahead.lease("key", "a", 60.0, NO_REPEATS)
    behind = RedisDedupe(server.url, prefix=prefix, clock=FakeClock(1_700_003_590))
    assert isinstance(behind.lease("key", "b", 60.0, NO_REPEATS), Held)
    back = RedisDedupe(server.url, prefix=prefix, clock=FakeClock(1_700_000_000))
    assert back.lease("key", "b", 60.0, NO_REPEATS) == Granted(Repeats(3, 1000, 2000))


def test_a_mark_goes_a_week_after_it_was_changed(server: RedisServer, address: str) -> None:
    """The servers see to it themselves."""
    prefix = new_step_id()
    RedisDedupe(server.url, prefix=prefix).count("key", Repeats(1, 1000, 1000))
    assert 0 < server.client().pttl(f"{prefix}:alerts:key") <= 7 * 24 * 3600 * 1000
    clock = FakeClock(1_700_000_000)
    in_table(address, clock)().count("key", Repeats(1, 1000, 1000))
    items = dynamodb_client(address).scan(TableName=TABLE)["Items"]
    assert str(1_700_000_000 + 7 * 24 * 3600) in {item.get("expires", {}).get("N") for item in items}


def test_one_who_is_never_fast_enough_gives_up(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others change the mark between every read and write; after a while it is an error."""
    monkeypatch.setattr(_marks, "_PATIENCE", 0.2)
    monkeypatch.setattr(_marks, "jitter", lambda _: 30.0)
    began = time.monotonic()
    first, second = in_redis(server)(), None

    class Slow(RedisDedupe):
        def _read(self, key: str) -> str | None:
            found = super()._read(key)
            first.count(key, Repeats(1, 1000, 1000))
            return found

    second = Slow(server.url, prefix=first._connection.prefix)
    with pytest.raises(StoreError, match="others have changed"):
        second.count("key", Repeats(1, 1000, 1000))
    assert time.monotonic() - began < 15


def test_a_prefix_that_is_none_is_refused(server: RedisServer) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match="prefix"):
        RedisDedupe(server.url, prefix="")
    with pytest.raises(ConfigError, match="prefix"):
        DynamoDBDedupe(TABLE, dynamodb_client("http://localhost:1"), prefix="")


# --- many processes ---


def tell_people(url: str, prefix: str, child: Child) -> None:
    """Send the same alert 500 times; tells how many messages went out, and whether all adds up."""
    told: list[Delivery] = []
    alerter = Alerter([Callback(told.append)], dedupe=RedisDedupe(url, prefix=prefix))
    receipts = [alerter.send(alert()) for _ in range(500)]
    assert alerter.flush(30)
    stats = alerter.stats()
    assert stats["sent"] == stats["delivered"] + stats["duplicate"] == len(receipts)
    alerter.close()
    child.tell(sum(delivery.kind is Kind.FIRING for delivery in told))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the processes")
def test_eight_processes_send_one_message_and_count_the_rest(server: RedisServer) -> None:
    """500 alerts each are one message, and 3,999 repeats for the next one."""
    prefix = new_step_id()
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(forked(tell_people, server.url, prefix)) for _ in range(8)]
        assert [child.exit_code() for child in children] == [0] * 8
        assert sum(child.told()[0] for child in children) == 1
    (key,) = server.client().scan_iter(f"{prefix}:*")
    _, _, token, carried, repeats = json.loads(server.client().get(key))
    assert (token, carried[0], repeats[0]) == (None, 0, 8 * 500 - 1)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the processes")
def test_without_the_server_each_process_sends_one(tmp_path: Path) -> None:
    """Two messages are better than none."""
    with redis_server(tmp_path) as own:
        own.kill()
        with contextlib.ExitStack() as stack:
            children = [stack.enter_context(forked(tell_people, own.url, "obskit")) for _ in range(8)]
            assert [child.exit_code() for child in children] == [0] * 8
            assert [child.told() for child in children] == [[1]] * 8
