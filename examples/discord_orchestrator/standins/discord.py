"""
A stand-in for Discord's HTTP interface.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .schema import check_body
from .server import Reply, Request, Route, StandIn, require

_VERSION: Final = "/api/v10"
_SNOWFLAKE: Final = r"[1-9][0-9]{16,19}"
_ANSWER: Final = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
_MESSAGES: Final = "/channels/{channel_id}/messages"
_COMMANDS: Final = "/applications/{application_id}/commands"
_COMMAND_KEYS: Final = frozenset(
    {"name", "description", "type", "options", "contexts", "integration_types", "default_member_permissions"}
)
_MESSAGE_KEYS: Final = frozenset(
    {"content", "embeds", "allowed_mentions", "components", "flags", "nonce", "enforce_nonce", "tts"}
)


class DiscordStandIn(StandIn):
    """Discord, as far as the bot and its alerts need it."""

    #: What an edit is answered that overtakes the answer it edits.
    UNKNOWN_WEBHOOK: Final = Reply(404, {"message": "Unknown Webhook", "code": 10015})

    def __init__(self, *, application_id: str, bot_token: str) -> None:
        super().__init__()
        self.application_id = application_id
        self.bot_token = bot_token
        self.base = self.origin + _VERSION
        self.edits: list[dict[str, Any]] = []  #: bodies of accepted edits, the token under ``token``
        self.messages: list[dict[str, Any]] = []  #: bodies of messages that appeared in a channel
        self.commands: list[dict[str, Any]] = []
        self._by_nonce: dict[tuple[str, str], dict[str, Any]] = {}

    def edit_of(self, token: str, timeout: float = 10.0) -> str:
        """Wait for the edit of the answer that *token* belongs to; returns what the user reads."""
        self.wait_for(lambda: any(edit["token"] == token for edit in self.edits), timeout)
        return str(next(edit["content"] for edit in self.edits if edit["token"] == token))

    def routes(self) -> list[Route]:
        app = re.escape(f"{_VERSION}/applications/{self.application_id}")
        hook = re.escape(f"{_VERSION}/webhooks/{self.application_id}")
        edit = re.compile(rf"{hook}/(?P<token>[\w.~%=-]+)/messages/@original")
        message = re.compile(rf"{_VERSION}/channels/(?P<channel>\d+)/messages")
        register = re.compile(rf"{app}/commands")
        return [
            Route("edit", "PATCH", edit, self._edit),
            Route("message", "POST", message, self._post),
            Route("register", "PUT", register, self._register),
        ]

    def check(self, request: Request) -> None:
        agent = request.headers.get("user-agent", "")
        named = re.fullmatch(r"DiscordBot \(https?://\S+, \S+\).*", agent)
        require(named, "User-Agent: DiscordBot (url, version)")
        require(request.headers.get("content-type") == "application/json", "Content-Type: application/json")
        require(request.body is not None, "the body is JSON")

    def _edit(self, request: Request, *, token: str) -> Reply:
        require("authorization" not in request.headers, "an edit needs no Authorization")
        require("flags" not in request.body, "flags of an answer cannot be edited")
        _check_message(request.body)
        check_body(request.body, path=_ANSWER, method="patch")
        if not self._scripts["edit"]:
            self.edits.append({**request.body, "token": token})
        return Reply(200, {"id": "1100000000000000001", **request.body})

    def _post(self, request: Request, *, channel: str) -> Reply:
        self._check_token(request)
        require(re.fullmatch(_SNOWFLAKE, channel), "the channel is a snowflake")
        _check_message(request.body)
        nonce = request.body.get("nonce")
        require(isinstance(nonce, str) and 1 <= len(nonce) <= 25, "nonce has 1 to 25 characters")
        require(request.body.get("enforce_nonce") is True, "enforce_nonce is true")
        check_body(request.body, path=_MESSAGES, method="post")
        if not self._scripts["message"] and (channel, nonce) not in self._by_nonce:
            message = {"id": str(1100000000000000100 + len(self.messages)), **request.body}
            self._by_nonce[channel, nonce] = message
            self.messages.append({"channel": channel, **message})
        return Reply(200, self._by_nonce.get((channel, nonce), {}))

    def _register(self, request: Request) -> Reply:
        self._check_token(request)
        require(isinstance(request.body, list), "the list of commands is a list")
        for command in request.body:
            _check_command(command)
        names = [command["name"] for command in request.body]
        require(len(set(names)) == len(names) <= 100, "at most 100 commands, each once")
        check_body(request.body, path=_COMMANDS, method="put")
        self.commands = request.body
        return Reply(200, request.body)

    def _check_token(self, request: Request) -> None:
        require(request.headers.get("authorization") == f"Bot {self.bot_token}", "Authorization: Bot <token>")


def _check_message(body: Any) -> None:
    require(isinstance(body, dict), "a message is an object")
    require(set(body) <= _MESSAGE_KEYS, f"unknown keys {sorted(set(body) - _MESSAGE_KEYS)}")
    content = body.get("content", "")
    require(isinstance(content, str) and len(content) <= 2000, "content has at most 2000 code points")
    require(content or body.get("embeds"), "a message is not empty")
    require(body.get("allowed_mentions") == {"parse": []}, "allowed_mentions is there and empty")
    embeds = body.get("embeds") or []
    require(isinstance(embeds, list) and len(embeds) <= 10, "at most 10 embeds")
    require(sum(_embed_length(embed) for embed in embeds) <= 6000, "embeds have at most 6000 code points")


def _embed_length(embed: Mapping[str, Any]) -> int:
    title, description = embed.get("title") or "", embed.get("description") or ""
    footer, fields = (embed.get("footer") or {}).get("text") or "", embed.get("fields") or []
    require(len(title) <= 256, "an embed's title has at most 256 code points")
    require(len(description) <= 4096, "an embed's description has at most 4096 code points")
    require(len(footer) <= 2048, "an embed's footer has at most 2048 code points")
    require(len(fields) <= 25, "an embed has at most 25 fields")
    for field in fields:
        require(1 <= len(field["name"]) <= 256, "a field's name has 1 to 256 code points")
        require(1 <= len(field["value"]) <= 1024, "a field's value has 1 to 1024 code points")
    texts = [title, description, footer, *(field[part] for field in fields for part in ("name", "value"))]
    return sum(map(len, texts))


def _check_command(command: Any) -> None:
    require(isinstance(command, dict) and set(command) <= _COMMAND_KEYS, "a command has known keys")
    require(re.fullmatch(r"[-_a-z0-9]{1,32}", command.get("name", "")), "a name has 1 to 32 small letters")
    require(1 <= len(command.get("description", "")) <= 100, "a description has 1 to 100 code points")
    options = command.get("options", [])
    require(len(options) <= 25, "a command has at most 25 options")
    for option in options:
        named = re.fullmatch(r"[-_a-z0-9]{1,32}", option.get("name", ""))
        require(named, "an option's name has 1 to 32 small letters")
        require(option.get("type") in range(1, 12), "an option has a known type")
        require(1 <= len(option.get("description", "")) <= 100, "an option is described")
