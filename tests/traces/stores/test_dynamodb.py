"""Traces in DynamoDB: the last command of a user, also when another Lambda environment asks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import obskit
from obskit.alerts.dedupe import DynamoDBDedupe
from obskit.alerts.window import Repeats
from obskit.conformance import rules
from obskit.errors import ConfigError
from obskit.ids import new_step_id
from obskit.storage.dynamodb import DEFINITION
from obskit.testing import FakeClock, check_trace_store
from obskit.traces import MemoryTraceStore
from obskit.traces.stores import Bounds, DynamoDBTraceStore, TraceStore, buffered
from obskit.traces.stores.dynamodb import leaving
from tests.databases import DYNAMODB, dynamodb_client, dynamodb_server
from tests.programs import free_port
from tests.traces.stores.children import Child, forked
from tests.traces.stores.machine import TraceStoreMachine, make_trace
from tests.traces.stores.recording import commands, finish, record, recording

pytest.importorskip("boto3")
yaml: Any = pytest.importorskip("yaml")

PAGE = Path(__file__).parents[3] / "docs/how-to/share-traces-and-alerts-between-machines.md"

TABLE = "obskit"


@pytest.fixture(scope="module", params=DYNAMODB)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that speaks DynamoDB, with a table."""
    with dynamodb_server(request.param) as address:
        store = DynamoDBTraceStore(TABLE, dynamodb_client(address))
        store.create_table()
        store.close()
        yield address


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-ins are slower than DynamoDB is, and machines that run tests are busy."""
    monkeypatch.setattr(rules, "PATIENCE", 60.0)
    monkeypatch.setattr(buffered, "_PATIENCE", 60.0)


@pytest.fixture
def make(address: str) -> Callable[..., DynamoDBTraceStore]:
    """Makes stores that share a place which no other test sees."""
    prefix = new_step_id()

    def make_store(client: Any = None, **options: Any) -> DynamoDBTraceStore:
        options = {"lost_after": 1e6, "prefix": prefix, **options}
        return DynamoDBTraceStore(TABLE, client or dynamodb_client(address), **options)

    return make_store


# --- what every store does ---


@pytest.mark.slow
def test_it_keeps_the_rules_of_a_store(make: Callable[..., DynamoDBTraceStore]) -> None:
    """Every rule of `TraceStore` holds."""
    check_trace_store(lambda: make(per_user=4, total=6), per_user=4, total=6)


class DynamoDBMachine(TraceStoreMachine):
    """The store in a table."""

    address: str

    def make_store(self) -> TraceStore:
        """Make an empty store."""
        return DynamoDBTraceStore(
            TABLE,
            dynamodb_client(self.address),
            self.PER_USER,
            self.TOTAL,
            ttl=self.TTL,
            lost_after=1e6,
            prefix=new_step_id(),
            clock=self.clock,
        )


# moto takes five times as long for the same.
@pytest.mark.parametrize("address", ["dynalite"], indirect=True)
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_holds_what_the_model_holds(address: str) -> None:
    """Whatever is done in whatever order, the store and a plain list agree."""
    machine = type("Machine", (DynamoDBMachine,), {"address": address})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=6, stateful_step_count=15, deadline=None)
    )


# --- what is kept, and where ---


def test_another_process_reads_what_was_recorded(make: Callable[..., DynamoDBTraceStore]) -> None:
    """Every way to read finds a trace of somebody else, finished or running."""
    other = make()
    with recording(make()) as store:
        trace_id = record()
        with obskit.trace("/deploy", user_id="bob") as running, obskit.step("Build"):
            finish(store)
            (found,) = other.recent("bob")
            assert (found.status, [step.status for step in found.steps]) == ("running", ["running"])
            running.add(more="x" * 1_500)
            with obskit.step("Test"):
                finish(store)
                (found,) = other.recent("bob")
                assert [step.name for step in found.steps] == ["Build", "Test"]
                assert found.attributes == {"more": "x" * 1_500}
        finish(store)
        last = other.last("ada")
        assert last is not None
        assert (last.trace_id, last.status, last.steps[0].details) == (trace_id, "ok", {"at": "logs"})
        assert commands(other.recent()) == ["/deploy", "/diagnose"]
        assert commands(other.find(trace_id[:8])) == ["/diagnose"]
        assert other.get(running.trace_id) is not None
    other.close()


def test_a_process_without_a_sign_of_life_is_gone(make: Callable[..., DynamoDBTraceStore]) -> None:
    """Its running traces are shown as lost, until it gives one."""
    clock, later = FakeClock(), FakeClock()
    later.advance(31)
    here, there = make(lost_after=30, clock=clock), make(lost_after=30, clock=later)
    here.started(make_trace(1, "ada", clock))
    finish(here)
    assert [trace.status for trace in there.recent("ada")] == ["lost"]
    here.close()
    there.close()


def test_nobody_reads_of_a_user_who_was_forgotten(
    address: str, make: Callable[..., DynamoDBTraceStore]
) -> None:
    """No item of a user is left, not even of a trace that still runs."""
    with recording(make()) as store:
        record(user_id="ada-lovelace")
        record(user_id="bob")
        with obskit.trace("/secret-plan", user_id="ada-lovelace"):
            assert store.forget("ada-lovelace") == 2
        finish(store)
        assert commands(store.recent()) == ["/diagnose"]
        assert store.stats()["dropped"] == 1
    assert "lovelace" not in str(dynamodb_client(address).scan(TableName=TABLE)["Items"])


def test_the_newest_stay(make: Callable[..., DynamoDBTraceStore]) -> None:
    """Bounds are for a user and for all."""
    with recording(make(per_user=2, total=3)) as store:
        for command, user_id in (("/1", "ada"), ("/2", "ada"), ("/3", "ada"), ("/4", "bob"), ("/5", "eve")):
            record(command, user_id=user_id)
            finish(store)
        assert commands(store.recent()) == ["/5", "/4", "/3"]
        assert commands(store.recent("ada")) == ["/3"]
        stats = store.stats()
        assert (stats["made"], stats["written"], stats["dropped"]) == (5, 5, 0)


def test_a_trace_that_ends_after_it_gave_way_is_counted(make: Callable[..., DynamoDBTraceStore]) -> None:
    """A condition keeps it from being written again; that is no error."""
    with recording(make(per_user=1)) as store:
        with obskit.trace("/long", user_id="ada"):
            finish(store)
            with obskit.trace("/short", user_id="ada"):
                finish(store)
            with obskit.step("Goes nowhere"):
                finish(store)
        finish(store)
        assert commands(store.recent()) == ["/short"]
        assert store.stats()["dropped_late"] == 1


def test_old_traces_expire(address: str, make: Callable[..., DynamoDBTraceStore]) -> None:
    """Past its time a trace is gone from every read; DynamoDB may delete it a little later."""
    clock = FakeClock()
    with recording(make(ttl=60, clock=clock)) as store:
        trace_id = record("/old", user_id="old-one")
        finish(store)
        (item,) = (
            item
            for item in dynamodb_client(address).scan(TableName=TABLE)["Items"]
            if item.get("by_trace", {}).get("S", "").startswith(trace_id)
        )
        assert 0 <= int(item["expires"]["N"]) - clock.time_ns() / 1e9 - 60 <= 1
        clock.advance(61)
        assert (store.last("old-one"), store.get(trace_id), store.recent()) == (None, None, [])
        new_id = record("/new", user_id="bob")
        finish(store)
        clock.advance(61)
        assert store.forget("bob") == 0
    left = str(dynamodb_client(address).scan(TableName=TABLE)["Items"])
    assert not any(gone in left for gone in (trace_id, new_id))


def test_no_read_scans(address: str, make: Callable[..., DynamoDBTraceStore]) -> None:
    """The last trace of a user and one of a known id are two requests, whoever else is there."""
    asked: Counter[str] = Counter()
    client = dynamodb_client(address)

    def count(model: Any, **_: object) -> None:
        asked[model.name] += 1

    client.meta.events.register("before-call.dynamodb", count)
    with recording(make()) as store:
        trace_id = record()
        record(user_id="bob")
        finish(store)
    reader = make(client)
    assert reader.last("ada") is not None
    assert asked == {"Query": 1, "BatchGetItem": 1}
    asked.clear()
    assert reader.get(trace_id) is not None
    assert asked == {"Query": 1, "BatchGetItem": 1}
    reader.close()


def test_the_documented_rights_are_enough(address: str, make: Callable[..., DynamoDBTraceStore]) -> None:
    """Traces and alerts make no request that the policy in the documentation does not allow."""
    (policy,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    allowed = set(json.loads(policy)["Statement"][0]["Action"])
    asked: set[str] = set()
    client = dynamodb_client(address)

    def note(model: Any, **_: object) -> None:
        asked.add(f"dynamodb:{model.name}")

    client.meta.events.register("before-call.dynamodb", note)
    with recording(make(client, per_user=1)) as store:
        record()
        with obskit.trace("/again", user_id="ada"):
            finish(store)
            with obskit.step("Look"):
                finish(store)
        assert store.recent("ada")
        store.forget("ada")
    dedupe = DynamoDBDedupe(TABLE, client, prefix=new_step_id())
    dedupe.count("key", Repeats(1, 1000, 1000))
    dedupe.end("key")
    assert asked == allowed


def test_the_documented_table_is_the_one_that_is_made() -> None:
    """Whoever makes it by CloudFormation or by hand gets the same."""
    page = PAGE.read_text("utf-8")
    template = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])
    properties = template["ObskitTable"]["Properties"]
    assert {name: properties[name] for name in DEFINITION} == DEFINITION
    for index in DEFINITION["LocalSecondaryIndexes"]:
        keys = ",".join(
            f"{{AttributeName={k['AttributeName']},KeyType={k['KeyType']}}}" for k in index["KeySchema"]
        )
        assert (
            f"IndexName={index['IndexName']},KeySchema=[{keys}],Projection={{ProjectionType=INCLUDE," in page
        )


def test_a_trace_that_no_item_can_hold_is_dropped_alone(make: Callable[..., DynamoDBTraceStore]) -> None:
    """Others in the same batch are kept."""
    clock = FakeClock()
    with recording(make()) as store:
        large, small = make_trace(1, "ada", clock), make_trace(2, "ada", clock)
        large.attributes = {"noise": os.urandom(420_000).decode("latin-1")}
        for trace in (large, small):
            store.started(trace)
        finish(store)
        assert [trace.trace_id for trace in store.recent("ada")] == [small.trace_id]
        assert store.stats()["dropped_error"] == 1


@given(
    users=st.lists(st.sampled_from(["ada", "bob", "eve"]), max_size=20),
    per_user=st.integers(1, 4),
    total=st.integers(1, 6),
    cut=st.integers(0, 20),
)
def test_what_stays_is_what_memory_would_keep(users: list[str], per_user: int, total: int, cut: int) -> None:
    """Traces that come in one go leave the same ones as if they came one by one, or in two goes."""
    memory = MemoryTraceStore(per_user, total)
    places = {f"{number:032x}": user for number, user in enumerate(users, 1)}
    for place, user in places.items():
        trace = make_trace(int(place, 16), user, FakeClock())
        memory.started(trace)
        memory.ended(trace)
    kept = {trace.trace_id for trace in memory.recent(limit=99)}
    assert places.keys() - leaving(places, Bounds(per_user, total), "") == kept
    first_gone = leaving(dict(list(places.items())[:cut]), Bounds(per_user, total), "")
    left = {place: user for place, user in places.items() if place not in first_gone}
    assert left.keys() - leaving(left, Bounds(per_user, total), "") == kept


@pytest.mark.parametrize(
    "wrong", [{"per_user": 0}, {"total": -1}, {"ttl": 0}, {"lost_after": 0}, {"prefix": ""}]
)
def test_a_setting_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    """The error names the setting."""
    client = dynamodb_client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DynamoDBTraceStore(TABLE, client, **wrong)


# --- when DynamoDB is not well ---


def test_what_is_recorded_while_the_table_is_away_arrives_when_it_is_back(
    address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A table that is not there yet is asked for again, later and later; the notice says what to do."""
    clock = FakeClock()
    with recording(DynamoDBTraceStore("not-there-yet", dynamodb_client(address), clock=clock)) as store:
        record("/early")
        assert not store.flush(10)
        assert commands(store.recent()) == ["/early"]
        assert isinstance(store, DynamoDBTraceStore)
        store.create_table()
        finish(store, clock)
        assert commands(store.recent()) == ["/early"]
        assert (store.stats()["written"], store.stats()["dropped"]) == (1, 0)
    assert capfd.readouterr().err.count("call create_table() once") == 1


