"""
Run the bot on one machine: the standard library's HTTP server, and a few threads for the slow work.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import obskit

from .app import Command, Orchestrator, Response
from .config import Config
from .github import GitHub
from .observability import log

_WORKERS: Final = 8
_COMMANDS: Final = 32  # running or waiting for a worker; more are refused
_GRACE: Final = 8.0  # seconds for running commands to end by themselves, within Docker's ten
_LARGEST_BODY: Final = 256 * 1024


def serve(config: Config, runtime: obskit.Runtime, *, host: str, port: int) -> None:
    """Answer interactions at *host* and *port* until SIGTERM or SIGINT; port 0 takes a free one."""
    stop, closing = threading.Event(), threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    workers = _Workers()
    github = GitHub(config, closing=closing)
    bot = Orchestrator(config, runtime, github, later=lambda command: workers.later(bot.work, command))
    with _Server((host, port), bot) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), name="http").start()
        log.info("Listening", host=host, port=server.server_port)
        while not stop.wait(1.0):
            pass
        log.info("Stopping")
        server.shutdown()
    workers.finish(closing)
    runtime.flush(5.0)
    log.info("Stopped", stats=dict(runtime.stats()))


class _Workers:
    """A bounded number of commands at work."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(_COMMANDS)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="work")

    def later(self, work: Callable[[Command], None], command: Command) -> bool:
        """Take *command*, or return False where there is too much to do."""
        if not self._free.acquire(blocking=False):
            return False
        self._pool.submit(work, command).add_done_callback(lambda _: self._free.release())
        return True

    def finish(self, closing: threading.Event) -> None:
        """Wait for all commands; after a while those that wait for GitHub report what they know."""
        timer = threading.Timer(_GRACE, closing.set)
        timer.start()
        self._pool.shutdown()
        timer.cancel()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing the server waits for the answers that are being written
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], bot: Orchestrator) -> None:
        super().__init__(address, _Handler)
        self.bot = bot

    def handle_error(self, *_: object) -> None:
        """Log instead of printing; a connection that broke is the client's matter and needs no traceback."""
        error = sys.exception()
        if isinstance(error, OSError):
            log.info("Connection broke", reason=type(error).__name__)
        else:
            log.error("Request failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5.0
    server_version, sys_version = "orchestrator", ""

    def do_GET(self) -> None:
        status = 405 if self.path == "/interactions" else 404
        self._send(Response(status, {"error": "there is only POST /interactions"}))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/interactions":
            return self.do_GET()
        if not re.fullmatch(r"[0-9]+", length):
            return self._send(Response(411, {"error": "Content-Length is needed"}))
        if len(length) > 9 or int(length) > _LARGEST_BODY:
            return self._send(Response(413, {"error": "body is too large"}))
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self._send(self.server.bot.handle(headers, body))

    def _send(self, response: Response) -> None:
        body = json.dumps(response.body).encode()
        self.send_response(response.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing; the bot logs what matters."""
