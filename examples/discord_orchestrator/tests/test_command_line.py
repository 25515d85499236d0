"""
`python -m orchestrator` as an operator meets it.
"""

from __future__ import annotations

import json
import re

from standins import DiscordStandIn, GitHubStandIn
from standins.process import start


def run(*arguments: str, environment: dict[str, str]) -> tuple[int, str, str]:
    process = start(*arguments, environment=environment)
    stdout, stderr = process.communicate(timeout=20)
    return process.returncode, stdout, stderr


def test_register_lists_the_commands(settings: dict[str, str], discord: DiscordStandIn) -> None:
    """
    One command makes the commands known, and its line says which.
    """
    status, stdout, stderr = run("register", environment=settings)
    assert (status, stderr) == (0, "")
    assert [command["name"] for command in discord.commands] == ["diagnose", "status", "debug-last"]
    assert json.loads(stdout.splitlines()[0])["names"] == ["/diagnose", "/status", "/debug-last"]


def test_register_leaves_out_what_is_off(settings: dict[str, str], discord: DiscordStandIn) -> None:
    """
    With the flag off, /debug-last is not there to be called.
    """
    settings |= {"ENABLE_DEBUG_CMD": "no"}
    status, stdout, _ = run("register", environment=settings)
    assert status == 0
    assert [command["name"] for command in discord.commands] == ["diagnose", "status"]
    assert stdout.count("ENABLE_DEBUG_CMD") == 1


def test_a_refused_registration_is_an_exit_status(settings: dict[str, str], discord: DiscordStandIn) -> None:
    """
    A wrong token is told with Discord's answer, and is not shown.
    """
    wrong = "not-the-right-token"
    status, stdout, stderr = run("register", environment=settings | {"DISCORD_BOT_TOKEN": wrong})
    assert status == 2
    assert stderr == "orchestrator: Discord refused the request.\n"
    assert "Discord answered 400" in stdout
    assert wrong not in stdout + stderr
    assert discord.violations.pop() == f"PUT {discord.requests[0].path}: Authorization: Bot <token>"


def test_a_port_that_is_taken_is_one_plain_line(settings: dict[str, str], github: GitHubStandIn) -> None:
    """
    The bot says that it could not listen, without a traceback.
    """
    taken = github.origin.rpartition(":")[2]
    status, _, stderr = run("serve", "--port", taken, environment=settings)
    assert status == 2
    assert re.fullmatch(r"orchestrator: .*Address already in use\n", stderr)


def test_a_missing_setting_is_one_plain_line(settings: dict[str, str]) -> None:
    """
    Set-up errors name the variable and come without a traceback.
    """
    status, _, stderr = run("serve", environment=settings | {"DISCORD_PUBLIC_KEY": ""})
    assert status == 2
    assert stderr == "orchestrator: DISCORD_PUBLIC_KEY must be 64 hex digits, got nothing\n"
