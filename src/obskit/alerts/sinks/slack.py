"""
Tell a Slack channel through an incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. Slack
offers no idempotency here, so after an ambiguous failure a message may come twice.
"""

from __future__ import annotations

import html
import re
from typing import Final

from ...errors import ConfigError
from ...event import Json
from ...http import endpoint
from ..delivery import Delivery
from ._http import HttpSink
from ._layout import Markup, layout

#: Slack shows more, but folds it away.
LIMIT: Final = 3_000


class SlackWebhook(HttpSink):
    """
    Posts through an incoming webhook.

    Args:
        url: As Slack shows it. Who has it can post, so it is a secret.
    """

    service = "Slack"

    def __init__(self, url: str) -> None:
        target = endpoint(url, setting="url", what="SlackWebhook")
        if not target.path.strip("/"):
            raise ConfigError("url must have a path such as /services/..., as Slack shows it")
        super().__init__(target, secrets=target.tokens)

    def payload(self, delivery: Delivery) -> dict[str, Json]:
        """Write a message that mentions nobody and previews nothing."""
        return {"text": layout(delivery, _MARKUP, LIMIT), "unfurl_links": False, "unfurl_media": False}


def _escaped(text: str) -> str:
    """Write what Slack would read as a mention, a channel or a link as plain characters."""
    return html.escape(text, quote=False)


_MARKUP: Final = Markup(
    strong=lambda text: f"*{text}*",
    block=lambda text: f"```\n{_escaped(text.replace('`', chr(0x2CB)))}\n```",
    code=lambda text: f"`{_escaped(text.replace('`', chr(0x27))) or ' '}`",
    link=lambda url: f"<{url.replace('&', '&amp;').replace('|', '%7C')}>",
    escape=lambda text: re.sub("[*_~`]", "", _escaped(text)).replace("://", ":\u200b//"),
)
