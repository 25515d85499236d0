"""
Run the bot on one machine: the standard library's HTTP server, and a few threads for the slow work.
"""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import obskit

from .app import Command, Orchestrator
from .config import Config
from .github import GitHub
from .observability import CommandFailed, log

_COMMANDS: Final = 32  # at work at the same time; more are refused
_GRACE: Final = 8.0  # seconds for running commands to end by themselves, within Docker's ten


def serve(config: Config, runtime: obskit.Runtime, *, host: str, port: int) -> None:
    """Answer interactions at *host* and *port* until SIGTERM or SIGINT; port 0 takes a free one."""
    closing = threading.Event()
    pool = ThreadPoolExecutor(_COMMANDS, thread_name_prefix="work")
    running: set[Future[None]] = set()

    def later(command: Command) -> None:
        if len(running) >= _COMMANDS:
            raise CommandFailed("I am busy. Please try again in a minute.", cause=f"{_COMMANDS} commands run")
        running.add(future := pool.submit(bot.work, command))
        future.add_done_callback(running.discard)

    bot = Orchestrator(config, runtime, GitHub(config, closing=closing), later=later)
    with _Server((host, port), _Handler) as server, suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM ends the serving as Ctrl-C does
        server.bot = bot
        log.info("Listening", host=host, port=server.server_port)
        server.serve_forever()
    log.info("Stopping")
    wait(running, timeout=_GRACE)
    closing.set()  # what still waits for GitHub reports what it knows
    pool.shutdown()
    runtime.flush(5.0)
    log.info("Stopped", stats=dict(runtime.stats()))


class _Server(ThreadingHTTPServer):
    bot: Orchestrator
    daemon_threads = False  # closing the server waits for the answers that are being written
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Log instead of printing: whoever hung up has no answer, and nobody needs a traceback."""
        log.info("Connection broke", reason=sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5.0
    server_version, sys_version = "orchestrator", ""

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/interactions":
            self.send_error(404)
        elif not re.fullmatch("[0-9]{1,6}", length):
            self.send_error(413 if length.isdecimal() else 411)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = self.server.bot.handle(headers, self.rfile.read(int(length)))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing; the bot logs what matters."""
