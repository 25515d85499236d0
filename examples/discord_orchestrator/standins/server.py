"""
What both stand-ins share: an HTTP server that records, checks and answers requests.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

_LARGEST_BODY: Final = 1_000_000


class Violation(Exception):
    """A request breaks a rule of the service."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    method: str
    path: str  #: with the query
    headers: Mapping[str, str]  #: names in lower case
    raw: bytes
    body: Any = None  #: the decoded JSON


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to give."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


#: Checks a request and answers it; the groups of the route's pattern are its arguments.
Endpoint: TypeAlias = Callable[..., Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """Which requests an endpoint answers."""

    name: str
    method: str
    path: re.Pattern[str]
    endpoint: Endpoint


def require(holds: object, rule: str) -> None:
    """Raise `Violation` naming *rule* unless it holds."""
    if not holds:
        raise Violation(rule)


class StandIn(ABC):
    """
    A strict server on a free port of this machine; use it in a ``with`` block.

    `requests` holds everything that was asked, `violations` every broken rule.
    `script(route, reply, ...)` makes the next requests of a route fail as told,
    after they were checked like any other.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.changed = threading.Condition()
        self._scripts: defaultdict[str, deque[Reply]] = defaultdict(deque)
        self._server = _Server(self)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @abstractmethod
    def routes(self) -> list[Route]:
        """List what the service answers."""

    @abstractmethod
    def check(self, request: Request) -> None:
        """Check what holds for every request; raises `Violation`."""

    def script(self, route: str, *replies: Reply) -> None:
        """Give *replies* to the next requests of the route called *route*."""
        self._scripts[route].extend(replies)

    def wait_for(self, condition: Callable[[], Any], timeout: float = 10.0) -> bool:
        """Wait until *condition* holds, which is asked again after every request."""
        with self.changed:
            return bool(self.changed.wait_for(condition, timeout))

    def answer(self, request: Request) -> Reply:
        """Check and answer *request*."""
        with self.changed:
            self.requests.append(request)
            try:
                return self._answer(request)
            # Besides a rule that is named: a body of a shape that the checks did not expect.
            except (Violation, LookupError, TypeError, ValueError, AttributeError) as error:
                rule = str(error) if isinstance(error, Violation) else f"cannot be read: {error!r}"
                self.violations.append(f"{request.method} {urlsplit(request.path).path}: {rule}")
                return Reply(400, {"message": f"Violation: {rule}", "code": 50035})
            finally:
                self.changed.notify_all()

    def _answer(self, request: Request) -> Reply:
        for route in self.routes():
            match = route.path.fullmatch(urlsplit(request.path).path)
            if match and route.method == request.method:
                self.check(request)
                reply = route.endpoint(request, **match.groupdict())
                scripted = self._scripts[route.name]
                return scripted.popleft() if scripted else reply
        raise Violation("no such endpoint")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in

    def handle_error(self, *client: Any) -> None:
        """Say nothing where a connection breaks: tests kill the bot."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*client)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30.0

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(min(length, _LARGEST_BODY))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        reply = self.server.stand_in.answer(Request(self.command, self.path, headers, raw, body))
        content = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if reply.status not in {204, 304}:
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = handle_any  # noqa: N815 - the names http.server looks for

    def log_message(self, *_: object) -> None:
        pass
