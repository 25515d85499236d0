"""A service on FastAPI (Starlette is the same): uvicorn fastapi_app:app"""

from __future__ import annotations

import httpx
from fastapi import FastAPI

import obskit
from obskit.integrations.asgi import ObskitMiddleware, Scope

obskit.configure(service="shop", alert_level="error", levels={"uvicorn.access": "warn"})
log = obskit.get_logger("shop")

# The transport stands in for a real warehouse.
warehouse = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
STOCK = "https://warehouse.example/stock?token=" + "not-a-real-one-0001"


def user_of(scope: Scope) -> str | None:
    """Tell whose request it is, from what stands before the application: here a proxy that signs users in."""
    return dict(scope["headers"]).get(b"x-user", b"").decode() or None


app = FastAPI()
app.add_middleware(ObskitMiddleware, user_id=user_of)


@app.get("/orders/{order_id}")
async def order(order_id: int) -> dict[str, int]:
    """Show an order; number 0 fails."""
    with obskit.step("Ask the warehouse"):
        headers: dict[str, str] = {}
        obskit.inject(headers)  # the warehouse goes on with this trace
        await warehouse.get(STOCK, headers=headers)
    log.info("order shown", order=order_id)
    return {"order": order_id, "share": 100 // order_id}
