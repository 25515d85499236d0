"""Every request to an ASGI application is a trace, and the application notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

import obskit
from obskit.integrations.asgi import App, Message, ObskitMiddleware, Receive, Scope, Send
from obskit.testing import capture
from tests.integrations.bots import Observed, observed
from tests.programs import free_port
from tests.traces.recorded import last

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
SECRET = "ghp_" + "fake" * 9
log = obskit.get_logger("shop")


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What a service that wants alerts writes, keeps and sends."""
    with observed() as what:
        yield what


async def order(request: Request) -> Response:
    """Show an order; number 0 fails."""
    log.info("order shown")
    return PlainTextResponse(str(100 // request.path_params["number"]))


async def rows(request: Request) -> Response:
    """Answer row by row."""

    async def write() -> Any:
        for number in range(3):
            log.info("row")
            yield f"{number}\n"

    return StreamingResponse(write())


async def echo(websocket: WebSocket) -> None:
    """Say back what is said."""
    await websocket.accept()
    log.info("connected")
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


async def busy(request: Request) -> Response:
    """Fail without an exception."""
    return PlainTextResponse("later", 503, headers={"X-Request-Id": "mine"})


ROUTES = [
    Route("/orders/{number:int}", order),
    Route("/rows", rows),
    Route("/busy", busy),
    WebSocketRoute("/echo/{room}", echo),
    Mount("/v1", routes=[Route("/orders/{number:int}", order)]),
    Mount("/raw", app=PlainTextResponse("raw")),
]


def service(**options: Any) -> App:
    """Make a service in Starlette that is observed from outside."""
    return ObskitMiddleware(Starlette(routes=ROUTES), **options)


def get(app: App, path: str, **headers: str) -> httpx.Response:
    """Send one request, as a server would."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path, headers={name.replace("_", "-"): headers[name] for name in headers})

    return asyncio.run(send())


def call(app: App, scope: Scope, *incoming: Message, send: Send | None = None) -> list[Message]:
    """Call *app* with *scope* and the messages that come in; returns what it sent."""
    sent: list[Message] = []
    waiting = list(incoming)

    async def receive() -> Message:
        return waiting.pop(0)  # one more than there are would be read by the middleware

    async def keep(message: Message) -> None:
        sent.append(message)

    async def serve() -> None:
        await app(scope, receive, send or keep)

    asyncio.run(serve())
    return sent


def http(path: str = "/", *headers: tuple[bytes, bytes]) -> Scope:
    """Make the scope of a request."""
    return {"type": "http", "method": "GET", "path": path, "headers": list(headers)}


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading anything."""
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"fine"})


def test_a_request_is_a_trace_with_the_name_of_its_route(seen: Observed) -> None:
    """Lines, the trace and the answer name the same ids, and the status is kept."""
    answer = get(service(user_id=lambda scope: 42), "/orders/4?token=" + SECRET)
    kept = last("42")
    assert (answer.status_code, answer.text) == (200, "25")
    assert (kept.command, kept.status, kept.attributes) == ("GET /orders/{number:int}", "ok", {"status": 200})
    assert answer.headers["X-Request-ID"] == kept.trace_id
    assert answer.headers["traceparent"] == f"00-{kept.trace_id}-{kept.span_id}-01"
    [line] = seen.lines(msg="order shown")
    assert (line["trace_id"], line["user_id"], line["cmd"]) == (kept.trace_id, "42", "GET /orders/4")
    assert seen.ends() == [("GET /orders/{number:int}", "ok")]
    assert obskit.current_trace() is None
    seen.shows_none_of(SECRET)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/orders/4", "GET /v1/orders/{number:int}"),
        ("/raw/file", "GET /raw/file"),
        ("/nowhere", "GET /nowhere"),
    ],
)
def test_mounted_and_missing_routes_are_named_by_what_is_known(seen: Observed, path: str, name: str) -> None:
    """A route below a mount has its whole path; where there is no route, the path itself counts."""
    get(service(), path)
    assert [command for command, _ in seen.ends()] == [name]


def test_a_route_that_cannot_be_read_leaves_the_path(seen: Observed) -> None:
    """Frameworks change; the request is served all the same."""

    class Odd:
        endpoint = path = property(lambda self: 1 / 0)

    call(ObskitMiddleware(fine), {**http("/odd"), "route": Odd()})
    assert seen.ends() == [("GET /odd", "ok")]


