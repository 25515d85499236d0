"""
One HTTP request to Discord or GitHub: bounded in time, never redirected, its URL never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from .observability import CommandFailed, log

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

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


def request(
    service: str, method: str, url: str, *, headers: Mapping[str, str], body: object = None
) -> BaseHTTPResponse:
    """Send one request, with *body* as JSON; raises `CommandFailed` where *service* does not do it."""
    import urllib3  # takes a while, and the first answer to Discord does not need it

    try:
        # A connection of its own: seconds lie between two requests, and none breaks while it is idle.
        with urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=15.0)) as pool:
            response = pool.request(method, url, headers=headers, json=body, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        # The error's own text holds the URL, and Discord's URLs hold tokens.
        words = f"{service} does not answer. Please try again in a few minutes."
        raise CommandFailed(words, cause=type(error).__name__, retry_after=0.0) from None
    if response.status < 300 or response.status == 304:
        return response
    raise _failure(service, response)


def _failure(service: str, response: BaseHTTPResponse) -> CommandFailed:
    data: dict[str, Any] = {}
    with suppress(ValueError, TypeError):  # no JSON, or no object
        data = {**response.json()}
    asked = _seconds(response.headers.get("retry-after"))
    limited = asked is not None or response.headers.get("x-ratelimit-remaining") == "0"
    status = 429 if response.status == 403 and limited else min(response.status, 500)
    passing = status in {429, 500} or data.get("code") == _UNKNOWN_WEBHOOK
    wait = asked if asked is not None else 60.0 if status == 429 else 0.0
    said = " ".join(str(data[key]) for key in ("code", "message") if key in data)
    cause = f"{service} answered {response.status}: {said}"
    log.info("Request failed", cause=cause)
    words = _WORDS.get(status, "{} refused the request.").format(service)
    return CommandFailed(words, cause=cause, retry_after=min(wait, _LONGEST_WAIT) if passing else None)


def _seconds(text: str | None) -> float | None:
    """Read a Retry-After header; None where there is none, or anything but seconds."""
    with suppress(ValueError):
        return max(0.0, float(text or ""))
    return None