def test_what_is_no_trace_is_passed_over(address: str, make: Callable[..., DynamoDBTraceStore]) -> None:
    """Anybody who may write to the table may have."""
    prefix = new_step_id()
    with recording(make(prefix=prefix)) as store:
        record("/good")
        finish(store)
        garbage: list[dict[str, Any]] = [{"doc": {"B": b"x\x9cgarbage"}}, {"doc": {"S": "text"}}, {}]
        for number, more in enumerate(garbage):
            place = {"pk": {"S": f"{prefix}:traces"}, "sk": {"S": f"{number:032x}"}}
            dynamodb_client(address).put_item(TableName=TABLE, Item={**place, **more})
        assert commands(store.recent()) == ["/good"]
        assert store.stats()["unreadable"] == 3
        record("/also good")
        finish(store)
        assert commands(store.recent()) == ["/also good", "/good"]


# --- many processes ---


def work(address: str, prefix: str, user_id: str, child: Child) -> None:
    """Record steps, and tell of each that DynamoDB has it."""
    store = DynamoDBTraceStore(TABLE, dynamodb_client(address), prefix=prefix, lost_after=2)
    with recording(store), obskit.trace("/work", user_id=user_id):
        for number in range(100):
            with obskit.step(f"step {number}"):
                finish(store)
                child.tell(number)
        signal.pause()


