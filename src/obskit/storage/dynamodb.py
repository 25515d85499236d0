"""
Reach one table of DynamoDB: bounded requests, repeated where there is no capacity.

A table may serve trace stores and alert windows at once: what belongs together has
one partition key (*pk*) and lies in the order of its sort key (*sk*). All reads are
consistent, which is why the two further orders, *by_user* and *by_trace*, are local
indexes. It knows nothing of what items mean.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from ..clock import Deadline
from ..errors import ConfigError, MissingExtra, StoreError
from ..ids import jitter
from ..interrupts import let_pass
from ..worker import restart_after_fork

#: Seconds for connecting, and again for an answer.
TIMEOUT: Final = 1.0
#: Seconds in which a request is repeated that AWS had no capacity for.
BUDGET: Final = 1.0
#: The time in seconds since 1970 after which DynamoDB may delete an item, some day.
EXPIRES: Final = "expires"

#: An item, or the key of one, as the low-level client has it: ``{"pk": {"S": "..."}}``.
Item: TypeAlias = dict[str, Any]

_INDEXES: Final = ("by_user", "by_trace")
_MOST_READ: Final = 100  # keys in one BatchGetItem
_MOST_WRITTEN: Final = 25  # requests in one BatchWriteItem
#: Seconds that AWS may take to make a table.
_LONGEST_CREATION: Final = 60.0

_AGAIN: Final = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    # A Lambda function was frozen so long that AWS has hung up.
    "ConnectionClosedError",
}
#: What is wrong, where the code alone does not say what to do.
_FAULTS: Final = {
    "ResourceNotFoundException": "has no such table: call create_table() once",
    "ValidationException": "has a table of another form than create_table() makes",
}


#: Clients of the parent in its child; letting them go would wait for what is locked.
_ABANDONED: Final[list[Any]] = []


class ConditionFailed(Exception):
    """What is there is not what a write needs."""


class DynamoDBTable:
    """
    One table.

    Args:
        name: Of the table.
        client: ``boto3.client("dynamodb")``; None makes one, with region, credentials and
            address as boto3 finds them in the environment.
        prefix: What the partition keys of one program begin with.
        what: The part of obskit that needs it.

    Raises:
        ConfigError: If *name*, *client* or *prefix* is wrong, or boto3 finds no region.
        MissingExtra: If the package boto3 is not installed.
    """

    def __init__(self, name: str, client: Any = None, prefix: str = "obskit", *, what: str) -> None:
        if type(name) is not str or not name:
            raise ConfigError(f"table must be the name of a DynamoDB table, got {type(name).__name__}")
        if client is not None and not callable(getattr(client, "batch_get_item", None)):
            raise ConfigError(f'client must be boto3.client("dynamodb"), got {type(client).__name__}')
        if not prefix:
            raise ConfigError("prefix must not be empty")
        self.name: Final = name
        self.prefix: Final = prefix
        self._what: Final = what
        self._is_ours: Final = client is None
        self._client: Any = _connect(what) if client is None else client
        self._is_inherited = False  #: has connections of the parent
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Leave the connections, in a forked child, to the parent."""
        self._is_inherited = not self._is_ours
        if self._is_ours:
            _ABANDONED.append(self._client)
            self._client = None

    def close(self) -> None:
        """Disconnect, unless the client is somebody else's."""
        if self._is_ours and self._client is not None:
            self._client.close()

    # --- requests ---

    def put(self, item: Item, condition: str | None = None) -> None:
        """
        Write *item* in place of what is there.

        Raises:
            ConditionFailed: If *condition* does not hold of what is there.
            StoreError: If it was not done for another reason; so for all of these methods.
        """
        conditions = {} if condition is None else {"ConditionExpression": condition}
        self.call("put_item", TableName=self.name, Item=item, **conditions)

    def query(
        self,
        pk: str,
        begins: str = "",
        *,
        index: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Item]:
        """
        Return items of *pk* in their order, of an index what it has of them.

        Args:
            begins: How the sort key of *index*, or else *sk*, begins.
        """
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if begins:
            condition += f" AND begins_with({index or 'sk'}, :begins)"
            values[":begins"] = {"S": begins}
        optional = {"IndexName": index, "Limit": limit}
        asked: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": not newest_first,
            **{name: value for name, value in optional.items() if value is not None},
        }
        items: list[Item] = []
        while True:
            page = self.call("query", **asked)
            items += page["Items"]
            if "LastEvaluatedKey" not in page or (limit is not None and len(items) >= limit):
                return items[:limit]
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def read(self, keys: Sequence[Item]) -> Iterator[Item]:
        """Return what there is under *keys*, in any order."""
        parts = [{"Keys": part, "ConsistentRead": True} for part in _parts(keys, _MOST_READ)]
        for answer in self._in_parts("batch_get_item", parts):
            yield from answer["Responses"][self.name]

    def put_all(self, items: Sequence[Item]) -> None:
        """Write *items*, whatever is there."""
        self._write_all([{"PutRequest": {"Item": item}} for item in items])

    def delete_all(self, keys: Sequence[Item]) -> None:
        """Delete what there is under *keys*."""
        self._write_all([{"DeleteRequest": {"Key": key}} for key in keys])

    def _write_all(self, requests: Sequence[Item]) -> None:
        for _ in self._in_parts("batch_write_item", _parts(requests, _MOST_WRITTEN)):
            pass

    def _in_parts(self, operation: str, parts: Iterable[Any]) -> Iterator[dict[str, Any]]:
        """Make a request for each part, and again for what DynamoDB has left out of it."""
        for part in parts:
            left: Item = {self.name: part}
            patience = _Patience()
            while True:
                answer = self.call(operation, RequestItems=left)
                yield answer
                left = answer.get("UnprocessedKeys") or answer.get("UnprocessedItems") or {}
                if not left:
                    break
                patience.pause("ThrottlingException")

    def call(self, operation: str, besides: Collection[str] = (), **arguments: Any) -> dict[str, Any]:
        """
        Make any request.

        Args:
            operation: A method of the client.
            besides: Codes of errors after which all is well.
        """
        if self._client is None:
            self._client = _connect(self._what)
        if self._is_inherited:
            # Not when the process forks: a thread of the parent may hold a lock of the client's.
            self._is_inherited = False
            self._client.close()  # what it has open here; it connects again
        patience = _Patience()
        while True:
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
            except Exception as error:
                let_pass(error)
                code = _code(error)
                if code in besides:
                    return {}
                if code == "ConditionalCheckFailedException":
                    raise ConditionFailed from None
                patience.pause(code)
            else:
                return answer

    def create(self) -> None:
        """Make the table, billed per request, and wait for it; nothing happens where it is there."""
        self.call(
            "create_table",
            besides=["ResourceInUseException"],
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            **DEFINITION,
        )
        deadline = Deadline(_LONGEST_CREATION)
        while self.call("describe_table", TableName=self.name)["Table"]["TableStatus"] != "ACTIVE":
            if not deadline.left():
                raise StoreError(f"the table is not there after {_LONGEST_CREATION:g} seconds")
            threading.Event().wait(0.2)
        self.call(
            "update_time_to_live",
            # It is enabled already, or the server is none of Amazon's and has no such thing.
            besides=["ValidationException", "UnknownOperationException"],
            TableName=self.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES},
        )


