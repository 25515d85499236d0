"""
The bot's settings, read once from the environment: `Config()`.

What concerns logs, traces and alerts is read by obskit itself; of that, the bot needs to
know where traces are kept, since it notes in the same place which interactions were worked on.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Final

import obskit
from obskit.errors import ConfigError

_URL: Final = r"https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/\S*)?"
_URL_WORDS: Final = "an https:// address (http:// only for this machine)"


def _setting(name: str, pattern: str, words: str, default: str = "") -> Any:
    """Declare a field that is read from the variable *name*, which takes *pattern*, in *words*."""

    def read() -> str:
        value = os.environ.get(name, "").strip().rstrip("/") or default
        if not re.fullmatch(pattern, value, re.ASCII):
            # The value is not shown: it may be a secret that was put in the wrong place.
            raise ConfigError(f"{name} must be {words}, got {'something else' if value else 'nothing'}")
        return value

    return field(default_factory=read)


@dataclass(frozen=True, slots=True, repr=False)
class Config:
    """All settings of the bot; raises `ConfigError` naming the first variable that does not fit."""

    application_id: str = _setting("DISCORD_APPLICATION_ID", r"\d{1,20}", "a number")
    public_key: str = _setting("DISCORD_PUBLIC_KEY", r"[0-9a-fA-F]{64}", "64 hex digits")
    bot_token: str = _setting("DISCORD_BOT_TOKEN", r"\S*", "the bot's token")  #: for `register` and alerts
    discord_api: str = _setting("DISCORD_API_BASE", _URL, _URL_WORDS, "https://discord.com/api/v10")
    github_token: str = _setting("GITHUB_TOKEN", r"\S+", "a token with Actions: write")
    repository: str = _setting("GITHUB_REPOSITORY", r"[\w.-]+/[\w.-]+", "owner/name")
    workflow: str = _setting("GITHUB_WORKFLOW", r"[\w.-]+", "a file name", "diagnose.yml")
    ref: str = _setting("GITHUB_REF", r"[^\s~^:?*\[\\]+", "a branch or tag", "main")
    github_api: str = _setting("GITHUB_API_BASE", _URL, _URL_WORDS, "https://api.github.com")
    store: str = _setting("OBSKIT_TRACE_STORE", r".+", "the URL of a trace store", "memory:")
    debug_command: bool = field(default_factory=lambda: obskit.env_flag("ENABLE_DEBUG_CMD"))
    debug_admins: str = _setting("DEBUG_ADMIN_IDS", r"[\d\s,]*", "ids of users with commas between")

    def may_debug(self, user_id: str) -> bool:
        """Say whether *user_id* may ask for their own last trace: everybody, where no admins are named."""
        admins = re.findall(r"\d+", self.debug_admins)
        return self.debug_command and (user_id in admins or not self.debug_admins)
