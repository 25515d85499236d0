"""
Tell a Telegram chat, as a bot.

https://core.telegram.org/bots/api#sendmessage. There is no parse mode: with one,
what an alert quotes would have to be escaped without fail. What is bold or code
is said beside the text, and in code Telegram looks for no mentions and links.
Telegram offers no idempotency, so after an ambiguous failure a message may come twice.
"""

from __future__ import annotations

import re
from typing import Final

from ...errors import ConfigError, SinkError, told
from ...event import Json
from ...http import Response, endpoint
from ...settings import secret
from ..delivery import Delivery
from ..model import Severity
from ._http import HttpSink, body_object
from ._layout import Markup, defused, layout, units

#: UTF-16 units of a message.
LIMIT: Final = 4_096
_MAX_ENTITIES: Final = 100

_TOKEN: Final = re.compile(r"\d+:[\w-]{8,}", re.ASCII)
_CHAT: Final = re.compile(r"-?\d{1,20}|@\w{4,}", re.ASCII)

#: Mark where something begins and ends; no text that is laid out holds such characters.
_BEGINS: Final = {"\ufdd0": "bold", "\ufdd1": "pre", "\ufdd2": "code"}
_END: Final = "\ufdd3"


class TelegramChat(HttpSink):
    """
    Posts to a chat as a bot.

    Args:
        token: The bot's token.
        chat_id: The number of a chat, or ``@name`` of a public channel.
        base_url: Of the API.
    """

    service = "Telegram"

    def __init__(self, token: str, chat_id: str | int, *, base_url: str = "https://api.telegram.org") -> None:
        token = secret("token", token, _TOKEN, "the bot's token, of the form 123456:ABC...")
        if not _CHAT.fullmatch(str(chat_id)):
            raise ConfigError(f"chat_id must be a number or @name, got {told(chat_id)}")
        self._chat_id = str(chat_id)
        base = endpoint(base_url, setting="base_url", what="TelegramChat")
        super().__init__(base.at(f"/bot{token}/sendMessage"), secrets=[token])

    def payload(self, delivery: Delivery) -> dict[str, Json]:
        """Write a message; warnings make no sound."""
        text, entities = _spanned(layout(delivery, _MARKUP, LIMIT))
        return {
            "chat_id": self._chat_id,
            "text": text,
            "entities": entities,
            "link_preview_options": {"is_disabled": True},
            "disable_notification": delivery.alert.severity is Severity.WARNING,
        }

    def check(self, answer: Response) -> None:
        """Follow a group that has become another one: what is sent again goes there."""
        parameters = body_object(answer).get("parameters")
        moved = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
        if isinstance(moved, int):
            self._chat_id = str(moved)
            raise SinkError("Telegram says that the chat has moved")
        super().check(answer)

    def __repr__(self) -> str:
        return f"TelegramChat(chat_id={self._chat_id!r})"


def _spanned(marked: str) -> tuple[str, list[Json]]:
    """Take the marks out of *marked* and return the places between them, in UTF-16 units."""
    text, kind, begin = "", "", 0
    entities: list[Json] = []
    for piece in re.split("([\ufdd0-\ufdd3])", marked):
        if piece in _BEGINS:
            kind, begin = _BEGINS[piece], units(text)
        elif piece != _END:
            text += piece
        elif length := units(text) - begin:
            entities.append({"type": kind, "offset": begin, "length": length})
    return text, entities[:_MAX_ENTITIES]


_MARKUP: Final = Markup(
    strong=lambda text: f"\ufdd0{text}{_END}",
    block=lambda text: f"\ufdd1{defused(text)}{_END}",
    code=lambda text: f"\ufdd2{defused(text)}{_END}",
    escape=lambda text: re.sub("([@/.#])", "\\1\u200b", text),
)