class InTable:
    """What everything has in common that keeps something in a table."""

    _table: DynamoDBTable

    def create_table(self) -> None:
        """
        Make the table where it is not there, and wait until it is.

        Raises:
            StoreError: If it cannot be made.
        """
        self._table.create()


#: What `DynamoDBTable.create` makes, in the words of CreateTable.
DEFINITION: Final[dict[str, Any]] = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", *_INDEXES)
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": name, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["running"]},
        }
        for name in _INDEXES
    ],
}


class _Patience:
    """Lets a request be repeated, later and later, until its budget is spent."""

    def __init__(self) -> None:
        self._deadline: Final = Deadline(BUDGET)
        self._longest = 0.05

    def pause(self, code: str) -> None:
        """Wait, or raise StoreError where *code* is no reason to, or there is no time left."""
        seconds = jitter(self._longest)
        if code not in _AGAIN or seconds > self._deadline.left():
            raise StoreError(f"DynamoDB {_FAULTS.get(code, 'failed')} ({code})") from None
        threading.Event().wait(seconds)
        self._longest *= 2


def _parts(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def _code(error: Exception) -> str:
    """Return what AWS calls the error; what comes from the client has the name of its class."""
    answer = getattr(error, "response", None)
    code: str = answer["Error"]["Code"] if isinstance(answer, dict) else type(error).__name__
    return code


def _connect(what: str) -> Any:
    import importlib

    try:
        session: Any = importlib.import_module("boto3.session")
        config: Any = importlib.import_module("botocore.config")
    except ImportError:
        raise MissingExtra(what, package="boto3", extra="dynamodb") from None
    # One attempt of its own: what is worth repeating is known better here.
    bounded = config.Config(
        connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"mode": "standard", "total_max_attempts": 1}
    )
    try:
        return session.Session().client("dynamodb", config=bounded)
    except Exception as error:
        raise ConfigError(
            f"no client for DynamoDB ({type(error).__name__}): set AWS_DEFAULT_REGION, or hand in client="
        ) from None
