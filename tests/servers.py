"""A real HTTP server on loopback that plays a script, for tests of what sends requests."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]  #: names in lower case
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


@dataclass(slots=True)
class Script:
    """
    The answers of a server, in order; the last one is given again and again.

    An answer is a status, a status with headers and body, or a function that is
    given the bare connection.
    """

    url: str = ""
    answers: deque[Any] = field(default_factory=lambda: deque([204]))
    requests: list[Request] = field(default_factory=list)

    def next(self) -> Any:
        """Return the answer to give now."""
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


class _Scripted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ClassVar[Script]

    def do_POST(self) -> None:
        """Take the request down and answer as the script says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.requests.append(Request(path=self.path, headers=headers, body=body))
        answer = self.script.next()
        self.close_connection = True
        if callable(answer):
            with contextlib.suppress(OSError):
                answer(self.connection)
            return
        status, more, content = answer if isinstance(answer, tuple) else (answer, {}, b"")
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Connection": "close", **more}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def scripted_server(context: ssl.SSLContext | None = None) -> Iterator[Script]:
    """Run a server until the end of the block, over TLS where there is a *context*."""
    script = Script()
    handler = type("Handler", (_Scripted,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            script.url = script.url.replace("http:", "https:")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield script
        server.shutdown()


def reset(connection: socket.socket) -> None:
    """Answer with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def hang(connection: socket.socket) -> None:
    """Answer nothing until the peer gives up."""
    connection.settimeout(10)
    connection.recv(1)


def dribble(data: bytes) -> Callable[[socket.socket], None]:
    """Answer with one byte of *data* at a time, for ever."""

    def answer(connection: socket.socket) -> None:
        stop = threading.Event()
        while True:
            for byte in data:
                connection.sendall(bytes([byte]))
                stop.wait(0.02)

    return answer
