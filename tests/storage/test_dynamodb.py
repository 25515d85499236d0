"""A table of DynamoDB is asked within a bounded time, and an error says in few words what is wrong."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from obskit.errors import ConfigError, MissingExtra, StoreError
from obskit.storage.dynamodb import ConditionFailed, DynamoDBTable, Item
from tests.databases import DYNAMODB, dynamodb_client, dynamodb_server
from tests.programs import free_port
from tests.servers import Script, hang, reset, scripted_server
from tests.traces.stores.children import forked

pytest.importorskip("boto3")


@pytest.fixture(scope="module", params=DYNAMODB)
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that speaks DynamoDB."""
    with dynamodb_server(request.param) as address:
        yield address


@pytest.fixture(scope="module")
def table(address: str) -> DynamoDBTable:
    """A table that all tests may write to, each below a key of its own."""
    table = DynamoDBTable("obskit-test", dynamodb_client(address), what="the test")
    table.create()
    return table


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A server that answers as a test says, and an environment that leads to it."""
    with scripted_server() as script:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", script.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        yield script


def item(pk: str, sk: int, **more: Item) -> Item:
    """Make an item."""
    return {"pk": {"S": pk}, "sk": {"S": f"{sk:04}"}, **more}


def refusal(code: str, words: str = "hunter2") -> tuple[int, dict[str, str], bytes]:
    """Make an answer with which DynamoDB refuses a request."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": words}
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(body).encode()


def accepted(**answer: Any) -> tuple[int, dict[str, str], bytes]:
    """Make an answer to a request that was done."""
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer).encode()


# --- what it does, on real servers ---


def test_making_the_table_twice_does_no_harm(table: DynamoDBTable) -> None:
    """Every start of a program may ask for the table."""
    table.create()


def test_many_items_are_written_read_and_deleted_in_parts(table: DynamoDBTable) -> None:
    """No limit of one request is a limit of the table."""
    items = [item("many", number) for number in range(120)]
    table.put_all(items)
    assert table.query("many") == items
    assert sorted(table.read(items), key=str) == items
    table.delete_all(items)
    assert table.query("many") == []


def test_a_query_goes_on_where_a_page_ends(table: DynamoDBTable) -> None:
    """A page of DynamoDB ends after a megabyte."""
    items = [item("large", number, doc={"B": b"x" * 200_000}) for number in range(8)]
    for one in items:
        table.put(one)
    assert len(table.query("large")) == 8
    newest = table.query("large", limit=6, newest_first=True)
    assert [one["sk"]["S"] for one in newest] == ["0007", "0006", "0005", "0004", "0003", "0002"]
    assert [one["sk"]["S"] for one in table.query("large", "0003")] == ["0003"]


def test_an_index_has_an_order_of_its_own(table: DynamoDBTable) -> None:
    """What begins alike is found by an index, with a part of each item."""
    for number, name in enumerate(["ada:1", "bob:1", "ada:2"]):
        table.put(item("indexed", number, by_user={"S": name}, running={"BOOL": True}, doc={"B": b"x"}))
    found = table.query("indexed", "ada:", index="by_user", newest_first=True)
    assert [one["by_user"]["S"] for one in found] == ["ada:2", "ada:1"]
    assert "doc" not in found[0]


def test_a_condition_that_does_not_hold(table: DynamoDBTable) -> None:
    """What is not there is not written again."""
    with pytest.raises(ConditionFailed):
        table.put(item("conditions", 1), "attribute_exists(sk)")
    table.put(item("conditions", 1), "attribute_not_exists(sk)")
    table.put(item("conditions", 1), "attribute_exists(sk)")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_parent_and_child_ask_by_a_client_that_was_handed_in(table: DynamoDBTable) -> None:
    """Each over connections of its own, so neither gets the answers of the other."""
    table.put(item("forked", 1))

    def ask() -> None:
        for _ in range(20):
            assert table.query("forked") == [item("forked", 1)]

    with forked(lambda _: ask()) as child:
        ask()
        assert child.exit_code() == 0


