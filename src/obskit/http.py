"""
Send one HTTP request to a service, within a fixed time and without surprises.

Rule 1: no redirect, no proxy, no retry, no unverified TLS; one connection per request.
Rule 2: one deadline covers the answer as a whole, so a peer that sends a byte per
second cannot hold the caller; the body is read up to a limit.
Rule 3: paths and queries carry tokens, so no error and no log line shows them.

urllib3 (extra ``http``) makes the connection; it is imported with the first request.
Its connection pools are not used: they log every path at DEBUG.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from .clock import SYSTEM_CLOCK, Deadline
from .errors import ConfigError, MissingExtra, SinkError, SinkRejected, SinkTimeout

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from socket import socket
    from urllib.parse import SplitResult

    from urllib3.connection import HTTPConnection

#: Bytes of an answer that are read; what services say of an error fits many times.
MAX_BODY: Final = 64 * 1024
#: Bytes that are taken in from one connection, whatever they are.
_MAX_RECEIVED: Final = 1024 * 1024
#: Seconds that a service may make us wait, whatever it asks for.
MAX_RETRY_AFTER: Final = 3600.0
_LONG_PART: Final = re.compile(r"(?=[^/?&=:@#]*\d)[^/?&=:@#]{16,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]  #: names in lower case
    body: bytes  #: its beginning, `MAX_BODY` bytes at most


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that was checked; its path and query never show."""

    _parts: SplitResult

    @property
    def host(self) -> str:
        """The host, with the port if the URL has one."""
        return self._parts.netloc

    @property
    def path(self) -> str:
        """The path, which may hold a secret."""
        return self._parts.path

    @property
    def tokens(self) -> tuple[str, ...]:
        """The parts of path and query that look like secrets."""
        return long_parts(f"{self._parts.path}?{self._parts.query}")

    def __str__(self) -> str:
        return f"{self._parts.scheme}://{self.host}/***"

    def __repr__(self) -> str:
        return f"Endpoint({self})"

    def at(self, path: str) -> Endpoint:
        """Return the endpoint with *path*, which may hold a query, added to its own path and query."""
        from urllib.parse import urlsplit

        added = urlsplit(path)
        query = "&".join(filter(None, (self._parts.query, added.query)))
        return Endpoint(self._parts._replace(path=self._parts.path.rstrip("/") + added.path, query=query))

    def post(self, body: bytes, *, headers: Mapping[str, str], timeout: float = 10.0) -> Response:
        """
        Send *body* and read the answer.

        Args:
            body: Sent as it is.
            headers: Must not hold line breaks.
            timeout: Seconds for all of it. Only the resolver and further addresses
                of the host, where the first does not answer, may take longer.

        Raises:
            SinkError: If no connection came about, so nothing was sent.
            SinkTimeout: If no answer came, so *body* may have arrived.
            SinkRejected: If *headers* or the path cannot be sent.
        """
        deadline = Deadline(timeout)
        connection = self._connect(timeout)
        try:
            return self._exchange(connection, body, headers, deadline)
        except ValueError as error:
            raise SinkRejected(f"the request to {self.host} is malformed: {type(error).__name__}") from None
        except Exception as error:
            raise SinkTimeout(f"no answer from {self.host}: {type(error).__name__}") from None
        finally:
            connection.close()

    def _connect(self, timeout: float) -> HTTPConnection:
        from urllib3.connection import HTTPConnection, HTTPSConnection

        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=timeout)
        try:
            connection.connect()
        except Exception as error:
            connection.close()
            raise SinkError(f"cannot connect to {self.host}: {type(error).__name__}") from None
        return connection

    def _exchange(
        self, connection: HTTPConnection, body: bytes, headers: Mapping[str, str], deadline: Deadline
    ) -> Response:
        from http.client import HTTPResponse

        query = f"?{self._parts.query}" if self._parts.query else ""
        sock: socket = connection.sock
        set_limit(sock, deadline)
        connection.request("POST", (self._parts.path or "/") + query, body=body, headers=headers)
        # Not by the connection: urllib3 logs the path of an answer whose headers are broken.
        with HTTPResponse(cast("socket", TimedReader(sock, deadline)), method="POST") as answer:
            answer.begin()
            return Response(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.getheaders()},
                body=_first_part(answer),
            )