def test_a_trace_goes_on_with_that_of_the_caller(seen: Observed) -> None:
    """Ids of the caller are taken over and given back."""
    headers = {"traceparent": TRACEPARENT, "X_Correlation_Id": "order-7", "X_Request_ID": "edge-1"}
    answer = get(service(), "/orders/4", **headers)
    [kept] = obskit.get_trace_store().recent()
    assert (kept.trace_id, kept.parent_id, kept.correlation_id) == (TRACE_ID, "b7ad6b7169203331", "order-7")
    assert answer.headers["traceparent"] == f"00-{TRACE_ID}-{kept.span_id}-01"
    assert (answer.headers["X-Correlation-Id"], answer.headers["X-Request-ID"]) == ("order-7", "edge-1")
    assert {line["request_id"] for line in seen.lines(trace_id=TRACE_ID)} == {"edge-1"}


def test_what_the_caller_sends_is_not_trusted(seen: Observed) -> None:
    """Headers that are repeated, malformed or too long begin a new trace and are not echoed."""
    forged = http(
        "/", (b"traceparent", TRACEPARENT.encode()), (b"traceparent", b"x"), (b"x-request-id", b"a b\r\nc: d")
    )
    [start, _] = call(ObskitMiddleware(fine), forged)
    [kept] = obskit.get_trace_store().recent()
    assert kept.trace_id != TRACE_ID
    assert dict(start["headers"])[b"x-request-id"] == kept.trace_id.encode()
    assert seen.runtime.stats()["refused_traceparent"] == 1


@given(st.lists(st.tuples(st.sampled_from([b"traceparent", b"x-request-id", b"baggage"]), st.binary())))
def test_no_header_breaks_a_request(headers: list[tuple[bytes, bytes]]) -> None:
    """Whatever bytes come in, the application answers, and what goes out can be a header."""
    with capture():
        [start, body] = call(ObskitMiddleware(fine), http("/", *headers))
    assert body["body"] == b"fine"
    assert all(32 <= byte < 127 for _, value in start["headers"] for byte in value)


def test_an_exception_is_told_once_and_passes_on(seen: Observed) -> None:
    """One line has the traceback and the context, and repeats are one alert."""
    app = service()
    for _ in range(3):
        assert get(app, "/orders/0").status_code == 500
    stacks = seen.stacks()
    assert [line["msg"] for line in stacks] == ["GET /orders/{number:int} failed"] * 3
    assert all("trace_id" in line for line in stacks)
    assert stacks[0]["error"] == "ZeroDivisionError: integer division or modulo by zero"
    assert seen.ends() == [("GET /orders/{number:int}", "error")] * 3
    assert [alert.message for alert in seen.alerts()] == ["GET /orders/{number:int} failed"]
    [kept, *_] = obskit.get_trace_store().recent()
    assert (kept.error and kept.error.type, kept.attributes["status"]) == ("ZeroDivisionError", 500)
    with pytest.raises(ZeroDivisionError):
        call(app, http("/orders/0"))


def test_a_name_that_the_program_gives_stays(seen: Observed) -> None:
    """It knows better than the route."""

    async def command(request: Request) -> Response:
        trace = obskit.current_trace()
        assert trace is not None
        trace.rename("/diagnose")
        return PlainTextResponse("done")

    get(ObskitMiddleware(Starlette(routes=[Route("/chat", command)])), "/chat")
    assert seen.ends() == [("/diagnose", "ok")]


def test_an_answer_of_500_without_an_exception_fails_the_trace(seen: Observed) -> None:
    """A header that the application has set itself stays as it is."""
    answer = get(service(), "/busy")
    [kept] = obskit.get_trace_store().recent()
    assert (kept.status, kept.error and kept.error.message) == ("error", "answered 503")
    assert answer.headers.get_list("X-Request-ID") == ["mine"]
    assert seen.stacks() == []


