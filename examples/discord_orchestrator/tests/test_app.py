"""
The bot without a server: `handle()` in, a response out, the slow work run at once.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import obskit
from obskit.alerts import Alerter
from obskit.alerts.sinks import Memory
from orchestrator.app import Command, Orchestrator
from orchestrator.config import Config
from orchestrator.github import GitHub
from standins import DiscordStandIn, GitHubStandIn, Plan, Signer, fakes
from standins.server import Reply

ALICE = "80351110224678912"


class Bot:
    """The orchestrator in this process; what is to be done later is done by `finish()`."""

    def __init__(self, config: Config, signer: Signer) -> None:
        self.lines = io.BytesIO()
        self.alerts = Memory()
        self.runtime = obskit.configure(
            output=self.lines, alerter=Alerter([self.alerts]), capture_logging=False, hooks=False
        )
        github = GitHub(config, closing=Event(), first_pause=0.001)
        self.waiting: list[Command] = []
        self.room = True
        self.orchestrator = Orchestrator(config, self.runtime, github, later=self._later)
        self._signer = signer

    def _later(self, command: Command) -> bool:
        if self.room:
            self.waiting.append(command)
        return self.room

    def ask(self, interaction: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(interaction).encode()
        headers = {name.lower(): value for name, value in self._signer.headers(body).items()}
        status, answer = self.orchestrator.handle(headers, body)
        return {"status": status, **answer}

    def finish(self) -> None:
        for command in self.waiting:
            self.orchestrator.work(command)
        self.waiting.clear()
        self.runtime.flush(5.0)

    def logged(self, **fields: object) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [line for line in lines if fields.items() <= line.items()]


@pytest.fixture
def app(config: Config, signer: Signer) -> Iterator[Bot]:
    """The orchestrator in this process."""
    bot = Bot(config, signer)
    with bot.runtime:
        yield bot


def test_no_secret_is_in_the_stored_trace(
    app: Bot, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The store holds what happened, and not what was pasted or leaked on the way.
    """
    pasted, leaked = fakes.github_token(), fakes.github_token()
    github.plans.append(Plan(conclusion="failure", failing_step=f"Run login --token {leaked}"))
    app.ask(signer.command("diagnose", user_id=ALICE, options={"note": f"see {pasted}", "api_key": pasted}))
    app.finish()
    trace = obskit.get_trace_store().last(ALICE)
    assert trace is not None
    stored = json.dumps(trace.to_dict())
    assert [step.status for step in trace.steps] == ["ok", "ok", "error", "ok"]
    assert pasted not in stored
    assert leaked not in stored
    assert leaked not in str(app.alerts.alerts)
    assert leaked not in app.lines.getvalue().decode()


@pytest.mark.parametrize(
    ("typed", "target"), [("two\nli\ud800nes ", "twolines"), ("  ", "all"), ("é" * 150, "é" * 100)]
)
def test_what_the_workflow_gets_is_one_short_line(
    app: Bot, signer: Signer, github: GitHubStandIn, typed: str, target: str
) -> None:
    """
    The run's page shows the target, so what does not belong into a line is left out.
    """
    app.ask(signer.command("diagnose", user_id=ALICE, options={"target": typed, "note": "x" * 600}))
    app.finish()
    assert github.dispatches[0]["inputs"] | {"correlation_id": ""} == {
        "target": target,
        "note": "x" * 500,
        "correlation_id": "",
    }


def test_a_run_without_a_known_failing_step_is_told_all_the_same(
    app: Bot, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The step's name is a detail; where GitHub does not tell it, the failure is still the run's.
    """
    for told in (Reply(404), Reply(200, {}), Reply(200, {"jobs": [{}]}), Reply(200, {"jobs": None})):
        github.plans.append(Plan(conclusion="failure"))
        github.script("jobs", told)
        app.ask(signer.command("diagnose", user_id=ALICE))
        app.finish()
        assert discord.edits[-1]["content"].startswith("❌ The workflow ended with failure.")
    assert str(app.alerts.alerts[0].root_cause) == "step failed: unknown"


def test_an_error_nobody_foresaw_is_told_without_its_text(
    app: Bot, signer: Signer, discord: DiscordStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The user reads its type and a trace to quote; log and alert have the rest.
    """

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("internal detail")

    monkeypatch.setattr(GitHub, "dispatch", broken)
    app.ask(signer.command("diagnose", user_id=ALICE))
    app.finish()
    assert discord.edits[0]["content"].startswith("❌ Something went wrong on our side (ZeroDivisionError).")
    assert "internal detail" not in discord.edits[0]["content"]
    assert "internal detail" in str(app.alerts.alerts[0].root_cause)
    assert app.logged(msg="Command failed")[0]["error"] == "ZeroDivisionError: internal detail"


def test_an_answer_that_cannot_be_edited_alerts_the_team(
    app: Bot, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    The user cannot be told, so the team is, and the trace shows it.
    """
    discord.script("edit", Reply(401, {"message": "Invalid Webhook Token", "code": 50027}))
    app.ask(signer.command("diagnose", user_id=ALICE))
    app.finish()
    (alert,) = app.alerts.alerts
    assert "Discord does not accept the bot's token" in alert.message
    trace = obskit.get_trace_store().last(ALICE)
    assert trace is not None
    assert (trace.status, trace.trace_id) == ("error", alert.trace_id)


def test_a_busy_bot_says_so(app: Bot, signer: Signer) -> None:
    """
    Where too much waits already, the user is told at once instead of never.
    """
    app.room = False
    answer = app.ask(signer.command("diagnose", user_id=ALICE))
    assert answer["type"] == 4
    assert "busy" in answer["data"]["content"]


def test_direct_messages_name_the_user_elsewhere(app: Bot, signer: Signer) -> None:
    """
    Outside a guild there is no member, only a user.
    """
    interaction = signer.command("diagnose", user_id=ALICE)
    interaction["user"] = interaction.pop("member")["user"]
    app.ask(interaction)
    assert app.waiting[0].user_id == ALICE


@pytest.mark.parametrize("kind", [3, 4, 5, None, "2"])
def test_other_interactions_are_answered_politely(app: Bot, signer: Signer, kind: object) -> None:
    """
    Buttons and forms are none of this bot's, and no reason for an error.
    """
    answer = app.ask({**signer.command("diagnose", user_id=ALICE), "type": kind})
    assert answer["data"]["content"] == "I only know slash commands."


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.fixed_dictionaries(
        {"type": st.just(2)}, optional={"data": JSON, "member": JSON, "user": JSON, "id": JSON}
    )
)
def test_no_signed_nonsense_raises(app: Bot, interaction: dict[str, Any]) -> None:
    """
    Anything that claims to be a command is answered or refused.
    """
    assert app.ask(interaction)["status"] in {200, 400, 401}