def _first_part(answer: HTTPResponse) -> bytes:
    """
    Read the body until its end, the limit, the deadline or an error.

    The status has told what became of the request. A body that breaks off must
    not make a delivered message look lost.
    """
    body = b""
    with contextlib.suppress(Exception):
        while len(body) < MAX_BODY and (part := answer.read1(MAX_BODY - len(body))):
            body += part
    return body


def endpoint(url: str, *, setting: str, what: str, allow_http: bool = False) -> Endpoint:
    """
    Check a URL that requests are to go to, and that they can be made.

    Args:
        url: ``https://``, or ``http://`` to this machine (a local server).
        setting: What to call the URL in an error message.
        what: The part of obskit that needs the package urllib3.
        allow_http: Also take ``http://`` to other machines, such as a collector nearby.

    Raises:
        ConfigError: If *url* is anything else. The message never shows a path.
        MissingExtra: If urllib3 is not installed.

    >>> endpoint("https://example.com/hook/secret", setting="url", what="the webhook")
    Endpoint(https://example.com/***)
    """
    from urllib.parse import urlsplit

    if importlib.util.find_spec("urllib3") is None:
        raise MissingExtra(what, package="urllib3", extra="http")
    takes = f"{setting} must be an https:// URL, or http:// to localhost"
    url = str(url)
    if not url.isprintable() or not url.isascii() or " " in url:
        raise ConfigError(f"{takes}, got something that is no URL")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{takes}, got a URL with a wrong host or port") from None
    if not host or "@" in parts.netloc or parts.fragment:
        raise ConfigError(f"{takes}, without user name and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and (allow_http or is_loopback(host))):
        raise ConfigError(f"{takes}, got {parts.scheme}:// to {parts.hostname}")
    return Endpoint(parts)


def long_parts(url: str) -> tuple[str, ...]:
    """
    Return the parts of *url* that look like secrets: 16 characters or more, with a digit among them.

    >>> long_parts("https://example.com/observability-events/0123456789abcdef?to=me")
    ('0123456789abcdef',)
    """
    return tuple(_LONG_PART.findall(url))


def is_loopback(host: str) -> bool:
    """Tell whether *host* names this machine."""
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_retry_after(text: str | float | None) -> float | None:
    """
    Read how many seconds a service wants us to wait.

    Args:
        text: A number of seconds or an HTTP date, as in ``Retry-After``.

    Returns:
        Between 0 and `MAX_RETRY_AFTER` seconds; None where *text* says nothing.

    >>> parse_retry_after("1.5"), parse_retry_after("-3"), parse_retry_after("1e9"), parse_retry_after("soon")
    (1.5, 0.0, 3600.0, None)
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except (TypeError, ValueError, OverflowError):
        seconds = _seconds_until(str(text))
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _seconds_until(date: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - SYSTEM_CLOCK.time_ns() / 1e9
    except (ValueError, OverflowError):
        return math.nan


def set_limit(sock: socket, deadline: Deadline) -> None:
    """Let the next operation of *sock* end at *deadline*; `TimeoutError` if that is over."""
    if not (left := deadline.left()):
        raise TimeoutError
    sock.settimeout(left)


class TimedReader(io.RawIOBase):
    """
    Reads from a socket until a deadline, and only so much.

    A socket's own timeout starts anew with every byte that comes in.
    """

    def __init__(self, sock: socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._room = _MAX_RECEIVED

    def makefile(self, _: str) -> io.BufferedReader:
        """Return what `http.client` and `smtplib` read an answer from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        if self._room <= 0:
            raise OSError("the peer says too much")
        set_limit(self._sock, self._deadline)
        received = self._sock.recv_into(buffer)
        self._room -= received
        return received