def test_a_table_that_is_not_there(table: DynamoDBTable) -> None:
    """The error says what to do."""
    other = DynamoDBTable("another", table._client, what="the test")
    with pytest.raises(StoreError, match=r"has no such table: call create_table\(\) once"):
        other.query("any")


def test_a_table_of_another_form(address: str) -> None:
    """Somebody made a table by hand."""
    client = dynamodb_client(address)
    client.create_table(
        TableName="by-hand",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    table = DynamoDBTable("by-hand", client, what="the test")
    with pytest.raises(StoreError, match="another form than create_table"):
        table.query("any")


# --- what may go wrong, by a script ---


@pytest.mark.parametrize("wrong", [None, "", 7])
def test_a_name_that_is_none_is_refused(wrong: Any) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigError, match="table must be the name"):
        DynamoDBTable(wrong, what="the test")


def test_a_client_that_is_none_is_refused() -> None:
    """The error says what a client is."""
    with pytest.raises(ConfigError, match=r'client must be boto3.client\("dynamodb"\), got str'):
        DynamoDBTable("traces", "client", what="the test")


def test_no_region_is_an_error_of_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told where the table is named, not when the first trace is written."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(ConfigError, match="set AWS_DEFAULT_REGION, or hand in client="):
        DynamoDBTable("traces", what="the test")


def test_a_missing_package_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a table but no client learns what to install."""
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    with pytest.raises(MissingExtra, match=r"the test needs the package boto3.*obskeeper\[dynamodb\]"):
        DynamoDBTable("traces", what="the test")


def failing(table: DynamoDBTable) -> str:
    """Return what the error says."""
    with pytest.raises(StoreError) as caught:
        table.query("any")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__
    return str(caught.value)


REFUSALS = {
    "AccessDeniedException": "failed",
    "ExpiredTokenException": "failed",
    "ValidationException": "has a table of another form than create_table() makes",
}


@pytest.mark.parametrize(("code", "fault"), REFUSALS.items())
def test_a_refusal_is_told_at_once(aws: Script, code: str, fault: str) -> None:
    """What would be refused again is not asked again."""
    aws.answers.clear()
    aws.answers.append(refusal(code))
    assert failing(DynamoDBTable("traces", what="the test")) == f"DynamoDB {fault} ({code})"
    assert len(aws.requests) == 1


def test_a_request_is_repeated_until_there_is_capacity(aws: Script) -> None:
    """Throttling is the usual way in which DynamoDB asks for patience."""
    aws.answers.clear()
    aws.answers.extend([refusal("ThrottlingException")] * 3 + [accepted(Items=[])])
    assert DynamoDBTable("traces", what="the test").query("any") == []
    assert len(aws.requests) == 4


def test_a_request_is_not_repeated_for_ever(aws: Script) -> None:
    """After about a second somebody else has to decide what to do."""
    aws.answers.clear()
    aws.answers.append(refusal("ProvisionedThroughputExceededException"))
    began = time.monotonic()
    assert "ProvisionedThroughputExceededException" in failing(DynamoDBTable("traces", what="the test"))
    assert time.monotonic() - began < 20
    assert len(aws.requests) > 2


def test_what_a_batch_left_out_is_asked_for_again(aws: Script) -> None:
    """DynamoDB may do a part of a batch."""
    table = DynamoDBTable("traces", what="the test")
    one, two = item("any", 1), item("any", 2)
    aws.answers.clear()
    aws.answers.extend(
        [
            accepted(UnprocessedItems={"traces": [{"PutRequest": {"Item": two}}]}),
            accepted(UnprocessedItems={}),
            accepted(Responses={"traces": [one]}, UnprocessedKeys={"traces": {"Keys": [two]}}),
            accepted(Responses={"traces": [two]}),
        ]
    )
    table.put_all([one, two])
    assert list(table.read([one, two])) == [one, two]
    asked = [request.json()["RequestItems"]["traces"] for request in aws.requests]
    assert asked[1] == [{"PutRequest": {"Item": two}}]
    assert asked[3] == {"Keys": [two]}


def test_an_address_where_nobody_is(aws: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{free_port()}")
    assert "EndpointConnectionError" in failing(DynamoDBTable("traces", what="the test"))


def test_an_address_that_answers_nothing(aws: Script) -> None:
    """A server that hangs holds up nobody for long."""
    aws.answers[0] = hang
    began = time.monotonic()
    assert "ReadTimeoutError" in failing(DynamoDBTable("traces", what="the test"))
    assert time.monotonic() - began < 20


def test_a_connection_that_was_closed_is_opened_again(aws: Script) -> None:
    """A frozen function finds its connections gone when it wakes up."""
    aws.answers.clear()
    aws.answers.extend([reset, accepted(Items=[])])
    assert DynamoDBTable("traces", what="the test").query("any") == []


def test_no_credentials(aws: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are looked for when the first request is made."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "NoCredentialsError" in failing(DynamoDBTable("traces", what="the test"))


def test_making_the_table_waits_for_it(aws: Script) -> None:
    """A table takes some seconds to come into being, and what it lacks is told."""
    aws.answers.clear()
    aws.answers.extend(
        [
            accepted(),
            accepted(Table={"TableStatus": "CREATING"}),
            accepted(Table={"TableStatus": "ACTIVE"}),
            refusal("AccessDeniedException"),
        ]
    )
    with pytest.raises(StoreError, match="AccessDeniedException"):
        DynamoDBTable("traces", what="the test").create()
    targets = [request.headers["x-amz-target"].partition(".")[2] for request in aws.requests]
    assert targets == ["CreateTable", "DescribeTable", "DescribeTable", "UpdateTimeToLive"]


def test_a_table_that_never_comes_into_being(aws: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it for ever."""
    monkeypatch.setattr("obskit.storage.dynamodb._LONGEST_CREATION", 0.1)
    aws.answers.clear()
    aws.answers.extend([accepted(), accepted(Table={"TableStatus": "CREATING"})])
    with pytest.raises(StoreError, match="the table is not there after"):
        DynamoDBTable("traces", what="the test").create()


