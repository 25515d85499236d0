"""The example for Django shows all that a service gets, by either protocol."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import httpx
import pytest

from tests.integrations.bots import Observed, example, observed
from tests.traces.recorded import last, shape

SECRET = "ghp_" + "fake" * 9


@pytest.fixture(scope="module")
def program() -> Iterator[ModuleType]:
    """The example, loaded as a server does; Django looks its module up by name."""
    loaded = example("django_app")
    sys.modules[loaded.__name__] = loaded
    yield loaded
    del sys.modules[loaded.__name__]


def over_wsgi(program: ModuleType, path: str) -> httpx.Response:
    """Send one request as a WSGI server does."""
    transport = httpx.WSGITransport(program.wsgi, raise_app_exceptions=False)
    with httpx.Client(transport=transport, base_url="http://shop.example") as client:
        return client.get(path, headers={"x-user": "42"})


def over_asgi(program: ModuleType, path: str) -> httpx.Response:
    """Send one request as an ASGI server does."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(program.asgi, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path)

    return asyncio.run(send())


CASES = pytest.mark.parametrize(("get", "user"), [(over_wsgi, "42"), (over_asgi, None)])
Get = Callable[[ModuleType, str], httpx.Response]


@CASES
def test_the_example_shows_trace_context_and_redaction(
    program: ModuleType, get: Get, user: str | None
) -> None:
    """A request has route, step and id, and a key in its URL is not kept."""
    with observed() as seen:
        answer = get(program, f"/orders/4?token={SECRET}")
        assert answer.json() == {"order": 4, "share": 25}
        kept = last(user)
        assert (kept.command, kept.status) == ("GET /orders/<int:order_id>", "ok")
        assert shape(kept) == [("Look it up", None)]
        [line] = seen.lines(msg="order shown")
        assert (line["trace_id"], line["cmd"]) == (answer.headers["x-request-id"], kept.command)
        seen.shows_none_of(SECRET)


@CASES
def test_a_repeated_failure_of_the_example_is_one_alert(
    program: ModuleType, get: Get, user: str | None
) -> None:
    """Django answers and logs by itself: that line has the context, and the trace the exception."""
    with observed() as seen:
        assert [get(program, path).status_code for path in ("/orders/0", "/orders/0", "/nowhere")] == [
            500,
            500,
            404,
        ]
        assert [line["logger"] for line in seen.stacks()] == ["django.request"] * 2
        assert {"trace_id", "cmd"} <= seen.stacks()[0].keys()
        assert [status for _, status in seen.ends()] == ["error", "error", "ok"]
        assert len(seen.alerts()) == 1
        assert failures(seen) == ["ZeroDivisionError"] * 2


def failures(seen: Observed) -> list[str]:
    """Return the types of the errors of the traces that are kept."""
    kept = seen.runtime.trace_store.recent()  # type: ignore[attr-defined]
    return [trace.error.type for trace in kept if trace.error]
