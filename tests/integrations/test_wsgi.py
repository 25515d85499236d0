"""Every request to a WSGI application is a trace until its response is closed."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import httpx
import pytest

import obskit
from obskit.integrations.wsgi import App, Environ, ObskitMiddleware, StartResponse
from tests.integrations.bots import Observed, observed

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
log = obskit.get_logger("shop")


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What a service that wants alerts writes, keeps and sends."""
    with observed() as what:
        yield what


class Rows:
    """A response that is made while it is sent, and says how it was closed."""

    def __init__(self, rows: int = 3, *, fails_at: int = -1, close_fails: bool = False) -> None:
        self._rows = iter(range(rows))
        self._fails_at, self._close_fails = fails_at, close_fails
        self.closed = 0

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> bytes:
        row = next(self._rows)
        log.info("row")
        obskit.set_context(row=row)
        if row == self._fails_at:
            raise ConnectionError("no more rows")
        return b"row"

    def close(self) -> None:
        """Tell that it was closed."""
        self.closed += 1
        log.info("closed")
        if self._close_fails:
            raise OSError("cannot be closed")


def app_of(rows: Iterable[bytes], status: str = "200 OK", *failure: Any) -> App:
    """Make an application that answers with *rows*."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [("Content-Type", "text/plain")], *failure)
        log.info("called")
        return rows

    return app


def call(app: App, **environ: Any) -> tuple[Any, list[tuple[str, list[tuple[str, str]]]]]:
    """Call *app* as a server does; returns its response and what it started."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        started.append((status, headers))
        return lambda data: None

    return app({"REQUEST_METHOD": "GET", "PATH_INFO": "/rows", **environ}, start), started


def test_a_trace_is_open_until_the_response_is_closed(seen: Observed) -> None:
    """Rows and the closing belong to it; afterwards nothing is left behind in the thread."""
    rows = Rows()
    before = list(contextvars.copy_context().items())
    response, _ = call(
        ObskitMiddleware(app_of(rows), user_id=lambda environ: environ["HTTP_X_USER"]), HTTP_X_USER="42"
    )
    assert list(response) == [b"row"] * 3
    assert seen.ends() == []
    response.close()
    response.close()
    assert (rows.closed, seen.ends()) == (2, [("GET /rows", "ok")])
    [kept] = obskit.get_trace_store().recent()
    lines = seen.lines(trace_id=kept.trace_id, user_id="42")
    assert [line["msg"] for line in lines[:5]] == ["called", "row", "row", "row", "closed"]
    assert list(contextvars.copy_context().items()) == before


def test_two_responses_in_one_thread_do_not_meet(seen: Observed) -> None:
    """A server may go to and fro between requests: each has the context of its own."""
    responses = [call(ObskitMiddleware(app_of(Rows(2))), PATH_INFO=f"/{name}")[0] for name in "ab"]
    for _ in range(2):
        for response in responses:
            next(response)
            assert obskit.get_context() == {}
    assert [line["cmd"] for line in seen.lines(msg="row")] == ["GET /a", "GET /b"] * 2
    assert [line.get("row") for line in seen.lines(msg="row")] == [None, None, 0, 0]


def test_ids_come_in_and_go_out(seen: Observed) -> None:
    """Those of the caller are taken over and given back; a header of the application's own stays."""
    answered, started = call(
        ObskitMiddleware(app_of([])), HTTP_TRACEPARENT=TRACEPARENT, HTTP_X_REQUEST_ID="edge-1"
    )
    answered.close()
    [kept] = obskit.get_trace_store().recent()
    assert (kept.trace_id, kept.parent_id) == (TRACE_ID, "b7ad6b7169203331")
    assert started == [
        (
            "200 OK",
            [
                ("Content-Type", "text/plain"),
                ("X-Request-ID", "edge-1"),
                ("traceparent", f"00-{TRACE_ID}-{kept.span_id}-01"),
            ],
        )
    ]
    assert seen.lines(event="command.end")[0]["request_id"] == "edge-1"


