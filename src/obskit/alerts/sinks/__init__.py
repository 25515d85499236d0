"""Services and places that alerts can be sent to."""

from __future__ import annotations

from .discord import DiscordChannel, DiscordWebhook
from .local import Callback, Console, Memory
from .slack import SlackWebhook
from .telegram import TelegramChat

__all__ = [
    "Callback",
    "Console",
    "DiscordChannel",
    "DiscordWebhook",
    "Memory",
    "SlackWebhook",
    "TelegramChat",
]
