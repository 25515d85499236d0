"""Tell from a service's answer what to do: nothing, try again, wait, or give up."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Final

from ...errors import SinkError, SinkRejected
from ...http import Response, parse_retry_after

#: Seconds to wait where a service says "too many" and not for how long.
DEFAULT_WAIT: Final = 5.0
#: Statuses that say of most services: this token or webhook is no longer valid, or never was.
REVOKED: Final = frozenset({401, 403, 404, 410})

#: What a service may say of an error that is shown: a word of Slack, a sentence of Telegram.
_REASON: Final = re.compile(r"[A-Za-z][\w ,:'-]{2,79}", re.ASCII)


def check(answer: Response, service: str, *, revoking: Collection[int] = REVOKED) -> None:
    """
    Raise the error that fits *answer*, unless the message arrived.

    Args:
        answer: What came back.
        service: Whom to name in the error.
        revoking: Statuses after which no other message has a chance either.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    body = body_object(answer)
    said = f"{service} answered {status}{_reason(answer, body)}"
    wait = parse_retry_after(answer.headers.get("retry-after"))
    if status == 429:
        raise SinkError(said, retry_after=max(wait or 0.0, _wait_in(body)) or DEFAULT_WAIT)
    # A page for people comes from something in front of the service, which may go away again.
    is_page = answer.body.lstrip()[:1] == b"<"
    if status < 200 or status == 408 or status >= 500 or (is_page and status in REVOKED):
        raise SinkError(said, retry_after=wait)
    raise SinkRejected(said, revoked=status in revoking)


def body_object(answer: Response) -> dict[str, object]:
    """Read the body as a JSON object; anything else is an empty one."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _wait_in(body: dict[str, object]) -> float:
    """Find the seconds to wait where Discord (``retry_after``) and Telegram (in ``parameters``) put them."""
    parameters = body.get("parameters")
    inner = parameters.get("retry_after") if isinstance(parameters, dict) else None
    waits = [value for value in (body.get("retry_after"), inner) if isinstance(value, int | float)]
    return max((parse_retry_after(value) or 0.0 for value in waits), default=0.0)


def _reason(answer: Response, body: dict[str, object]) -> str:
    code = body.get("code")
    if isinstance(code, int) and code:
        return f" with code {code}"
    description = body.get("description")
    said = (description if isinstance(description, str) else answer.body.decode("ascii", "replace")).strip()
    return f" ({said})" if _REASON.fullmatch(said) else ""
