"""A service on Flask: flask --app flask_app run"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask

import obskit
from obskit.integrations.wsgi import ObskitMiddleware

obskit.configure(service="shop", alert_level="error", levels={"werkzeug": "warn"})
log = obskit.get_logger("shop")

app = Flask("shop")
app.wsgi_app = ObskitMiddleware(  # type: ignore[method-assign]
    app.wsgi_app, user_id=lambda environ: environ.get("HTTP_X_USER")
)


@app.get("/orders/<int:order_id>")
def order(order_id: int) -> dict[str, int]:
    """Show an order; number 0 fails."""
    with obskit.step("Look it up"):
        log.info("order shown", order=order_id)
    return {"order": order_id, "share": 100 // order_id}


@app.get("/report")
def report() -> Iterator[str]:
    """Write row by row: the trace stays open until the last one is sent."""
    for number in range(3):
        log.info("row", number=number)
        yield f"{number}\n"
