"""
The bot as a Lambda function: under AWS's own runtime client, frozen between invocations.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from obskit.storage.dynamodb import DEFINITION
from orchestrator.app import Command
from standins import DiscordStandIn, GitHubStandIn, Place, Plan, Signer
from standins.aws import LambdaStandIn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the runtime client is for Linux"),
]

ALICE = "80351110224678912"
DEFERRED = {"type": 5, "data": {"flags": 64}}
Start = Callable[..., LambdaStandIn]


@pytest.fixture
def start(settings: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start an execution environment of the function; keyword arguments change its settings."""
    with ExitStack() as running:

        def start(deliveries: int = 1, **changes: str) -> LambdaStandIn:
            folder = tmp_path / f"environment-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            function = LambdaStandIn(
                "orchestrator.aws.handler", folder, settings | changes, deliveries=deliveries
            )
            return running.enter_context(function)

        yield start


def request(signer: Signer, interaction: dict[str, Any], *, encoded: bool = False) -> dict[str, Any]:
    """Make the event that a function URL makes of a signed request."""
    body = json.dumps(interaction).encode()
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": {name.lower(): value for name, value in signer.headers(body).items()},
        "requestContext": {"http": {"method": "POST"}},
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }


def ask(function: LambdaStandIn, signer: Signer, name: str, **options: str) -> tuple[dict[str, Any], Any]:
    """Send a command through the function URL; returns it and the answer."""
    interaction = signer.command(name, user_id=ALICE, options=options)
    reply = function.invoke(request(signer, interaction)).answer
    assert reply["statusCode"] == 200
    return interaction, json.loads(reply["body"])


def shown_last(function: LambdaStandIn, signer: Signer) -> list[str]:
    """Return the lines of /debug-last."""
    _, answer = ask(function, signer, "debug-last")
    return str(answer["data"]["content"]).splitlines()


def finish(function: LambdaStandIn) -> None:
    """Wait for the work that the function asked for."""
    for invocation in function.asynchronous:
        assert invocation.done.wait(60)
        assert invocation.error is None


@pytest.mark.parametrize("encoded", [False, True])
def test_a_ping_is_answered_with_a_pong(start: Start, signer: Signer, encoded: bool) -> None:
    """
    Discord's check of the endpoint succeeds, however Lambda hands the body over.
    """
    answer = start().invoke(request(signer, {"id": "1", "type": 1}, encoded=encoded)).answer
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"type": 1})


def test_bad_requests_are_refused_quietly(start: Start, signer: Signer) -> None:
    """
    Discord tries a wrong signature now and then, strangers try anything: 401, one line, no traceback.
    """
    function = start()
    tampered = {**request(signer, {"id": "1", "type": 1}), "body": '{"id": "1", "type": 2}'}
    strange: list[Any] = [
        {"headers": None, "body": None},
        {"headers": {}, "body": "\ud800"},
        {"headers": {}, "body": "abc", "isBase64Encoded": True},
        {"headers": {}, "body": 5},
        {"headers": {"X-Signature-Timestamp": None}},
        {"headers": "none"},
        *(5, "work", ["work"]),
    ]
    events = [tampered, {}, *strange]
    answers = [function.invoke(event).answer for event in events]
    assert [answer["statusCode"] for answer in answers] == [401] * len(events)
    refused = function.lines(message="Request refused")
    assert {(line["level"], line["reason"]) for line in refused} == {("INFO", "bad signature")}
    assert not function.lines(level="ERROR")


def test_a_command_of_another_version_is_one_line(start: Start) -> None:
    """
    What was asked for before a deployment may not fit the code after it.
    """
    function = start()
    strange = {"id": 5, "name": "/x", "user_id": "1", "options": {}, "token": "none"}
    assert [function.invoke({"work": work}).error for work in ({"name": "/x"}, None, strange)] == [None] * 3
    assert [line["level"] for line in function.lines(message="Not a command")] == ["ERROR"] * 3


