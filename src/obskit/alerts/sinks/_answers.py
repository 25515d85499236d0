"""Tell from a service's answer what to do: nothing, try again, wait, or give up."""

from __future__ import annotations

import json
from typing import Final

from ...errors import SinkError, SinkRejected
from ...http import Response, parse_retry_after

#: Seconds to wait where a service says "too many" and not for how long.
DEFAULT_WAIT: Final = 5.0


def check(answer: Response, service: str, *, wait: float | None = None) -> None:
    """
    Raise the error that fits *answer*, unless the message arrived.

    Args:
        answer: What came back.
        service: Whom to name in the error.
        wait: Seconds the body asks for, where the service says it there.
    """
    status = answer.status
    said = f"{service} answered {status}"
    if 200 <= status < 300:
        return
    if status == 429:
        header = parse_retry_after(answer.headers.get("retry-after"))
        raise SinkError(said, retry_after=max(wait or 0.0, header or 0.0) or DEFAULT_WAIT)
    if status == 408 or status >= 500:
        raise SinkError(said, retry_after=parse_retry_after(answer.headers.get("retry-after")))
    raise SinkRejected(said, revoked=status in {401, 403, 404, 410})


def body_object(answer: Response) -> dict[str, object]:
    """Read the body as a JSON object; anything else is an empty one."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def number(value: object) -> float | None:
    """Return *value* as seconds to wait, if it is a number."""
    return parse_retry_after(value) if isinstance(value, int | float) else None