# dynalite itself dies of a client that hangs up in the middle of a request.
@pytest.mark.parametrize("address", ["moto"], indirect=True)
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_a_killed_process_loses_no_step_that_dynamodb_has(address: str) -> None:
    """Each trace is shown as lost, with the step in which its process died."""
    told: dict[str, list[int]] = {}
    prefix = new_step_id()
    for number in range(10):
        user_id = f"user {number}"
        with forked(work, address, prefix, user_id) as child:
            child.wait_for(1 + number % 5)
            child.kill()
            told[user_id] = child.told()
    time.sleep(2.5)
    reader = DynamoDBTraceStore(TABLE, dynamodb_client(address), prefix=prefix)
    for user_id, numbers in told.items():
        trace = reader.last(user_id)
        assert trace is not None
        assert trace.status == "lost"
        assert [step.name for step in trace.steps][: max(numbers) + 1] == [f"step {n}" for n in numbers]
        assert trace.steps[-1].status in ("lost", "ok")
    reader.close()


def write_some(address: str, prefix: str, number: int, child: Child) -> None:
    """Record traces of users that others have as well."""
    store = DynamoDBTraceStore(TABLE, dynamodb_client(address), prefix=prefix, per_user=4, total=12)
    with recording(store):
        for count in range(8):
            record(user_id=f"user {(number + count) % 5}")
        finish(store)
        stats = store.stats()
        # Others may push a trace out before it has ended.
        assert stats["written"] + stats["dropped_late"] == stats["made"] == 8
    child.tell(1)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the writers")
def test_eight_writers_keep_the_bounds(address: str, make: Callable[..., DynamoDBTraceStore]) -> None:
    """Writers in eight processes get on with each other, and leave no trace too many."""
    prefix = new_step_id()
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(forked(write_some, address, prefix, n)) for n in range(8)]
        assert [child.exit_code() for child in children] == [0] * 8
    reader = make(prefix=prefix)
    assert 10 <= len(reader.recent(limit=1_000)) <= 12
    assert max(len(reader.recent(f"user {number}", limit=1_000)) for number in range(5)) <= 4
    reader.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_records_on_its_own(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parent and child go on with the same store, each over connections of its own."""
    environment = {
        "AWS_ENDPOINT_URL_DYNAMODB": address,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def go_on(child: Child) -> None:
        record("/child")
        finish(obskit.get_trace_store())
        child.tell(1)

    with recording(DynamoDBTraceStore(TABLE, prefix=new_step_id())) as store:
        record("/parent")
        finish(store)
        with forked(go_on) as child:
            child.wait_for(1)
            record("/parent again")
            finish(store)
            assert child.exit_code() == 0
        assert sorted(commands(store.recent())) == ["/child", "/parent", "/parent again"]
