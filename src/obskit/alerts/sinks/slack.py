"""
Tell a Slack channel through an incoming webhook.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. Slack
offers no idempotency here, so after an ambiguous failure a message may come twice.
"""

from __future__ import annotations

import json
import re
from typing import Final

from ...errors import ConfigError
from ...event import Json
from ...http import endpoint
from ...redaction import register_secret
from ...version import __version__
from ..delivery import Delivery
from ._answers import check
from ._layout import Markup, layout

#: Slack shows more, but folds it away.
LIMIT: Final = 3_000

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"obskeeper/{__version__}"}
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class SlackWebhook:
    """
    Posts through an incoming webhook.

    Args:
        url: As Slack shows it. Who has it can post, so it is a secret.
    """

    def __init__(self, url: str) -> None:
        self._endpoint = endpoint(url, setting="url", what="SlackWebhook")
        secret = self._endpoint.path.rpartition("/")[2]
        if not secret:
            raise ConfigError("url must have a path such as /services/..., as Slack shows it")
        register_secret(secret, "slack_webhook")

    def emit(self, delivery: Delivery, /) -> None:
        """Post *delivery*."""
        body = json.dumps(slack_payload(delivery), separators=(",", ":")).encode()
        check(self._endpoint.post(body, headers=_HEADERS), "Slack")

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def __repr__(self) -> str:
        return f"SlackWebhook({self._endpoint!r})"


def slack_payload(delivery: Delivery) -> dict[str, Json]:
    """Write *delivery* as the body of a message that mentions nobody and previews nothing."""
    return {"text": layout(delivery, _MARKUP, LIMIT), "unfurl_links": False, "unfurl_media": False}


def _escaped(text: str) -> str:
    """Write what Slack would read as a mention, a channel or a link as plain characters."""
    return re.sub("[&<>]", lambda found: _ENTITIES[found[0]], text)


_MARKUP: Final = Markup(
    strong=lambda text: f"*{text}*",
    block=lambda text: f"```\n{_escaped(text.replace('`', chr(0x2CB)))}\n```",
    code=lambda text: f"`{_escaped(text.replace('`', chr(0x27))) or ' '}`",
    link=lambda url: f"<{url.replace('&', '&amp;').replace('|', '%7C')}>",
    escape=lambda text: re.sub("[*_~`]", "", _escaped(text)),
)