def test_a_table_that_cannot_be_made(aws: Script) -> None:
    """Who may not make tables is told so."""
    aws.answers[0] = refusal("AccessDeniedException")
    with pytest.raises(StoreError, match="AccessDeniedException"):
        DynamoDBTable("traces", what="the test").create()


def test_a_forked_child_connects_anew(aws: Script) -> None:
    """Two processes on one connection would read each other's answers."""
    aws.answers[0] = accepted(Items=[])
    table = DynamoDBTable("traces", what="the test")
    parents = table._client
    table.start_anew()
    table.close()
    assert table.query("any") == []
    assert table._client is not parents
    table.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("is_handed_in", [True, False])
def test_a_child_forked_while_another_thread_asks_is_not_held_up(aws: Script, is_handed_in: bool) -> None:
    """What it has locked stays locked for ever: neither the fork nor the collector may wait for it."""
    aws.answers[0] = accepted(Items=[])
    client = importlib.import_module("boto3").client("dynamodb") if is_handed_in else None
    table = DynamoDBTable("traces", client, what="the test")
    table.query("any")
    locked, done = threading.Event(), threading.Event()

    def lock() -> None:
        pools = table._client._endpoint.http_session._manager.pools
        (pool,) = pools._container.values()
        with pools.lock, pool.pool.mutex:
            del pools, pool
            locked.set()
            done.wait(60)

    threading.Thread(target=lock, daemon=True).start()
    assert locked.wait(10)
    with forked(lambda _: gc.collect()) as child:
        assert child.exit_code() == 0
    done.set()


def test_a_client_of_ones_own_is_used_and_left_open(aws: Script) -> None:
    """Who hands in a client keeps it."""
    client = importlib.import_module("boto3").client("dynamodb")
    aws.answers[0] = accepted(Items=[])
    table = DynamoDBTable("traces", client, what="the test")
    table.start_anew()
    table.close()
    assert table.query("any") == []
