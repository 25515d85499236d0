"""
The RUNBOOK's plan, step by step: each test is named after the step that it takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from standins import Bot, DiscordStandIn, GitHubStandIn, Orchestrator, Plan, Signer, fakes
from standins.server import Reply
from standins.user import ALICE, ask, diagnose

RUNBOOK: Final = (Path(__file__).resolve().parents[1] / "RUNBOOK.md").read_text("utf-8")
BOB: Final = "80351110224678913"
#: What phase 2 of staging does on purpose, as GitHub answers it.
NO_BRANCH: Final = Reply(422, {"message": "No ref found for: no-such-branch"})
OFF: Final = {"ENABLE_DEBUG_CMD": "", "ENABLE_ALERTS": "", "ALERT_CHANNEL_ID": ""}


def fail(app: Bot, signer: Signer, github: GitHubStandIn) -> dict[str, object]:
    """Run a /diagnose that fails as in phase 2; returns the line that says so."""
    github.script("dispatch", NO_BRANCH)
    app.ask(signer.command("diagnose", user_id=ALICE))
    app.finish()
    return app.logged(msg="Command failed")[-1]


@pytest.mark.parametrize("part", ["staging", "rollout", "rollback"])
def test_every_step_of_the_plan_has_a_test(part: str) -> None:
    """
    Whoever adds a step to the RUNBOOK is reminded here.
    """
    title = {
        "staging": "Staging",
        "rollout": "Roll-out in four steps",
        "rollback": "Roll-back in five minutes",
    }
    section = RUNBOOK.partition(f"## {title[part]}\n")[2].partition("\n## ")[0]
    steps = re.findall(r"^(\d)\. ", section, re.MULTILINE)
    tested = re.findall(rf"^test_{part}_(\d)_", "\n".join(globals()), re.MULTILINE)
    assert steps == tested


def test_staging_1_a_diagnosis_is_acknowledged_at_once_and_reported(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The first answer does not wait for GitHub; the second has the outcome and the link.
    """
    bot = start_bot(ENABLE_ALERTS="false")
    text, _ = diagnose(bot, signer, discord, target="api")
    assert text.startswith("✅ Diagnosis of api")
    assert github.repository in text
    assert "ack_ms" in bot.lines(msg="Command acknowledged")[0]


