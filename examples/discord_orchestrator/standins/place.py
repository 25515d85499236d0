"""
Where several bots keep what they know: a file, or a table in a server that answers as DynamoDB does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

TABLE: Final = "orchestrator"


@dataclass(frozen=True, slots=True)
class Place:
    """One place, as settings of a bot."""

    settings: dict[str, str]
    client: Any = None  #: of DynamoDB, where it is a table

    @classmethod
    def file(cls, path: Path) -> Self:
        """Make a file."""
        return cls(_settings(f"sqlite:///{path}"))

    @classmethod
    def table(cls, address: str) -> Self:
        """Make a table as the template does, in the server at *address*."""
        import boto3  # type: ignore[import-untyped]

        from obskit.traces.stores import DynamoDBTraceStore

        account = {"AWS_DEFAULT_REGION": "eu-central-1"}
        account |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "stand-in")
        names = ("region_name", "aws_access_key_id", "aws_secret_access_key")
        given = dict(zip(names, account.values(), strict=True))
        client = boto3.client("dynamodb", endpoint_url=address, **given)
        DynamoDBTraceStore(TABLE, client).create_table()
        return cls(
            {**_settings(f"dynamodb://{TABLE}"), **account, "AWS_ENDPOINT_URL_DYNAMODB": address}, client
        )

    @property
    def is_table(self) -> bool:
        """Say whether it takes half a minute until a process that was killed is known to be gone."""
        return self.client is not None

    def forget_signs_of_life(self) -> None:
        """Make it what it is half a minute after the last process has ended."""
        for item in self.client.scan(TableName=TABLE)["Items"] if self.is_table else ():
            if item["pk"]["S"].endswith(":alive"):
                key = {name: item[name] for name in ("pk", "sk")}
                self.client.delete_item(TableName=TABLE, Key=key)


def _settings(url: str) -> dict[str, str]:
    return {"OBSKIT_TRACE_STORE": url, "OBSKIT_ALERT_DEDUPE": url}