@pytest.mark.parametrize(
    ("response", "told"),
    [
        (Rows(fails_at=1), "ConnectionError: no more rows"),
        (Rows(close_fails=True), "OSError: cannot be closed"),
        (None, "TypeError: 'NoneType' object is not iterable"),
    ],
)
def test_an_exception_is_told_once_wherever_it_comes_from(seen: Observed, response: Any, told: str) -> None:
    """It passes on to the server, and the trace has failed with it."""
    with pytest.raises((ConnectionError, OSError, TypeError)):
        returned, _ = call(ObskitMiddleware(app_of(response)))
        try:
            list(returned)
        finally:
            returned.close()
    assert [line["error"] for line in seen.stacks()] == [told]
    assert seen.ends() == [("GET /rows", "error")]


def test_an_application_that_raises_is_told_of_once(seen: Observed) -> None:
    """Repeats are one alert, and the server that logs it too does not tell again."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise RuntimeError("broken")

    for _ in range(3):
        with pytest.raises(RuntimeError) as caught:
            call(ObskitMiddleware(app))
        logging.getLogger("gunicorn.error").error("Error handling request", exc_info=caught.value)
    assert [line["msg"] for line in seen.stacks()] == ["GET /rows failed"] * 3
    assert [alert.message for alert in seen.alerts()] == ["GET /rows failed"]


def test_an_application_that_raises_what_ends_an_iteration_has_failed(seen: Observed) -> None:
    """As ``next()`` does of something empty: that is not the end of its response."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return [next(iter([]))]

    with pytest.raises(StopIteration):
        call(ObskitMiddleware(app))
    assert seen.ends() == [("GET /rows", "error")]


def test_leaving_is_no_error(seen: Observed) -> None:
    """SystemExit ends the trace as cancelled and passes on."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        call(ObskitMiddleware(app))
    assert (seen.ends(), seen.stacks()) == ([("GET /rows", "cancelled")], [])


def test_an_error_page_with_the_exception_fails_the_trace_with_it(seen: Observed) -> None:
    """WSGI has a way to tell why an answer takes the place of another."""
    error = LookupError("no such row")
    response, _ = call(ObskitMiddleware(app_of([], "500 Oh", (LookupError, error, None))))
    response.close()
    [kept] = obskit.get_trace_store().recent()
    assert (kept.error and kept.error.type, kept.attributes) == ("LookupError", {"status": 500})


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"SCRIPT_NAME": "/shop", "PATH_INFO": "/caf\xc3\xa9"}, "GET /shop/caf\u00e9"),
        ({"PATH_INFO": "/\xff"}, "GET /\ufffd"),
        ({"REQUEST_METHOD": "POST", "PATH_INFO": ""}, "POST "),
    ],
)
def test_a_path_is_read_as_people_write_it(seen: Observed, environ: Environ, name: str) -> None:
    """WSGI passes its bytes as if they were Latin-1."""
    response, _ = call(ObskitMiddleware(app_of([], "odd")), **environ)
    response.close()
    [kept] = obskit.get_trace_store().recent()
    assert (kept.command.strip(), kept.attributes) == (name.strip(), {})


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


def test_a_real_server_is_content(seen: Observed) -> None:
    """The standard library's validator finds no fault, and the server's thread stays clean."""
    rows, contexts = Rows(), []

    class Watched(_Silent):
        def handle(self) -> None:
            super().handle()
            contexts.append(dict(obskit.get_context()))

    app = validator(ObskitMiddleware(validator(app_of(rows))))
    with make_server("127.0.0.1", 0, app, handler_class=Watched) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        answer = httpx.get(f"http://127.0.0.1:{server.server_port}/rows")
        thread.join()
    [kept] = obskit.get_trace_store().recent()
    assert (answer.text, rows.closed, contexts) == ("rowrowrow", 1, [{}])
    assert answer.headers["X-Request-ID"] == kept.trace_id
