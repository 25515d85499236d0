"""
What the bot sends to Discord, over HTTP to the stand-in.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Config
from orchestrator.discord import edit_answer, message, register
from orchestrator.observability import CommandFailed
from standins import DiscordStandIn
from standins.server import Reply

TOKEN = "aW50ZXJhY3Rpb246fake"  # "interaction:" and nothing


@given(st.text(max_size=3000))
def test_any_text_becomes_a_message_that_discord_takes(text: str) -> None:
    """
    It fits, and it pings nobody.
    """
    built = message(text)
    assert len(str(built["content"])) < 2000
    assert built["allowed_mentions"] == {"parse": []}


def test_length_is_counted_in_code_points() -> None:
    """
    As Discord counts, an emoji is one.
    """
    assert str(message("🙂" * 1990)["content"]) == "🙂" * 1990
    assert str(message("🙂" * 1991)["content"]).endswith("🙂…")


@pytest.mark.parametrize(
    "passing",
    [DiscordStandIn.UNKNOWN_WEBHOOK, Reply(429, {"retry_after": 0.01}, {"Retry-After": "0.01"}), Reply(502)],
)
def test_an_edit_is_tried_again_where_that_may_help(
    config: Config, discord: DiscordStandIn, passing: Reply
) -> None:
    """
    An edit that overtakes its answer, a limit and an outage pass.
    """
    discord.script("edit", passing)
    edit_answer(config, TOKEN, "done")
    assert [edit["content"] for edit in discord.edits] == ["done"]


def test_a_limit_is_respected(config: Config, discord: DiscordStandIn) -> None:
    """
    The next try comes no sooner than Discord asks.
    """
    discord.script("edit", Reply(429, {"retry_after": 0.4}, {"Retry-After": "0.4"}))
    start = time.monotonic()
    edit_answer(config, TOKEN, "done")
    assert time.monotonic() - start >= 0.4


@pytest.mark.parametrize(
    "final",
    [
        Reply(401, {"message": "Invalid Webhook Token", "code": 50027}),
        Reply(404, {"message": "Unknown Interaction", "code": 10062}),
    ],
)
def test_an_edit_is_not_repeated_where_that_is_no_use(
    config: Config, discord: DiscordStandIn, final: Reply
) -> None:
    """
    An expired token or an unknown interaction ends the matter; the error does not hold the token.
    """
    discord.script("edit", final)
    with pytest.raises(CommandFailed) as failed:
        edit_answer(config, TOKEN, "done")
    assert str(final.status) in str(failed.value.cause)
    assert TOKEN not in repr(failed.value) + str(failed.value.cause)
    assert len(discord.requests) == 1


def test_commands_are_registered(config: Config, discord: DiscordStandIn) -> None:
    """
    The list replaces the one that Discord had.
    """
    register(config)
    assert [command["name"] for command in discord.commands] == ["diagnose", "status", "debug-last"]


def test_a_command_that_is_off_is_not_listed(config: Config, discord: DiscordStandIn) -> None:
    """
    What is switched off cannot be seen.
    """
    register(replace(config, debug_command=False))
    assert [command["name"] for command in discord.commands] == ["diagnose", "status"]
