"""Tasks on Celery: celery --app celery_app worker"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery  # type: ignore[import-untyped]

import obskit
from obskit.integrations.celery import observe

obskit.configure(service="shop", alert_level="error")
log = obskit.get_logger("shop")

broker = os.environ.get("BROKER_URL", "memory://")
app = observe(Celery("shop", broker=broker, backend="cache+memory://"))


@app.task(name="ship", bind=True, max_retries=2)  # type: ignore[untyped-decorator]
def ship(self: Any, order: int, token: str = "") -> str:
    """Ship an order; an odd one takes two attempts, and number 0 fails."""
    with obskit.step("Print the label"):
        log.info("label printed", order=order, url=f"https://parcels.example/?token={token}")
        weight = 100 // order
    if order % 2 and not self.request.retries:
        raise self.retry(exc=ConnectionError("the parcel service is busy"), countdown=0)
    return f"{weight} kg"


if __name__ == "__main__":
    with obskit.trace("/order", user_id="42"):
        ship.delay(7)  # runs in a worker, in the same trace and for the same user
