"""
The bot's settings, read once from the environment.

What concerns logs, traces and alerts is read by obskit itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import obskit
from obskit.errors import ConfigError

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of the bot; secrets stay out of its repr."""

    application_id: str
    public_key: str  #: 64 hex digits
    bot_token: str = field(default="", repr=False)  #: needed by `register` and by alerts only
    discord_api: str
    github_token: str = field(repr=False)
    repository: str  #: owner/name
    workflow: str
    ref: str
    github_api: str
    debug_command: bool
    debug_admins: frozenset[str]  #: empty: everybody may ask for their own last trace

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Read the settings; raises `ConfigError` naming the first variable that does not fit."""
        setting = _Settings(environ)
        return cls(
            application_id=setting("DISCORD_APPLICATION_ID", r"\d{1,20}", "a number"),
            public_key=setting("DISCORD_PUBLIC_KEY", r"[0-9a-fA-F]{64}", "64 hex digits"),
            bot_token=setting("DISCORD_BOT_TOKEN", r"\S*", "the bot's token", default=""),
            discord_api=setting.base("DISCORD_API_BASE", "https://discord.com/api/v10"),
            github_token=setting("GITHUB_TOKEN", r"\S+", "a token with Actions: write"),
            repository=setting("GITHUB_REPOSITORY", r"[\w.-]+/[\w.-]+", "owner/name"),
            workflow=setting("GITHUB_WORKFLOW", r"[\w.-]+", "a file name", default="diagnose.yml"),
            ref=setting("GITHUB_REF", r"[^\s~^:?*\[\\]+", "a branch or tag", default="main"),
            github_api=setting.base("GITHUB_API_BASE", "https://api.github.com"),
            debug_command=obskit.env_flag("ENABLE_DEBUG_CMD"),
            debug_admins=frozenset(re.findall(r"\d+", environ.get("DEBUG_ADMIN_IDS", ""))),
        )

    def secrets(self) -> dict[str, str]:
        """Return the values that must not appear anywhere, by name."""
        named = {"discord_bot_token": self.bot_token, "github_token": self.github_token}
        return {name: value for name, value in named.items() if value}


class _Settings:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, name: str, pattern: str, what: str, *, default: str | None = None) -> str:
        value = self._environ.get(name, "").strip() or default
        if value is None:
            raise ConfigError(f"{name} is not set: it takes {what}")
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ConfigError(f"{name} must be {what}")  # the value may be a secret put in the wrong place
        return value

    def base(self, name: str, default: str) -> str:
        url = urlsplit(self(name, r"\S+", "a URL", default=default).rstrip("/"))
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
            raise ConfigError(f"{name} must begin with https:// (http:// only for this machine)")
        return url.geturl()
