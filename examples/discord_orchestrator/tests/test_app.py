"""
The bot without a server: `handle()` in, a response out, the slow work run at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import obskit
from orchestrator.github import GitHub
from standins import Bot, DiscordStandIn, GitHubStandIn, Plan, Signer, fakes
from standins.server import Reply

ALICE = "80351110224678912"


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


def test_direct_messages_name_the_user_elsewhere(app: Bot, signer: Signer) -> None:
    """
    Outside a guild there is no member, only a user.
    """
    interaction = signer.command("diagnose", user_id=ALICE)
    interaction["user"] = interaction.pop("member")["user"]
    app.ask(interaction)
    assert app.waiting[0].user_id == ALICE


def test_a_command_that_is_handed_over_twice_is_done_once(
    app: Bot, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Whoever carries commands to where the work is done may deliver one again, also elsewhere and later.
    """
    app.ask(signer.command("diagnose", user_id=ALICE))
    app.waiting.extend([app.waiting[0]] * 2)
    app.finish()
    assert (len(github.dispatches), len(discord.edits)) == (1, 1)
    assert len(app.logged(msg="Command delivered again")) == 2
    assert len(app.logged(event="command.end")) == 1


@pytest.mark.parametrize("seconds", [0, 5])
def test_how_long_the_first_answer_took_is_logged(app: Bot, signer: Signer, seconds: int) -> None:
    """
    The interaction's id says when the user sent it, so time on the way to the bot counts too.
    """
    interaction = signer.command("status", user_id=ALICE)
    interaction["id"] = str(int(interaction["id"]) - (seconds * 1000 << 22))
    app.ask(interaction)
    (line,) = app.logged(msg="Command acknowledged")
    assert seconds * 1000 <= line["ack_ms"] < seconds * 1000 + 60_000
    assert (line["cmd"], line["user_id"]) == ("/status", ALICE)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0"}),
            "limits our requests",
        ),
        (Reply(403, {"message": "Resource not accessible"}), "is not allowed to do this on GitHub"),
        (Reply(404, {"message": "Not Found"}), "does not know what the bot asks for"),
        (Reply(422, {"message": "No ref found"}), "refused the branch or the inputs"),
        (Reply(429, {"message": "Too many"}, {"Retry-After": "60"}), "limits our requests"),
        (Reply(502, None), "has trouble at the moment"),
    ],
)
def test_what_github_refuses_is_plain_words_and_one_alert(
    app: Bot, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn, *, reply: Reply, words: str
) -> None:
    """
    The user reads what to do and never a status; the team hears of it once, with the status.
    """
    github.script("dispatch", reply, reply)
    for _ in range(2):
        app.ask(signer.command("diagnose", user_id=ALICE))
        app.finish()
    for edit in discord.edits:
        assert words in edit["content"]
        assert str(reply.status) not in edit["content"].partition("Trace")[0]
    (alert,) = app.alerts.alerts
    assert f"GitHub answered {reply.status}" in str(alert.root_cause)
    assert [line["alert"] for line in app.logged(msg="Command failed")] == ["queued", "duplicate"]


@pytest.mark.parametrize("kind", [3, 4, 5, None, "2"])
def test_other_interactions_are_answered_politely(app: Bot, signer: Signer, kind: object) -> None:
    """
    Buttons and forms are none of this bot's, and no reason for an error.
    """
    answer = app.ask({**signer.command("diagnose", user_id=ALICE), "type": kind})
    assert answer["data"]["content"] == "I only know slash commands."


def test_what_the_first_answer_does_not_need_is_not_loaded() -> None:
    """
    A cold start is part of Discord's three seconds, so the slow libraries wait for the slow part.
    """
    slow = "asyncio boto3 concurrent.futures http.client logging socket sqlite3 ssl subprocess urllib3"
    code = f"import sys, orchestrator.app; print(sorted(set({slow.split()}) & set(sys.modules)))"
    root = Path(__file__).resolve().parents[1]
    # Coverage, where it measures, loads some of them itself.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, env=plain
    )
    assert done.stdout == "[]\n"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.fixed_dictionaries(
        {"type": st.just(2)}, optional={"data": JSON, "member": JSON, "user": JSON, "id": JSON, "token": JSON}
    )
)
def test_no_signed_nonsense_raises(app: Bot, interaction: dict[str, Any]) -> None:
    """
    Anything that claims to be a command is answered or refused, and is no failure of the bot's.
    """
    assert app.ask(interaction)["status"] in {200, 400, 401}
    assert not app.logged(level="error")
    assert not app.alerts.alerts
