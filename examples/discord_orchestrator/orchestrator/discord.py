"""
What the bot says to Discord: messages, edits of its answers, the list of commands.
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import quote

import obskit

from .commands import CommandJson
from .config import Config
from .errors import CommandFailed
from .http import request

LIMIT: Final = 1_990  #: Discord takes 2,000 code points, which is how len() counts; a little room stays
_USER_AGENT: Final = "DiscordBot (https://example.com/discord_orchestrator, 1.0)"
_NOT_TAKEN: Final = "Discord did not take what it was sent."
_UNKNOWN_WEBHOOK: Final = "10015"
#: Seconds between tries. An edit may overtake the answer it edits, which Discord
#: then does not know yet (discord-api-docs#7220): ten seconds are enough.
_PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 3.0, 3.0)


def message(text: str) -> dict[str, object]:
    """Build a message for the user: without secrets, short enough, and pinging nobody."""
    safe = obskit.redact_text(text)
    shown = safe if len(safe) <= LIMIT else f"{safe[: LIMIT - 1]}…"
    return {"content": shown, "allowed_mentions": {"parse": []}}


class Discord:
    """Discord's HTTP interface, as far as this bot needs it."""

    def __init__(self, config: Config) -> None:
        self._base = config.discord_api
        self._application = config.application_id
        self._bot_token = config.bot_token

    def edit_answer(self, token: str, text: str) -> None:
        """Replace the answer to the interaction that *token* belongs to."""
        path = f"/webhooks/{self._application}/{quote(token, safe='')}/messages/@original"
        for pause in _PAUSES:
            try:
                return self._send("PATCH", path, message(text), {})
            except CommandFailed as error:
                if error.retry_after is None:
                    raise
                time.sleep(error.retry_after or pause)
        return self._send("PATCH", path, message(text), {})

    def register(self, commands: list[CommandJson], guild_id: str | None) -> None:
        """Make *commands* the whole list of the application, everywhere or in one guild."""
        guild = f"/guilds/{guild_id}" if guild_id else ""
        path = f"/applications/{self._application}{guild}/commands"
        self._send("PUT", path, commands, {"Authorization": f"Bot {self._bot_token}"})

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> None:
        sent = {**headers, "User-Agent": _USER_AGENT}
        reply = request(method, f"{self._base}{path}", headers=sent, body=body)
        if reply.status >= 300:
            code = reply.text("code")
            cause = f"Discord answered {reply.status} {code} {reply.text('message')}"
            early = reply.status == 404 and code == _UNKNOWN_WEBHOOK
            passing = early or reply.status == 429 or reply.status >= 500
            wait = reply.seconds("retry-after") or 0.0
            raise CommandFailed(_NOT_TAKEN, cause=cause, retry_after=wait if passing else None)
