"""The example for FastAPI shows all that a service gets."""

from __future__ import annotations

import asyncio
from types import ModuleType

import httpx
import pytest

import obskit
from tests.integrations.bots import example, observed
from tests.traces.recorded import last, shape


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """The example, loaded as a server does."""
    return example("fastapi_app")


def get(program: ModuleType, path: str, **headers: str) -> httpx.Response:
    """Send one request."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(program.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(send())


def test_the_example_shows_trace_context_and_redaction(program: ModuleType) -> None:
    """A request has user, route, step and id, and httpx shows no token of a URL."""
    with observed() as seen:
        answer = get(program, "/orders/4", **{"x-user": "42"})
        assert answer.json() == {"order": 4, "share": 25}
        kept = last("42")
        assert (kept.command, kept.status, shape(kept)) == (
            "GET /orders/{order_id}",
            "ok",
            [("Ask the warehouse", None)],
        )
        [line] = seen.lines(msg="order shown")
        assert (line["trace_id"], line["user_id"]) == (answer.headers["x-request-id"], "42")
        [asked] = [line for line in seen.lines(logger="httpx") if "warehouse" in line["msg"]]
        assert "token=***" in asked["msg"]
        assert asked["trace_id"] == kept.trace_id
        seen.shows_none_of("not-a-real-one-0001")


def test_a_repeated_failure_of_the_example_is_one_alert(program: ModuleType) -> None:
    """Each failure is one line with a traceback, and a bad argument is none."""
    with observed() as seen:
        assert [get(program, f"/orders/{number}").status_code for number in (0, 0, "x")] == [500, 500, 422]
        assert [line["error"] for line in seen.stacks()] == [
            "ZeroDivisionError: integer division or modulo by zero"
        ] * 2
        [alert] = seen.alerts()
        assert alert.message == "GET /orders/{order_id} failed"
        assert [status for _, status in seen.ends()] == ["error", "error", "ok"]


def test_routes_of_included_routers_and_mounted_services_have_their_prefixes() -> None:
    """Also where FastAPI keeps them apart."""
    from fastapi import APIRouter, FastAPI

    from obskit.integrations.asgi import ObskitMiddleware

    async def item(item_id: int) -> int:
        return item_id

    router, mounted, app = APIRouter(prefix="/v1"), FastAPI(), FastAPI()
    router.add_api_route("/items/{item_id}", item)
    mounted.include_router(router)
    app.include_router(router, prefix="/api")
    app.mount("/sub", mounted)
    program = ModuleType("program")
    program.app = ObskitMiddleware(app)  # type: ignore[attr-defined]
    with observed():
        for path in ("/api/v1/items/3", "/sub/v1/items/3"):
            assert get(program, path).json() == 3
        commands = [trace.command for trace in obskit.get_trace_store().recent()]
    assert commands == ["GET /sub/v1/items/{item_id}", "GET /api/v1/items/{item_id}"]