def test_the_slow_part_is_an_invocation_of_its_own(
    start: Start, table: Place, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The answer does not wait for GitHub, the work ends with a report, and another environment knows of it.
    """
    function = start(**table.settings)
    interaction, answer = ask(function, signer, "diagnose", target="api")
    assert answer == DEFERRED
    assert "✅ Diagnosis of api" in discord.edit_of(interaction["token"])
    finish(function)
    acknowledged, ended = function.lines(message="Command acknowledged"), function.lines(cmd="/diagnose")
    assert acknowledged[0]["trace_id"] == ended[-1]["trace_id"]
    assert acknowledged[0]["requestId"] != ended[-1]["requestId"]
    assert (ended[-1]["event"], ended[-1]["outcome"]) == ("command.end", "ok")
    _, shown = ask(start(**table.settings), signer, "debug-last")
    for part in ("/diagnose", "Dispatch workflow", acknowledged[0]["trace_id"][:8]):
        assert part in shown["data"]["content"]


def test_an_event_that_is_delivered_twice_starts_one_workflow(
    start: Start, table: Place, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Lambda promises to deliver an event once at least, and Discord may send a request to two environments.
    """
    function = start(deliveries=2, **table.settings)
    interaction, _ = ask(function, signer, "diagnose")
    finish(function)
    other = start(**table.settings)
    assert json.loads(other.invoke(request(signer, interaction)).answer["body"]) == DEFERRED
    finish(other)
    assert len(github.dispatches) == 1
    assert len(function.lines(message="Command delivered again")) == 1
    assert len(other.lines(message="Command delivered again")) == 1


def test_of_two_environments_that_get_an_event_at_once_one_starts_the_workflow(
    start: Start, store: Place, signer: Signer, github: GitHubStandIn
) -> None:
    """
    Within the same milliseconds, in two processes: one claims the interaction, the other says so and ends.
    """
    functions = [start(**store.settings) for _ in range(2)]
    events = []
    for _ in range(5):
        interaction = signer.command("diagnose", user_id=ALICE)
        events.append({"work": asdict(Command.of(interaction))})
    for function in functions:  # warm, so that they are equally fast
        function.invoke({"work": None})
    with ThreadPoolExecutor() as callers:
        for event in events:
            both = [callers.submit(function.invoke, event) for function in functions]
            assert [call.result().error for call in both] == [None, None]
    assert len(github.dispatches) == len(events)
    again = [line for function in functions for line in function.lines(message="Command delivered again")]
    assert {line["trace_id"] for line in again} == {
        request["inputs"]["correlation_id"] for request in github.dispatches
    }


def test_a_failure_reaches_the_team_before_the_freeze(
    start: Start, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    When the work has ended, the channel has its message, and a second failure is only counted.
    """
    github.plans += [Plan(conclusion="failure", failing_step="Run tests")] * 2
    function = start()
    for _ in range(2):
        ask(function, signer, "diagnose")
        finish(function)
        assert len(discord.messages) == 1
    assert "Run tests" in str(discord.messages)


def test_a_command_that_was_killed_is_shown_as_lost(
    start: Start, store: Place, signer: Signer, github: GitHubStandIn
) -> None:
    """
    Where the time is up, Lambda kills the process; the next one knows in which step that was.

    A table of DynamoDB cannot tell at once whether a process is alive, so it takes half a minute there.
    """
    github.plans.append(Plan(polls=1_000))
    function = start(**store.settings)
    ask(function, signer, "diagnose")
    assert github.wait_for(lambda: any(request.method == "GET" for request in github.requests))
    function.kill()
    other = start(**store.settings)
    if store.is_table:
        lines = shown_last(other, signer)
        assert "running" in lines[0]
        assert any(line.startswith("⏳ Wait for run") for line in lines)
        store.forget_signs_of_life()
    lines = shown_last(other, signer)
    assert "lost" in lines[0]
    assert any(line.startswith("👻 Wait for run") for line in lines)
    assert any(line.startswith("✅ Dispatch workflow") for line in lines)


def test_a_command_that_was_killed_while_github_was_asked_is_not_done_again(
    start: Start, store: Place, signer: Signer, github: GitHubStandIn
) -> None:
    """
    The workflow may have started, so another delivery does not start it; the user sees the step.
    """
    github.plans.append(Plan(delay=2.0))
    function = start(**store.settings)
    interaction, _ = ask(function, signer, "diagnose")
    assert github.wait_for(lambda: github.requests)
    function.kill()
    other = start(**store.settings)
    assert other.invoke({"work": asdict(Command.of(interaction))}).error is None
    assert len(other.lines(message="Command delivered again")) == 1
    assert [request.method for request in github.requests] == ["POST"]
    assert any("Dispatch workflow" in line and "✅" not in line for line in shown_last(other, signer))


def test_the_user_is_told_where_lambda_does_not_take_the_work(
    start: Start, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Nothing is promised that will not happen.
    """
    _, answer = ask(start(AWS_LAMBDA_FUNCTION_NAME="another"), signer, "diagnose")
    assert answer["data"]["content"].startswith("❌ Something went wrong on our side")


def test_no_secret_is_in_what_the_function_writes(
    start: Start, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Neither the bot's own tokens nor that of an interaction, also where it is handed to another invocation.
    """
    function = start()
    interaction, _ = ask(function, signer, "diagnose", note=f"my token is {github.token}")
    finish(function)
    for secret in (discord.bot_token, github.token, interaction["token"]):
        assert secret not in function.output()


def test_the_template_makes_the_table_that_obskit_makes() -> None:
    """
    Keys and indexes are those of `create_table()`.
    """
    yaml = pytest.importorskip("yaml")

    class Loader(yaml.SafeLoader):  # type: ignore[misc,name-defined,unused-ignore]
        """Reads what CloudFormation adds to YAML as the text that it stands before."""

    Loader.add_multi_constructor("!", lambda loader, tag, node: node.value)
    template = yaml.load((Path(__file__).parents[1] / "template.yaml").read_text("utf-8"), Loader)
    table = template["Resources"]["Table"]["Properties"]
    assert {name: table[name] for name in DEFINITION} == DEFINITION
