"""Remember which failures people know about in DynamoDB, for functions on AWS Lambda."""

from __future__ import annotations

from typing import Any

from ...clock import Clock
from ...storage.dynamodb import EXPIRES, ConditionFailed, DynamoDBTable, InTable, Item
from ._marks import KEPT, SharedDedupe


class DynamoDBDedupe(InTable, SharedDedupe):
    """
    Keeps the marks in a table of DynamoDB; they outlive the processes.

    Args:
        table: Name of the table, which may hold traces as well; `create_table` makes it.
        client: ``boto3.client("dynamodb")``; None makes one, with region, credentials and
            address as boto3 finds them.
        prefix: Separates programs in one table; those of the same prefix share their marks.
        clock: Its wall clock counts; those of all machines should agree to some seconds.

    Raises:
        ConfigError: If *client* is none, *prefix* is empty, or boto3 finds no region.
        MissingExtra: If the package boto3 is not installed.
    """

    def __init__(
        self, table: str, client: Any = None, *, prefix: str = "obskit", clock: Clock | None = None
    ) -> None:
        super().__init__(clock)
        self._table = DynamoDBTable(table, client, prefix, what="DynamoDBDedupe")

    def close(self) -> None:
        """Disconnect; idempotent, and a later call connects again."""
        self._table.close()

    def _read(self, key: str) -> str | None:
        found = [*self._table.read([self._key(key)])]
        return found[0].get("mark", {}).get("S", "") if found else None

    def _exchange(self, key: str, before: str | None, after: str | None) -> bool:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            values = {":before": {"S": before}}
            condition = {"ConditionExpression": "mark = :before", "ExpressionAttributeValues": values}
        try:
            if after is None:
                self._table.call("delete_item", TableName=self._table.name, Key=self._key(key), **condition)
            else:
                expires = {"N": str(self._clock.time_ns() // 1_000_000_000 + KEPT)}
                item = {**self._key(key), "mark": {"S": after}, EXPIRES: expires}
                self._table.call("put_item", TableName=self._table.name, Item=item, **condition)
        except ConditionFailed:
            return False
        return True

    def _key(self, key: str) -> Item:
        return {"pk": {"S": f"{self._table.prefix}:alerts:{key}"}, "sk": {"S": "mark"}}
