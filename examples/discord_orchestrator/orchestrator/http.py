"""
One HTTP request to Discord or GitHub: bounded in time, never redirected, its URL never shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from .errors import CommandFailed

_POOL: Final = urllib3.PoolManager(
    retries=False, maxsize=16, timeout=urllib3.Timeout(connect=5.0, read=10.0, total=15.0)
)

_NO_ANSWER: Final = "A service that I need does not answer. Please try again in a few minutes."


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]  #: in any case
    data: Any  #: the decoded JSON; None where there is none

    def text(self, key: str) -> str:
        """Return a text of the answer by its *key*, or an empty one."""
        return str(self.data.get(key, "")) if isinstance(self.data, dict) else ""

    def seconds(self, header: str) -> float | None:
        """Return a header that holds a number of seconds, at most two minutes, or None."""
        try:
            return min(max(0.0, float(self.headers[header])), 120.0)
        except (KeyError, ValueError):
            return None


def request(method: str, url: str, *, headers: Mapping[str, str], body: object = None) -> Reply:
    """Send one request, with *body* as JSON; raises `CommandFailed` where no answer comes."""
    content = None if body is None else json.dumps(body)
    sent = {**headers, "Content-Type": "application/json"} if content else headers
    try:
        response = _POOL.request(method, url, headers=sent, body=content, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        # The error's own text holds the URL, and Discord's URLs hold tokens.
        cause = f"no answer from {urlsplit(url).hostname}: {type(error).__name__}"
        raise CommandFailed(_NO_ANSWER, cause=cause, retry_after=0.0) from None
    try:
        data = json.loads(response.data)
    except ValueError:
        data = None
    return Reply(response.status, response.headers, data)
