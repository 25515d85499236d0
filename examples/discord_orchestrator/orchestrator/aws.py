"""
Run the bot as a function on AWS Lambda, behind a function URL: see ``template.yaml``.

A function is frozen as soon as it has answered. The slow part of a command is therefore
an invocation of its own, which the one that answers asks Lambda for.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from threading import Event
from typing import Any, Final

import boto3  # type: ignore[import-untyped]
from botocore.config import Config as ClientConfig  # type: ignore[import-untyped]

import obskit
from obskit.integrations.aws_lambda import observed

from . import observability
from .app import Command, Orchestrator
from .config import Config
from .github import GitHub
from .observability import log

# Made at the start, where it costs the user no time. What asks Lambda must not use up the three seconds.
_runtime: Final = observability.start()
_lambda: Final = boto3.client(
    "lambda", config=ClientConfig(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
)


def _later(command: Command) -> None:
    """Let Lambda invoke this function once more, in the same trace; raises where it does not take that."""
    headers: dict[str, str] = {}
    obskit.inject(headers)  # `observed` finds them where a request would have them
    _lambda.invoke(
        FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        InvocationType="Event",
        Payload=json.dumps({"work": asdict(command), "headers": headers}),
    )


_config: Final = Config()
_bot: Final = Orchestrator(_config, _runtime, GitHub(_config, closing=Event()), later=_later)


@observed(flush_timeout=1.0)  # of the three seconds
def handler(event: Any, context: object) -> dict[str, Any] | None:
    """Answer a request of the function URL, or do the work that `_later` asked for."""
    if isinstance(event, dict) and "work" in event:  # no request has that: its parts are under other keys
        _work(event["work"])
        return None
    status, answer = _bot.handle(*_request(event))
    headers = {"Content-Type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(answer)}


def _work(asked: Any) -> None:
    try:
        command = Command(**asked)
        command.trace_id  # noqa: B018 - it is made of the id
    except (TypeError, AttributeError):
        log.error("Not a command")  # of another version of this bot
    else:
        _bot.work(command)
        _runtime.flush(10.0)  # nobody waits for this answer


def _request(event: Any) -> tuple[Mapping[str, str], bytes]:
    """Return headers and body of a request; what is none has neither, and so no signature."""
    try:
        headers = {name.lower(): str(value) for name, value in event["headers"].items()}
        body = event.get("body") or ""
        return headers, base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    except (AttributeError, LookupError, TypeError, ValueError):
        return {}, b""
