"""
Send each message to a service as one POST with a JSON body.

What sinks over HTTP have in common. The file of a service says how it writes a
message, and what is special about its answers; it never touches the network.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, Final

from ...event import Json
from ...http import Endpoint, Response
from ...redaction import register_secret
from ...version import __version__
from ..delivery import Delivery
from ._answers import REVOKED, check

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": f"obskeeper/{__version__}"}


class HttpSink(ABC):
    """
    The way of one message to one endpoint; keeps no connection.

    Args:
        target: Where messages go.
        secrets: What must show nowhere; the redactor learns it too.
        headers: Sent with each message.
    """

    service: ClassVar[str]  #: whom errors name
    revoking: ClassVar[Collection[int]] = REVOKED  #: statuses that end the sink

    def __init__(
        self, target: Endpoint, *, secrets: Iterable[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        self._target = target
        self._secrets = tuple(secrets)
        self._headers = {**_HEADERS, **(headers or {})}
        for secret in self._secrets:
            register_secret(secret, self.service)

    def emit(self, delivery: Delivery, /) -> None:
        """Post *delivery*, in its second form where the service does not like the first."""
        answer = self._post(delivery, self.payload(delivery))
        if answer.status == 400:
            second = self.second_payload(delivery, answer)
            answer = answer if second is None else self._post(delivery, second)
        self.check(replace(answer, body=self._hidden(answer.body.decode("utf-8", "replace")).encode()))

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

    def second_payload(self, delivery: Delivery, answer: Response) -> Json | None:
        """Write *delivery* in another form after the service refused the first; None if there is none."""
        return None

    def headers(self, delivery: Delivery, body: bytes) -> Mapping[str, str]:
        """Return the headers that go with *body*."""
        return self._headers

    def check(self, answer: Response) -> None:
        """Raise the error that fits *answer*, unless the message arrived."""
        check(answer, self.service, revoking=self.revoking)

    def _post(self, delivery: Delivery, payload: Json) -> Response:
        body = encoded(payload)
        return self._target.post(body, headers=self.headers(delivery, body))

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._target})"


def encoded(payload: Json) -> bytes:
    """Write *payload* as compact JSON; a lone surrogate becomes a question mark."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
