"""
Tell a Discord channel, as a bot or through a webhook.

Limits and error codes: https://discord.com/developers/docs/resources/message and
https://discord.com/developers/docs/topics/rate-limits. A bot's message carries a
nonce that Discord enforces, so sending it again never shows it twice; a webhook
has nothing of the kind, so after an ambiguous failure a message may come twice.
"""

from __future__ import annotations

import json
import re
from typing import Final

from ...errors import ConfigError, SinkRejected
from ...event import Json
from ...http import Endpoint, Response, endpoint
from ...redaction import register_secret
from ...version import __version__
from ..delivery import Delivery
from ._answers import body_object, check, number
from ._layout import Markup, layout

#: Characters of a message.
LIMIT: Final = 2_000
_BARE_LIMIT: Final = 500

_SUPPRESS_EMBEDS: Final = 1 << 2  # no previews: nobody asked to see what a link in an error shows
_UNKNOWN_MESSAGE: Final = 10_008  # the message of this nonce arrived and was deleted

#: Discord asks for this form and may block others.
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": f"DiscordBot (https://obskeeper.invalid, {__version__})",
}
_MARKS: Final = re.compile(r"([\\*_~`|<>\[\]])")
_SNOWFLAKE: Final = re.compile(r"\d{1,20}", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]+")
_WEBHOOK_PATH: Final = re.compile(r".*/webhooks/\d+/[\w-]+/?", re.ASCII)


class DiscordChannel:
    """
    Posts to a channel as a bot.

    Args:
        token: The bot's token.
        channel_id: Of a channel where the bot may write.
        base_url: Of the API, with its version.
    """

    def __init__(self, token: str, channel_id: str, *, base_url: str = "https://discord.com/api/v10") -> None:
        if not _SNOWFLAKE.fullmatch(str(channel_id)):
            got = f"{len(str(channel_id))} characters"
            raise ConfigError(f"channel_id must be the number of a Discord channel, got {got}")
        given: object = token
        if not isinstance(given, str) or not _TOKEN.fullmatch(given):
            raise ConfigError("token must be the bot's token, without spaces or line breaks")
        register_secret(token, "discord_bot_token")
        self._channel_id = str(channel_id)
        base = endpoint(base_url, setting="base_url", what="DiscordChannel")
        self._endpoint = base.at(f"/channels/{channel_id}/messages")
        self._headers = {**_HEADERS, "Authorization": f"Bot {token}"}

    def emit(self, delivery: Delivery, /) -> None:
        """Post *delivery*; sending it again is safe."""
        nonce: dict[str, Json] = {"nonce": delivery.token, "enforce_nonce": True}
        _post(self._endpoint, self._headers, delivery, nonce)

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def __repr__(self) -> str:
        return f"DiscordChannel(channel_id={self._channel_id!r})"


class DiscordWebhook:
    """
    Posts through a webhook.

    Args:
        url: As Discord shows it. Who has it can post, so it is a secret.
    """

    def __init__(self, url: str) -> None:
        self._endpoint = endpoint(url, setting="url", what="DiscordWebhook")
        path = self._endpoint.path
        if not _WEBHOOK_PATH.fullmatch(path):
            raise ConfigError("url must end in /webhooks/<id>/<token>, as Discord shows it")
        register_secret(path.rstrip("/").rpartition("/")[2], "discord_webhook_token")
        # Without wait=true Discord answers before it has stored the message.
        self._endpoint = self._endpoint.at("?wait=true")

    def emit(self, delivery: Delivery, /) -> None:
        """Post *delivery*."""
        _post(self._endpoint, _HEADERS, delivery, {})

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def __repr__(self) -> str:
        return f"DiscordWebhook({self._endpoint!r})"


def discord_payload(delivery: Delivery, *, plain: bool = False) -> dict[str, Json]:
    """
    Write *delivery* as the body of a message that mentions nobody.

    Args:
        delivery: What to tell.
        plain: Short and without markup, for when Discord refused the usual form.
    """
    content = layout(delivery, _BARE, _BARE_LIMIT) if plain else layout(delivery, _MARKUP, LIMIT)
    return {"content": content, "allowed_mentions": {"parse": []}, "flags": _SUPPRESS_EMBEDS}


def _post(target: Endpoint, headers: dict[str, str], delivery: Delivery, extra: dict[str, Json]) -> None:
    answer = target.post(_encoded({**discord_payload(delivery), **extra}), headers=headers)
    if answer.status == 400:
        answer = target.post(_encoded({**discord_payload(delivery, plain=True), **extra}), headers=headers)
    _check(answer)


def _check(answer: Response) -> None:
    body = body_object(answer)
    code = body.get("code")
    if code == _UNKNOWN_MESSAGE:
        return
    try:
        check(answer, "Discord", wait=number(body.get("retry_after")))
    except SinkRejected as error:
        if isinstance(code, int) and code:
            raise SinkRejected(f"{error} with code {code}", revoked=error.revoked) from None
        raise


def _encoded(payload: dict[str, Json]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def _defused(text: str) -> str:
    """Put an invisible space after every ``@`` and behind every ``<``: nothing is a mention then."""
    return re.sub("([@<])", "\\1\u200b", text)


def _block(text: str) -> str:
    """Write a code block: inside it nothing is markup, a mention or a link."""
    inner = _defused(text).replace("``", "`\u200b`")
    return f"```\n{inner}\n```"


def _code(text: str) -> str:
    inner = _defused(text).replace("`", "'")
    return f"`{inner or ' '}`"


def _escaped(text: str) -> str:
    """Write text outside of code: what is markup is shown as it is."""
    return _MARKS.sub(r"\\\1", _defused(text))


def _target(url: str) -> str:
    return f"<{url}>"


_MARKUP: Final = Markup(
    strong=lambda text: f"**{text}**",
    block=_block,
    code=_code,
    link=_target,
    escape=_escaped,
)
_BARE: Final = Markup(
    strong=lambda text: text,
    block=_escaped,
    code=_escaped,
    link=_target,
    escape=_escaped,
)