@pytest.mark.parametrize("add", ["outside", "inside", "beside a BaseHTTPMiddleware"])
def test_a_stream_is_a_part_of_its_request(seen: Observed, add: str) -> None:
    """The trace is open until the last row, wherever the middleware stands."""
    app = Starlette(routes=ROUTES)
    if add != "outside":
        app.add_middleware(ObskitMiddleware)
    if add == "beside a BaseHTTPMiddleware":

        async def pass_on(request: Request, call_next: Callable[..., Any]) -> Any:
            return await call_next(request)

        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    answer = get(ObskitMiddleware(app) if add == "outside" else app, "/rows")
    [kept] = obskit.get_trace_store().recent()
    assert answer.text == "0\n1\n2\n"
    assert [line["trace_id"] for line in seen.lines(msg="row")] == [kept.trace_id] * 3
    assert seen.ends() == [("GET /rows", "ok")]


def test_chunks_pass_one_by_one() -> None:
    """A chunk is sent before the next one is made, and is the very object that the application sent."""
    order_of_events: list[object] = []
    chunks = [{"type": "http.response.body", "body": b"x" * n, "more_body": n < 3} for n in (1, 2, 3)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        for chunk in chunks:
            order_of_events.append("made")
            await send(chunk)

    async def send(message: Message) -> None:
        order_of_events.append(message)

    with observed():
        call(ObskitMiddleware(app), http(), send=send)
    assert order_of_events[1:] == ["made", chunks[0], "made", chunks[1], "made", chunks[2]]
    assert order_of_events[2] is chunks[0]


def test_a_cancelled_request_is_cancelled(seen: Observed) -> None:
    """It is no error: the client has gone."""

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def serve() -> None:
        task = asyncio.ensure_future(ObskitMiddleware(wait)(http("/slow"), None, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(serve())
    assert seen.ends() == [("GET /slow", "cancelled")]
    assert seen.stacks() == []


def test_a_websocket_is_a_trace_as_long_as_it_is_open(seen: Observed) -> None:
    """The caller finds the ids in the answer to its handshake."""
    scope = {"type": "websocket", "path": "/echo/42", "headers": []}
    said = {"type": "websocket.receive", "text": "hello"}
    accepted, told, closed = call(service(), scope, {"type": "websocket.connect"}, said)
    assert (told["text"], closed["type"]) == ("hello", "websocket.close")
    [kept] = obskit.get_trace_store().recent()
    assert kept.command == "WEBSOCKET /echo/{room}"
    assert dict(accepted["headers"])[b"x-request-id"] == kept.trace_id.encode()
    assert seen.lines(msg="connected")[0]["trace_id"] == kept.trace_id


@pytest.mark.parametrize("kind", ["lifespan", "something.new"])
def test_other_connections_pass_through_untouched(seen: Observed, kind: str) -> None:
    """The very same objects arrive, and nothing is recorded."""
    got: list[object] = []

    async def app(*given: object) -> None:
        got.extend(given)

    scope, receive, send = {"type": kind}, object(), object()
    asyncio.run(ObskitMiddleware(app)(scope, receive, send))  # type: ignore[arg-type]
    assert [got[0] is scope, got[1] is receive, got[2] is send] == [True] * 3
    assert obskit.get_trace_store().recent() == []


def test_a_user_that_cannot_be_told_is_nobody(seen: Observed, capfd: pytest.CaptureFixture[str]) -> None:
    """The request goes on; it is counted, and told once."""
    app = ObskitMiddleware(fine, user_id=lambda scope: scope["nobody"])
    for _ in range(2):
        assert call(app, http())[1]["body"] == b"fine"
    assert seen.runtime.stats()["refused_user_id"] == 2
    assert [trace.user_id for trace in obskit.get_trace_store().recent()] == [None, None]
    assert capfd.readouterr().err.count("user_id") <= 1


def test_a_real_server_does_not_tell_a_second_time(seen: Observed) -> None:
    """Under uvicorn the traceback is in the log once, with the trace's id, and keys in URLs are hidden."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(service(), port=port))
    paths = ("/orders/4?api_key=" + SECRET, "/orders/0", "/rows")

    async def run() -> list[int]:
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it tells in no other way
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answers = [await client.get(path) for path in paths]
        server.should_exit = True
        await serving
        return [answer.status_code for answer in answers]

    assert asyncio.run(run()) == [200, 500, 200]
    [stack] = seen.stacks()
    assert stack["msg"] == "GET /orders/{number:int} failed"
    assert stack["trace_id"] == seen.lines(event="command.end", outcome="error")[0]["trace_id"]
    assert len(seen.lines(logger="uvicorn.access")) == 3
    assert len(seen.lines(logger="httpx")) == 3
    seen.shows_none_of(SECRET)
