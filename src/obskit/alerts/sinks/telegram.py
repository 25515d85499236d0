"""
Tell a Telegram chat, as a bot.

https://core.telegram.org/bots/api#sendmessage. Messages are plain text: with a
parse mode, what an alert quotes would have to be escaped without fail. Telegram
offers no idempotency, so after an ambiguous failure a message may come twice.
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
from ..model import Severity
from ._answers import body_object, check, number
from ._layout import PLAIN, layout

#: UTF-16 units of a message.
LIMIT: Final = 4_096

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"obskeeper/{__version__}"}
_TOKEN: Final = re.compile(r"\d+:[\w-]{8,}", re.ASCII)
_CHAT: Final = re.compile(r"-?\d{1,20}|@\w{4,}", re.ASCII)


class TelegramChat:
    """
    Posts to a chat as a bot.

    Args:
        token: The bot's token.
        chat_id: The number of a chat, or ``@name`` of a public channel.
        base_url: Of the API.
    """

    def __init__(self, token: str, chat_id: str | int, *, base_url: str = "https://api.telegram.org") -> None:
        given: object = token
        if not isinstance(given, str) or not _TOKEN.fullmatch(given):
            raise ConfigError("token must be the bot's token, of the form 123456:ABC...")
        if not _CHAT.fullmatch(str(chat_id)):
            raise ConfigError(f"chat_id must be a number or @name, got {chat_id!r}")
        register_secret(token, "telegram_bot_token")
        self._chat_id = str(chat_id)
        self._endpoint = endpoint(base_url, setting="base_url", what="TelegramChat").at(
            f"/bot{token}/sendMessage"
        )

    def emit(self, delivery: Delivery, /) -> None:
        """Post *delivery*."""
        body = json.dumps(telegram_payload(delivery, self._chat_id), separators=(",", ":")).encode()
        answer = self._endpoint.post(body, headers=_HEADERS)
        parameters = body_object(answer).get("parameters")
        wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
        check(answer, "Telegram", wait=number(wait))

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def __repr__(self) -> str:
        return f"TelegramChat(chat_id={self._chat_id!r})"


def telegram_payload(delivery: Delivery, chat_id: str) -> dict[str, Json]:
    """Write *delivery* as the body of a plain message; warnings make no sound."""
    return {
        "chat_id": chat_id,
        "text": layout(delivery, PLAIN, LIMIT),
        "link_preview_options": {"is_disabled": True},
        "disable_notification": delivery.alert.severity is Severity.WARNING,
    }
