"""
AWS Lambda as a function meets it: the Runtime API, the freeze between invocations, and Invoke.

The function runs under AWS's own runtime client (``awslambdaric``), in a process of its own.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_APP: Final = Path(__file__).resolve().parents[1]
NAME: Final = "stand-in"
_ARN: Final = f"arn:aws:lambda:eu-central-1:000000000000:function:{NAME}"
_NEXT: Final = "/2018-06-01/runtime/invocation/next"
_ANSWER: Final = re.compile(r"/2018-06-01/runtime/invocation/([0-9a-f-]+)/(response|error)")
_INVOKE: Final = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
#: Beginnings of the variables that are handed on; the last two are those of coverage.
_KEPT: Final = ("PATH", "TMPDIR", "COV_", "COVERAGE_")


@dataclass(slots=True)
class Invocation:
    """One call of the function, and what became of it."""

    event: object
    headers: Mapping[str, str]
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: Any = None
    error: dict[str, Any] | None = None  #: what the runtime told of an exception
    fault: str = ""  #: what it told X-Ray
    done: threading.Event = field(default_factory=threading.Event)


class LambdaStandIn:
    """
    A Lambda function with one execution environment; use it in a ``with`` block.

    Between two invocations its process is stopped. With *workers* it runs as a function of
    that many concurrent invocations per environment does, which is never stopped.

    Args:
        handler: Such as ``orchestrator.aws.handler``.
        folder: Where the function's code is looked for first, and its output written.
        environment: All its settings.
        seconds: That an invocation may take.
        deliveries: How often an asynchronous event arrives; Lambda promises once at least.
    """

    def __init__(
        self,
        handler: str,
        folder: Path,
        environment: Mapping[str, str],
        *,
        seconds: float = 30.0,
        workers: int = 0,
        deliveries: int = 1,
    ) -> None:
        self.asynchronous: list[Invocation] = []
        self._handler = handler
        self._folder = folder
        self._environment = environment
        self._seconds = seconds
        self._workers = workers
        self._deliveries = deliveries
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._running: dict[str, Invocation] = {}
        self._output = folder / "output.log"
        self._server = _Server(self)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def invoke(self, event: object, *, timeout: float = 60.0, **headers: str) -> Invocation:
        """Call the function and wait for its answer; *headers* are those of the Runtime API."""
        told = {f"Lambda-Runtime-{name.replace('_', '-').title()}": value for name, value in headers.items()}
        invocation = self._put(Invocation(event, told))
        deadline = time.monotonic() + timeout
        while not invocation.done.wait(0.1):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no answer; the function wrote: {self.output()}")
        return invocation

    def output(self) -> str:
        """Return all that the process wrote."""
        return self._output.read_text("utf-8")

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """Decode what the process wrote, which is all JSON; *fields* chooses lines that have them."""
        decoded = [json.loads(line) for line in self.output().splitlines()]
        return [line for line in decoded if fields.items() <= line.items()]

    def kill(self) -> None:
        """End the process as Lambda does when the time of an invocation is up."""
        self._process.kill()
        self._process.wait(15.0)

    def accept(self, function: str, event: object) -> bool:
        """Take an asynchronous event for *function*; False where there is no such function."""
        if function != NAME:
            return False
        self.asynchronous += [self._put(Invocation(event, {})) for _ in range(self._deliveries)]
        return True

    def next(self) -> Invocation | None:
        """Wait for the next invocation, the process being frozen until it comes; None at the end."""
        freezes = not self._workers and self._waiting.empty()
        if freezes:
            self._process.send_signal(signal.SIGSTOP)
        invocation = self._waiting.get()
        if freezes:
            self._process.send_signal(signal.SIGCONT)
        if invocation is None:
            self._waiting.put(None)  # for the other workers
        return invocation

    def deadline(self) -> int:
        """Return when an invocation that starts now has to end, in milliseconds of the epoch."""
        return int((time.time() + self._seconds) * 1_000)

    def answered(self, request_id: str, kind: str, content: Any, fault: str) -> None:
        """Take the answer to an invocation."""
        invocation = self._running.pop(request_id)
        if kind == "error":
            invocation.error, invocation.fault = content, fault
        else:
            invocation.answer = content
        invocation.done.set()

    def _put(self, invocation: Invocation) -> Invocation:
        self._running[invocation.request_id] = invocation
        self._waiting.put(invocation)
        return invocation

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
        path = [str(self._folder), str(_APP), *filter(None, [os.environ.get("PYTHONPATH")])]
        concurrency = {"AWS_LAMBDA_MAX_CONCURRENCY": str(self._workers)} if self._workers else {}
        environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join(path),
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": NAME,
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_ENDPOINT_URL_LAMBDA": f"http://{self.address}",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "stand-in",
            "AWS_SECRET_ACCESS_KEY": "stand-in",
            **concurrency,
            **self._environment,
        }
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", self._handler],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._waiting.put(None)  # the runtime ends where the Runtime API does not answer any more
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(15.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, service: LambdaStandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service

    def handle_error(self, *_: object) -> None:
        """Say nothing: a connection breaks where a process is ended."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        invocation = self.server.service.next() if self.path == _NEXT else None
        if invocation is None:
            self.close_connection = True
            return
        told = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(self.server.service.deadline()),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        }
        self._reply(200, invocation.event, {**told, **invocation.headers})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = json.loads(raw or b"null")
        if answer := _ANSWER.fullmatch(self.path):
            fault = self.headers.get("Lambda-Runtime-Function-XRay-Error-Cause", "")
            self._reply(202, {"status": "OK"})
            self.server.service.answered(answer[1], answer[2], content, fault)
        elif invoke := _INVOKE.fullmatch(self.path):
            is_event = self.headers.get("X-Amz-Invocation-Type") == "Event"
            self._reply(202 if is_event and self.server.service.accept(invoke[1], content) else 404, None)
        else:
            self._reply(202, {"status": "OK"})  # how the start went wrong stands in the output

    def _reply(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        all_headers = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**all_headers, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
