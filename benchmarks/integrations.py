"""What a command that does nothing costs by integration: its trace, kept in memory, and its line in the log.

The floor is the same without an integration, so the difference is what the integration adds.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from typing import Any

import obskit
from benchmarks.measure import Contender, Scenario
from obskit.integrations import asgi, wsgi
from obskit.integrations._commands import Command
from obskit.integrations.aws_lambda import observed
from obskit.traces import MemoryTraceStore

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LOG = obskit.get_logger("bench")


def _configured() -> None:
    store = MemoryTraceStore(per_user=100, total=1_000)
    null = io.FileIO(os.devnull, "w")
    obskit.configure(service="bench", output=null, trace_store=store, capture_logging=False, hooks=False)


def _trace() -> Callable[[], object]:
    _configured()

    def call() -> None:
        with obskit.trace("/diagnose", user_id="184"):
            pass

    return call


def _bot() -> Callable[[], object]:
    _configured()

    def call() -> None:
        with Command(LOG, "/diagnose", 184, guild_id=290926798626357250, channel_id=112233445566778899):
            pass

    return call


def _lambda() -> Callable[[], object]:
    _configured()

    class Context:
        function_name = "shop"
        aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

        def get_remaining_time_in_millis(self) -> int:
            return 3_000

    @observed(user_id=lambda event: event["user"])
    def handler(event: dict[str, Any], context: Context) -> None:
        pass

    event, context = {"user": "184", "headers": {"traceparent": PARENT}}, Context()
    return lambda: handler(event, context)


def _asgi() -> Callable[[], object]:
    _configured()

    async def app(_scope: asgi.Scope, _receive: asgi.Receive, send: asgi.Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async def receive() -> dict[str, Any]:
        return {}

    async def send(_message: object) -> None:
        pass

    observed_app = asgi.ObskitMiddleware(app, user_id=lambda _: "184")
    headers = [(b"host", b"x"), (b"traceparent", PARENT.encode()), (b"accept", b"*/*")]
    scope: asgi.Scope = {"type": "http", "method": "GET", "path": "/tea", "headers": headers}

    def call() -> None:
        with contextlib.suppress(StopIteration):  # nothing in it waits, so no event loop is needed
            observed_app(scope, receive, send).__await__().send(None)

    return call


def _wsgi() -> Callable[[], object]:
    _configured()

    def app(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    observed_app = wsgi.ObskitMiddleware(app, user_id=lambda _: "184")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/tea", "HTTP_TRACEPARENT": PARENT}

    def start_response(status: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
        return lambda _: None

    def call() -> None:
        response: Any = observed_app(environ, start_response)
        for _ in response:
            pass
        response.close()

    return call


SCENARIOS = (
    Scenario(
        "Command by integration",
        Contender("floor: obskit.trace", _trace),
        (
            Contender("bots: Command", _bot),
            Contender("asgi.ObskitMiddleware", _asgi),
            Contender("wsgi.ObskitMiddleware", _wsgi),
            Contender("aws_lambda.observed", _lambda),
        ),
    ),
)
