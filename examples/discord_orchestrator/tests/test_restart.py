"""
The bot with its traces in a file or a table: stopped, killed, and started again in the middle of a command.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from standins import DiscordStandIn, GitHubStandIn, Orchestrator, Place, Plan, Signer

ALICE = "80351110224678912"
ENDLESS = Plan(polls=10_000)


@pytest.fixture
def restart(start_bot: Callable[..., Orchestrator], store: Place) -> Callable[[], Orchestrator]:
    """Start a bot that keeps what it knows where the one before has kept it."""
    return lambda: start_bot(**store.settings)


def debug_last(bot: Orchestrator, signer: Signer) -> str:
    return signer.send(bot.url, signer.command("debug-last", user_id=ALICE)).text


def wait_for_run(bot: Orchestrator, signer: Signer, github: GitHubStandIn) -> dict[str, object]:
    """Send a /diagnose and wait until the bot waits for its run; returns the interaction."""
    github.plans.append(ENDLESS)
    interaction = signer.command("diagnose", user_id=ALICE)
    assert signer.send(bot.url, interaction).status == 200
    assert github.wait_for(lambda: any(request.method == "GET" for request in github.requests))
    return interaction


def test_debug_last_answers_after_a_restart(
    restart: Callable[[], Orchestrator], signer: Signer, discord: DiscordStandIn
) -> None:
    """
    What a user did before the bot was started anew is still there, word for word.
    """
    bot = restart()
    interaction = signer.command("diagnose", user_id=ALICE)
    signer.send(bot.url, interaction)
    assert "✅" in discord.edit_of(interaction["token"])
    assert bot.wait_for(lambda: bot.lines(event="command.end"))
    before = debug_last(bot, signer)
    assert bot.stop() == 0
    assert debug_last(restart(), signer) == before


def test_a_command_that_was_killed_shows_as_lost_with_its_step(
    restart: Callable[[], Orchestrator], store: Place, signer: Signer, github: GitHubStandIn
) -> None:
    """
    The next bot tells which step the command died in, and what was done before it.
    """
    bot = restart()
    wait_for_run(bot, signer, github)
    bot.kill()
    store.forget_signs_of_life()
    lines = debug_last(restart(), signer).splitlines()
    assert "lost" in "\n".join(lines[:3])
    marks = {
        name: line
        for line in lines
        for name in ("Validate", "Dispatch workflow", "Wait for run")
        if name in line
    }
    assert "✅" in marks["Validate"]
    assert "✅" in marks["Dispatch workflow"]
    assert "👻" in marks["Wait for run"]


def test_a_command_that_was_killed_is_not_dispatched_again(
    restart: Callable[[], Orchestrator], signer: Signer, github: GitHubStandIn
) -> None:
    """
    The interaction may arrive again, at another process: the store knows that it was worked on.
    """
    bot = restart()
    interaction = wait_for_run(bot, signer, github)
    bot.kill()
    again = restart()
    assert signer.send(again.url, interaction).status == 200
    assert again.wait_for(lambda: again.lines(msg="Command delivered again"))
    assert len(github.dispatches) == 1


def test_a_failure_that_the_team_knows_is_only_counted_after_a_restart(
    restart: Callable[[], Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    The window is in the file as well, so that a bot that crashes again and again does not flood the channel.
    """
    github.plans.extend([Plan(conclusion="failure", failing_step="Run tests")] * 2)
    bots = []
    for _ in range(2):
        bots.append(bot := restart())
        interaction = signer.command("diagnose", user_id=ALICE)
        signer.send(bot.url, interaction)
        assert "The team knows." in discord.edit_of(interaction["token"])
        assert bot.stop() == 0
    assert [bot.lines(msg="Stopped")[0]["stats"]["alerts_duplicate"] for bot in bots] == [0, 1]
    assert sum("/channels/" in request.path for request in discord.requests) == 1


@pytest.mark.slow
def test_a_command_that_runs_when_the_bot_is_stopped_is_reported_and_kept(
    restart: Callable[[], Orchestrator], signer: Signer, discord: DiscordStandIn, github: GitHubStandIn
) -> None:
    """
    Its user reads that the run goes on without the bot, and /debug-last answers after the restart.
    """
    bot = restart()
    interaction = wait_for_run(bot, signer, github)
    assert bot.stop() == 0
    assert "I stop watching it" in discord.edit_of(str(interaction["token"]), timeout=0.0)
    assert "✅" in next(line for line in debug_last(restart(), signer).splitlines() if "Report" in line)
