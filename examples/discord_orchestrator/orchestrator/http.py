"""
One HTTP request to Discord or GitHub: bounded in time, never redirected, its URL never shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .observability import CommandFailed, log

_WORDS: Final = {
    401: "{} does not accept the bot's token.",
    403: "The bot is not allowed to do this on {}.",
    404: "{} does not know what the bot asks for, or hides it from the bot.",
    422: "{} refused the branch or the inputs of the workflow.",
    429: "{} limits our requests at the moment. Please try again in a few minutes.",
    500: "{} has trouble at the moment. Please try again in a few minutes.",
}
_LONGEST_WAIT: Final = 120.0
_UNKNOWN_WEBHOOK: Final = 10015  # Discord does not know the answer yet that is to be edited


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]  #: in any case
    data: dict[str, Any]  #: the decoded JSON object; empty where there is none


def request(service: str, method: str, url: str, *, headers: Mapping[str, str], body: object = None) -> Reply:
    """Send one request, with *body* as JSON; raises `CommandFailed` where *service* does not do it."""
    import urllib3  # takes a while, and the first answer to Discord does not need it

    headers = {**headers, "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body)
    try:
        # A connection of its own: seconds lie between two requests, and none breaks while it is idle.
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=15.0)) as pool:
            response = pool.request(method, url, headers=headers, body=content, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        # The error's own text holds the URL, and Discord's URLs hold tokens.
        words = f"{service} does not answer. Please try again in a few minutes."
        raise CommandFailed(words, cause=type(error).__name__, retry_after=0.0) from None
    try:
        data = json.loads(response.data)
    except ValueError:
        data = None
    reply = Reply(response.status, response.headers, data if isinstance(data, dict) else {})
    if reply.status < 300 or reply.status == 304:
        return reply
    raise _failure(service, reply)


def _failure(service: str, reply: Reply) -> CommandFailed:
    asked = _seconds(reply.headers.get("retry-after"))
    limited = asked is not None or reply.headers.get("x-ratelimit-remaining") == "0"
    status = 429 if reply.status == 403 and limited else min(reply.status, 500)
    passing = status in {429, 500} or reply.data.get("code") == _UNKNOWN_WEBHOOK
    if asked is None:
        asked = 60.0 if status == 429 else 0.0
    words = _WORDS.get(status, "{} refused the request.").format(service)
    said = " ".join(str(reply.data[key]) for key in ("code", "message") if key in reply.data)
    cause = f"{service} answered {reply.status}: {said}"
    log.info("Request failed", cause=cause)
    return CommandFailed(words, cause=cause, retry_after=min(asked, _LONGEST_WAIT) if passing else None)


def _seconds(text: str | None) -> float | None:
    """Read a Retry-After header; None where there is none, or anything but seconds."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if seconds >= 0 else None