def test_staging_2_all_lines_have_one_trace_id_and_no_secret(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Every line is JSON, and a token that somebody pasted is on none of them.
    """
    pasted = fakes.github_token()
    _, trace_id = diagnose(bot, signer, discord, note=f"why does {pasted} not work?")
    assert {line["trace_id"] for line in bot.lines() if "cmd" in line} == {trace_id}
    assert pasted not in bot.output("stdout") + bot.output("stderr")


def test_staging_3_debug_last_shows_the_steps_to_the_one_who_asked(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Only the asker sees the answer, and only what is theirs.
    """
    _, trace_id = diagnose(bot, signer, discord)
    assert trace_id[:8] in ask(bot, signer, "debug-last")["content"]
    assert trace_id[:8] not in ask(bot, signer, "debug-last", BOB)["content"]


def test_staging_4_debug_last_is_gone_where_it_is_off(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Switched off it answers nobody, whatever Discord still lists.
    """
    bot = start_bot(ENABLE_DEBUG_CMD="false")
    _, trace_id = diagnose(bot, signer, discord)
    assert trace_id[:8] not in ask(bot, signer, "debug-last")["content"]


def test_staging_5_the_first_failure_is_one_message(app: Bot, signer: Signer, github: GitHubStandIn) -> None:
    """
    The channel reads cause and trace.
    """
    line = fail(app, signer, github)
    (alert,) = app.alerts.alerts
    assert alert.severity == "error"
    assert "422" in str(alert.root_cause)
    assert (alert.trace_id, line["alert"]) == (line["trace_id"], "queued")


def test_staging_6_the_same_failure_again_is_silence(app: Bot, signer: Signer, github: GitHubStandIn) -> None:
    """
    It has another trace id, but it is the same failure.
    """
    first, second = fail(app, signer, github), fail(app, signer, github)
    assert first["trace_id"] != second["trace_id"]
    assert (len(app.alerts.alerts), second["alert"]) == (1, "duplicate")


def test_staging_7_after_the_window_the_next_message_counts_the_repeats(
    app: Bot, signer: Signer, github: GitHubStandIn
) -> None:
    """
    Six minutes later the failure is news again, and nothing of what was held back is forgotten.
    """
    for _ in range(3):
        fail(app, signer, github)
    app.clock.advance(360)
    assert fail(app, signer, github)["alert"] == "queued"
    assert len(app.alerts.alerts) == 2
    assert app.runtime.stats()["alerts_suppressed_reported"] == 2


def test_rollout_1_with_every_flag_off_only_the_log_is_new(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Commands are acknowledged and their ends counted; nobody is alerted, nothing can be asked for.
    """
    bot = start_bot(**OFF)
    github.plans.append(Plan(conclusion="failure"))
    _, trace_id = diagnose(bot, signer, discord)
    assert bot.lines(msg="Command acknowledged", trace_id=trace_id)
    assert bot.lines(msg="Command failed")[0]["alert"] == "disabled"
    assert "switched off" in ask(bot, signer, "debug-last")["content"]
    assert bot.stop() == 0
    assert discord.messages == []


def test_rollout_2_debug_last_answers_admins_and_nobody_else(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn
) -> None:
    """
    The bot checks it itself, though Discord shows the command to everybody.
    """
    bot = start_bot(**OFF | {"ENABLE_DEBUG_CMD": "true", "DEBUG_ADMIN_IDS": ALICE})
    _, trace_id = diagnose(bot, signer, discord)
    assert trace_id[:8] in ask(bot, signer, "debug-last")["content"]
    assert ask(bot, signer, "debug-last", BOB)["content"].endswith("switched off for you.")


def test_rollout_3_a_failure_that_is_provoked_twice_is_one_message(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The message is in the channel that was set.
    """
    bot = start_bot(ALERT_CHANNEL_ID="112233445566778890", DEBUG_ADMIN_IDS=ALICE)
    github.script("dispatch", NO_BRANCH, NO_BRANCH)
    for _ in range(2):
        diagnose(bot, signer, discord)
    assert [line["alert"] for line in bot.lines(msg="Command failed")] == ["queued", "duplicate"]
    assert discord.wait_for(lambda: discord.messages)
    assert [message["channel"] for message in discord.messages] == ["112233445566778890"]


def test_rollout_4_everybody_may_ask_for_their_own_commands(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Each user is shown the last command of that user.
    """
    for user_id in (ALICE, BOB):
        _, trace_id = diagnose(bot, signer, discord, user_id)
        assert trace_id[:8] in ask(bot, signer, "debug-last", user_id)["content"]


def test_rollback_1_a_flag_is_off_after_a_restart_and_commands_go_on(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Nothing but the environment has to change.
    """
    assert start_bot().stop() == 0
    bot = start_bot(ENABLE_ALERTS="false", ENABLE_DEBUG_CMD="false")
    github.plans.extend([Plan(), Plan(conclusion="failure")])
    assert diagnose(bot, signer, discord)[0].startswith("✅")
    assert diagnose(bot, signer, discord)[0].startswith("❌")
    assert bot.stop() == 0
    assert discord.messages == []


def test_rollback_2_the_version_that_is_started_next_has_the_same_traces(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, tmp_path: Path
) -> None:
    """
    Whichever version runs, /debug-last knows what the one before it did.
    """
    store = f"sqlite:///{tmp_path / 'traces.db'}"
    bot = start_bot(OBSKIT_TRACE_STORE=store)
    _, trace_id = diagnose(bot, signer, discord)
    assert bot.stop() == 0
    assert trace_id[:8] in ask(start_bot(OBSKIT_TRACE_STORE=store), signer, "debug-last")["content"]


def test_rollback_3_status_proves_that_the_bot_is_well(bot: Orchestrator, signer: Signer) -> None:
    """
    One command says that it answers, and how many alerts there were.
    """
    assert ask(bot, signer, "status")["content"].startswith("✅ I am well.")


def test_drill_a_token_that_was_exchanged_is_hidden_whatever_it_looks_like(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The leaked-secret drill ends with a new token; no rule knows its form, and still nobody gets to read it.
    """
    fresh = "fresh" + fakes.github_token()[4:]
    bot = start_bot(DISCORD_BOT_TOKEN=fresh, ENABLE_ALERTS="false")
    diagnose(bot, signer, discord, note=f"is {fresh} the new one?")
    assert fresh not in bot.output("stdout") + bot.output("stderr")
    assert "***" in github.dispatches[0]["inputs"]["note"]
