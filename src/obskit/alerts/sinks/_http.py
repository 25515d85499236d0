"""
Send each message to a service as one POST with a JSON body, and tell from the answer what became of it.

What sinks over HTTP have in common. The file of a service says how it writes a
message, and what is special about its answers; it never touches the network.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar, Final

from ...errors import SinkError, SinkRejected
from ...event import Json
from ...http import Endpoint, Response, parse_retry_after
from ...redaction import register_secret
from ...version import __version__
from ..delivery import Delivery

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"obskeeper/{__version__}"}
#: Seconds to wait where a service says "too many" and not for how long.
_DEFAULT_WAIT: Final = 5.0
#: What a service may say of an error that is shown: a word of Slack, a sentence of Telegram.
_REASON: Final = re.compile(r"[A-Za-z][\w ,:'-]{2,79}", re.ASCII)


class HttpSink(ABC):
    """
    The way of one message to one endpoint; keeps no connection.

    Args:
        target: Where messages go.
        secrets: What must show nowhere; the redactor learns it too.
        headers: Sent with each message.
    """

    service: ClassVar[str]  #: whom errors name
    revoking: ClassVar[Collection[int]] = frozenset({401, 403, 404, 410})  #: statuses that end the sink
    passing: ClassVar[Collection[int]] = frozenset({408})  #: refusals that are worth another try

    def __init__(
        self, target: Endpoint, *, secrets: Iterable[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        self._target = target
        self._secrets = tuple(secrets)
        self._headers = {**_HEADERS, **(headers or {})}
        for secret in self._secrets:
            register_secret(secret, self.service)

    def emit(self, delivery: Delivery, /) -> None:
        """Post *delivery*."""
        body = encoded(self.payload(delivery))
        self.check(self._target.post(body, headers=self.headers(delivery, body)))

    def preview(self, delivery: Delivery, /) -> str:
        """Write down the request that `emit` makes, without the sink's secrets."""
        body = encoded(self.payload(delivery))
        headers = [f"{name}: {value}" for name, value in self.headers(delivery, body).items()]
        return self._hidden("\n".join([f"POST {self._target}", *headers, "", body.decode()]))

    def close(self) -> None:  # noqa: B027 - there is nothing to override
        """Do nothing: no connection is kept."""

    @abstractmethod
    def payload(self, delivery: Delivery) -> Json:
        """Write *delivery* as the service wants it."""

    def headers(self, delivery: Delivery, body: bytes) -> Mapping[str, str]:
        """Return the headers that go with *body*."""
        return self._headers

    def check(self, answer: Response) -> None:
        """Raise the error that fits *answer*, unless the message arrived."""
        status = answer.status
        if 200 <= status < 300:
            return
        body = body_object(answer)
        said = f"{self.service} answered {status}{self._hidden(_reason(answer, body))}"
        wait = parse_retry_after(answer.headers.get("retry-after"))
        if status == 429:
            raise SinkError(said, retry_after=max(wait or 0.0, _wait_in(body)) or _DEFAULT_WAIT)
        # A page for people comes from something in front of the service, which may go away again.
        is_page = answer.body.lstrip()[:1] == b"<" and status in self.revoking
        if status < 200 or status >= 500 or status in self.passing or is_page:
            raise SinkError(said, retry_after=wait)
        raise SinkRejected(said, revoked=status in self.revoking)

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._target})"


def encoded(payload: Json) -> bytes:
    """Write *payload* as compact JSON; a lone surrogate becomes a question mark."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


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
