"""
What the bot says to Discord: messages, edits of its answers, the list of commands.
"""

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import quote

import obskit

from .config import Config
from .http import request
from .observability import CommandFailed, log

#: The last one is there only where it is switched on.
COMMANDS: Final[list[dict[str, Any]]] = [
    {
        "name": "diagnose",
        "description": "Run the diagnosis workflow and report what it found",
        "options": [
            {"type": 3, "name": "target", "description": "What to look at, or everything", "max_length": 100},
            {"type": 3, "name": "note", "description": "What the run should know", "max_length": 500},
        ],
    },
    {"name": "status", "description": "Is the bot well?"},
    {"name": "debug-last", "description": "Show the steps of my last command"},
]

LIMIT: Final = 1_990  #: Discord takes 2,000 code points, which is how len() counts; a little room stays
_AGENT: Final = {"User-Agent": "DiscordBot (https://example.com/discord_orchestrator, 1.0)"}
#: Seconds between tries. An edit may overtake the answer it edits, which Discord
#: then does not know yet (discord-api-docs#7220): ten seconds are enough.
_PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 3.0)


def message(text: str) -> dict[str, Any]:
    """Build a message for the user: without secrets, short enough, and pinging nobody."""
    safe = obskit.redact_text(text)
    shown = safe if len(safe) <= LIMIT else f"{safe[: LIMIT - 1]}…"
    return {"content": shown, "allowed_mentions": {"parse": []}}


def edit_answer(config: Config, token: str, text: str) -> None:
    """Replace the answer to the interaction that *token* belongs to."""
    url = f"{config.discord_api}/webhooks/{config.application_id}/{quote(token, safe='')}/messages/@original"
    for pause in (*_PAUSES, None):
        try:
            request("Discord", "PATCH", url, headers=_AGENT, body=message(text))
        except CommandFailed as error:
            if pause is None or error.retry_after is None:
                raise
            time.sleep(error.retry_after or pause)
        else:
            return


def register(config: Config) -> None:
    """Make the commands known; one that is off is not there to be called."""
    commands = COMMANDS if config.debug_command else COMMANDS[:-1]
    url = f"{config.discord_api}/applications/{config.application_id}/commands"
    headers = _AGENT | {"Authorization": f"Bot {config.bot_token}"}
    request("Discord", "PUT", url, headers=headers, body=commands)
    log.info("Commands registered", names=[f"/{command['name']}" for command in commands])
