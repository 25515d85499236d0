"""Services and places that alerts can be sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import lazy

if TYPE_CHECKING:
    from ._trial import preview, send_test
    from .alertmanager import Alertmanager
    from .bridge import Apprise
    from .discord import DiscordChannel, DiscordWebhook
    from .email import Email
    from .local import Callback, Console, Memory
    from .pagerduty import PagerDuty
    from .slack import SlackWebhook
    from .telegram import TelegramChat
    from .webhook import Webhook

__all__ = [
    "Alertmanager",
    "Apprise",
    "Callback",
    "Console",
    "DiscordChannel",
    "DiscordWebhook",
    "Email",
    "Memory",
    "PagerDuty",
    "SlackWebhook",
    "TelegramChat",
    "Webhook",
    "preview",
    "send_test",
]

# Nobody needs all of them.
__getattr__, __dir__ = lazy.attributes(
    __name__,
    __all__,
    {
        **dict.fromkeys(("Callback", "Console", "Memory"), "local"),
        **dict.fromkeys(("DiscordChannel", "DiscordWebhook"), "discord"),
        **dict.fromkeys(("preview", "send_test"), "_trial"),
        "Alertmanager": "alertmanager",
        "Apprise": "bridge",
        "Email": "email",
        "PagerDuty": "pagerduty",
        "SlackWebhook": "slack",
        "TelegramChat": "telegram",
        "Webhook": "webhook",
    },
)
