"""
The main job, end to end: signed interactions over HTTP to the real process, against both stand-ins.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from standins import DiscordStandIn, GitHubStandIn, Orchestrator, Plan, Signer, fakes
from standins.user import ALICE, DEFERRED, ask, diagnose

BOB = "80351110224678913"
FAILURE = Plan(conclusion="failure", failing_step="Run tests")


def test_a_ping_is_answered_with_a_pong(bot: Orchestrator, signer: Signer) -> None:
    """
    Discord's check of the endpoint succeeds.
    """
    answer = signer.send(bot.url, {"id": "1", "type": 1})
    assert (answer.status, answer.body) == (200, {"type": 1})


def test_the_answer_does_not_wait_for_github(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    However slow GitHub is, the user sees at once that the bot is at work.
    """
    github.plans.append(Plan(delay=1.5))
    interaction = signer.command("diagnose", user_id=ALICE)
    answer = signer.send(bot.url, interaction)
    assert answer.body == DEFERRED
    assert answer.seconds < 1.0
    assert discord.edits == []
    assert "✅" in discord.edit_of(interaction["token"])


def test_a_good_run_is_reported_with_its_link(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The final answer says that the run succeeded and where to look at it; nobody is alerted.
    """
    text, trace_id = diagnose(bot, signer, discord, target="api")
    assert text.startswith("✅ Diagnosis of api")
    assert f"https://github.com/{github.repository}/actions/runs/" in text
    assert github.dispatches[0]["inputs"] == {"target": "api", "note": "", "correlation_id": trace_id}
    assert discord.messages == []


def test_every_line_of_a_command_has_its_trace_id(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    From acknowledgement to finish, one id finds the whole command in the log.
    """
    _, trace_id = diagnose(bot, signer, discord)
    lines = bot.lines(trace_id=trace_id)
    assert lines[0]["msg"] == "Command received"
    assert lines[-1]["event"] == "command.end"
    assert lines[-1]["outcome"] == "ok"
    assert {(line["user_id"], line["cmd"]) for line in lines} == {(ALICE, "/diagnose")}
    assert [line for line in bot.lines() if "cmd" in line] == lines


def test_a_failing_run_tells_the_user_and_the_team(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The user gets plain words and a trace to quote; the channel gets cause, trace and link, once.
    """
    github.plans.append(FAILURE)
    text, trace_id = diagnose(bot, signer, discord)
    assert text.startswith("❌ The workflow ended with failure.")
    assert f"`{trace_id[:8]}`" in text
    assert "The team knows." in text
    assert bot.stop() == 0
    (alert,) = discord.messages
    for part in ("/diagnose failed", "Run tests", trace_id[:8], "/actions/runs/17000000000"):
        assert part in str(alert), part
    (failed,) = bot.lines(msg="Command failed")
    assert failed["error"] == "CommandFailed: The workflow ended with failure."
    assert failed["trace_id"] == trace_id


@pytest.mark.slow
def test_repeats_are_counted_and_told_after_the_window(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The same failure alerts once per window whatever its trace id; the next message has the count.
    """
    window = 4.0
    bot = start_bot(ALERT_WINDOW_SECONDS=str(window))
    github.plans.extend([FAILURE] * 3)
    _, first = diagnose(bot, signer, discord)
    assert discord.wait_for(lambda: discord.messages)
    delivered = time.monotonic()
    _, second = diagnose(bot, signer, discord)
    assert first != second
    time.sleep(max(0.0, delivered + window + 0.2 - time.monotonic()))
    assert len(discord.messages) == 1
    diagnose(bot, signer, discord)
    assert discord.wait_for(lambda: len(discord.messages) == 2)
    assert "1 more" in str(discord.messages[1])


@pytest.mark.slow
def test_a_busy_bot_says_so(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Where too much is at work already, the user is told at once instead of never, and the team once.
    """
    github.plans.extend([Plan(polls=10_000)] * 32)
    interactions = [signer.command("diagnose", user_id=ALICE) for _ in range(34)]
    answers = [signer.send(bot.url, interaction) for interaction in interactions]
    assert [answer.body for answer in answers[:32]] == [DEFERRED] * 32
    assert [answer.text.splitlines()[0] for answer in answers[32:]] == [
        "❌ I am busy. Please try again in a minute."
    ] * 2
    assert discord.wait_for(lambda: discord.messages)
    assert "32 commands run" in str(discord.messages)
    assert [line["alert"] for line in bot.lines(msg="Command failed")] == ["queued", "duplicate"]
    bot.kill()  # it would wait for them


def test_debug_last_shows_the_steps_of_a_good_run(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Every step is there with ✅, and so is the link to the run; asking twice shows the same.
    """
    _, trace_id = diagnose(bot, signer, discord)
    text = ask(bot, signer, "debug-last")["content"]
    for part in (
        "/diagnose",
        trace_id[:8],
        "✅",
        "Validate",
        "Dispatch workflow",
        "Wait for run",
        "Report",
        "View Run",
    ):
        assert part in text, part
    assert "❌" not in text
    assert ask(bot, signer, "debug-last")["content"] == text


def test_debug_last_shows_where_a_run_failed(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The step that failed has ❌, those before it ✅, and the error is told.
    """
    github.plans.append(FAILURE)
    diagnose(bot, signer, discord)
    text = ask(bot, signer, "debug-last")["content"]
    (failed,) = [line for line in text.splitlines() if "Wait for run" in line]
    (good,) = [line for line in text.splitlines() if "Dispatch workflow" in line]
    assert "❌" in failed
    assert "✅" in good
    assert "The workflow ended with failure" in text


def test_debug_last_never_shows_another_users_command(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Who ran nothing is told so kindly, whatever others ran.
    """
    diagnose(bot, signer, discord)
    assert ask(bot, signer, "debug-last", BOB)["content"].startswith("I remember no command of yours")


def test_debug_last_is_for_admins_where_admins_are_set(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn
) -> None:
    """
    With DEBUG_ADMIN_IDS only those users may ask, and still only for their own commands.
    """
    bot = start_bot(DEBUG_ADMIN_IDS=f"{BOB}, 80351110224678999")
    diagnose(bot, signer, discord)
    assert ask(bot, signer, "debug-last", ALICE)["content"].endswith("switched off for you.")
    assert ask(bot, signer, "debug-last", BOB)["content"].startswith("I remember no command of yours")


def test_flags_that_cannot_be_meant_are_off_with_one_warning_each(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    A flag is on for exactly ``true``; /debug-last is refused and nobody is alerted otherwise.
    """
    bot = start_bot(ENABLE_DEBUG_CMD="false  # Keep off initially", ENABLE_ALERTS="yes")
    github.plans.append(FAILURE)
    diagnose(bot, signer, discord)
    assert "switched off" in ask(bot, signer, "debug-last")["content"]
    assert bot.stop() == 0
    assert discord.messages == []
    warnings = [line["msg"] for line in bot.lines(level="warn")]
    assert len(warnings) == 2
    assert sum("ENABLE_DEBUG_CMD" in warning for warning in warnings) == 1
    assert sum("ENABLE_ALERTS" in warning for warning in warnings) == 1


def test_alerts_without_a_channel_are_off_with_one_warning(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The bot runs without alerts rather than not at all, says so once, and promises the user nothing.
    """
    bot = start_bot(ALERT_CHANNEL_ID="")
    github.plans.append(FAILURE)
    text, _ = diagnose(bot, signer, discord)
    assert "The team knows." not in text
    assert bot.stop() == 0
    assert discord.messages == []
    (warning,) = bot.lines(level="warn")
    assert "ALERT_CHANNEL_ID" in warning["msg"]


def test_without_flags_nothing_optional_happens(
    start_bot: Callable[..., Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Alerts and /debug-last are off where nobody asked for them, without a warning.
    """
    bot = start_bot(ENABLE_DEBUG_CMD="", ENABLE_ALERTS="", ALERT_CHANNEL_ID="")
    github.plans.append(FAILURE)
    diagnose(bot, signer, discord)
    assert "switched off" in ask(bot, signer, "debug-last")["content"]
    assert ask(bot, signer, "status")["content"].endswith("Alerts: 0 sent, 0 repeats only counted.")
    assert bot.stop() == 0
    assert discord.messages == []
    assert bot.lines(level="warn") == []


def test_no_planted_secret_gets_out(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    What the user pasted, what GitHub's step was called, and the bot's own tokens are hidden everywhere.
    """
    pasted, leaked = fakes.github_token(), fakes.github_token()
    step = f"Run curl -H 'Authorization: Bearer {leaked}' https://example.com"
    github.plans.append(Plan(conclusion="failure", failing_step=step))
    text, _ = diagnose(bot, signer, discord, target="api", note=f"try it with {pasted}")
    assert discord.wait_for(lambda: discord.messages)
    shown = [text, str(ask(bot, signer, "debug-last"))]
    bot.stop()
    requests = [request.raw.decode() for server in (discord, github) for request in server.requests]
    interaction_token = discord.edits[0]["token"]
    everything = "\n".join([bot.output("stdout"), bot.output("stderr"), *requests, *shown])
    for secret in (pasted, leaked, discord.bot_token, github.token, interaction_token):
        assert secret not in everything
    assert "***" in github.dispatches[0]["inputs"]["note"]
    assert bot.output("stderr") == ""


def test_status_says_that_the_bot_is_well(bot: Orchestrator, signer: Signer) -> None:
    """
    /status is answered at once and by the bot alone.
    """
    assert ask(bot, signer, "status")["content"].startswith("✅ I am well.")


def test_pending_work_is_finished_when_the_bot_is_asked_to_stop(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    A user whose command was running when the bot was stopped still gets the answer.
    """
    github.plans.append(Plan(delay=1.0, conclusion="failure"))
    interaction = signer.command("diagnose", user_id=ALICE)
    signer.send(bot.url, interaction)
    assert bot.stop() == 0
    assert "❌" in discord.edit_of(interaction["token"], timeout=0.0)
    assert len(discord.messages) == 1
    assert bot.lines()[-1]["msg"] == "Stopped"


def test_a_command_delivered_twice_is_run_once(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    A replayed interaction is refused though its signature is right.
    """
    interaction = signer.command("diagnose", user_id=ALICE)
    assert signer.send(bot.url, interaction).status == 200
    assert signer.send(bot.url, interaction).status == 401
    discord.edit_of(interaction["token"])
    assert len(github.dispatches) == 1


def test_the_answer_is_edited_though_discord_does_not_know_it_yet(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Discord may answer 404 10015 to an edit that comes right after the answer; it is tried again.
    """
    early = DiscordStandIn.UNKNOWN_WEBHOOK
    discord.script("edit", early, early)
    text, _ = diagnose(bot, signer, discord)
    assert text.startswith("✅")
    assert sum(request.method == "PATCH" for request in discord.requests) == 3
