"""
Tell a Discord channel, as a bot or through a webhook.

Limits and error codes: https://discord.com/developers/docs/resources/message and
https://discord.com/developers/docs/topics/rate-limits. A bot's message carries a
nonce that Discord enforces, so sending it again never shows it twice; a webhook
has nothing of the kind, so after an ambiguous failure a message may come twice.
"""

from __future__ import annotations

import re
from typing import Final

from ...errors import ConfigError
from ...event import Json
from ...http import Response, endpoint
from ...settings import secret, wrong
from ...version import __version__
from ..delivery import Delivery
from ._http import HttpSink, body_object
from ._layout import Markup, defused, layout

#: Characters of a message.
LIMIT: Final = 2_000

_SUPPRESS_EMBEDS: Final = 1 << 2  # no previews: nobody asked to see what a link in an error shows
_UNKNOWN_MESSAGE: Final = 10_008  # the message of this nonce arrived and was deleted

#: Discord asks for this form and may block others.
_HEADERS: Final = {"User-Agent": f"DiscordBot (https://obskeeper.invalid, {__version__})"}
_MARKS: Final = re.compile(r"([\\*_~`|<>\[\]])")
_SNOWFLAKE: Final = re.compile(r"\d{1,20}", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]{4,}")
_WEBHOOK_PATH: Final = re.compile(r".*/webhooks/\d+/([\w-]{4,})/?", re.ASCII)


class _Discord(HttpSink):
    service = "Discord"

    def payload(self, delivery: Delivery) -> dict[str, Json]:
        """Write a message that mentions nobody and previews nothing."""
        return {
            "content": layout(delivery, _MARKUP, LIMIT),
            "allowed_mentions": {"parse": []},
            "flags": _SUPPRESS_EMBEDS,
        }

    def check(self, answer: Response) -> None:
        """Take a message that was deleted for one that arrived."""
        if body_object(answer).get("code") != _UNKNOWN_MESSAGE:
            super().check(answer)


class DiscordChannel(_Discord):
    """
    Posts to a channel as a bot.

    Args:
        token: The bot's token.
        channel_id: Of a channel where the bot may write.
        base_url: Of the API, with its version.
    """

    def __init__(self, token: str, channel_id: str, *, base_url: str = "https://discord.com/api/v10") -> None:
        if not _SNOWFLAKE.fullmatch(str(channel_id)):
            raise wrong("channel_id", "the number of a Discord channel", channel_id)
        token = secret("token", token, _TOKEN, "the bot's token, without spaces or line breaks")
        self._channel_id = str(channel_id)
        base = endpoint(base_url, setting="base_url", what="DiscordChannel")
        super().__init__(
            base.at(f"/channels/{channel_id}/messages"),
            secrets=[token],
            headers={**_HEADERS, "Authorization": f"Bot {token}"},
        )

    def payload(self, delivery: Delivery) -> dict[str, Json]:
        """Write a message that may be sent again: Discord shows one nonce once."""
        return {**super().payload(delivery), "nonce": delivery.token, "enforce_nonce": True}

    def __repr__(self) -> str:
        return f"DiscordChannel(channel_id={self._channel_id!r})"


class DiscordWebhook(_Discord):
    """
    Posts through a webhook.

    Args:
        url: As Discord shows it. Who has it can post, so it is a secret.
    """

    def __init__(self, url: str) -> None:
        target = endpoint(url, setting="url", what="DiscordWebhook")
        found = _WEBHOOK_PATH.fullmatch(target.path)
        if not found:
            raise ConfigError("url must end in /webhooks/<id>/<token>, as Discord shows it")
        # Without wait=true Discord answers before it has stored the message.
        super().__init__(target.at("?wait=true"), secrets=[found[1]], headers=_HEADERS)


def _block(text: str) -> str:
    """Write a code block: inside it nothing is markup, a mention or a link."""
    inner = defused(text).replace("``", "`\u200b`")
    return f"```\n{inner}\n```"


def _code(text: str) -> str:
    inner = defused(text).replace("`", "'")
    return f"`{inner or ' '}`"


_MARKUP: Final = Markup(
    strong=lambda text: f"**{text}**",
    block=_block,
    code=_code,
    link=lambda url: f"<{url}>",
    escape=lambda text: _MARKS.sub(r"\\\1", defused(text)).replace("://", ":\u200b//"),
)
