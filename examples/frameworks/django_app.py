"""A service on Django, by either protocol: gunicorn django_app:wsgi, or uvicorn django_app:asgi"""

from __future__ import annotations

from django.conf import settings  # type: ignore[import-untyped]
from django.core.asgi import get_asgi_application  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]
from django.http import HttpRequest, JsonResponse  # type: ignore[import-untyped]
from django.urls import path  # type: ignore[import-untyped]

import obskit
from obskit.integrations import asgi as over_asgi
from obskit.integrations import wsgi as over_wsgi

obskit.configure(service="shop", alert_level="error")
log = obskit.get_logger("shop")


def order(request: HttpRequest, order_id: int) -> JsonResponse:
    """Show an order; number 0 fails."""
    if (trace := obskit.current_trace()) and request.resolver_match:  # only Django knows the route
        trace.rename(f"{request.method} /{request.resolver_match.route}")
    with obskit.step("Look it up"):
        log.info("order shown", order=order_id)
    return JsonResponse({"order": order_id, "share": 100 // order_id})


urlpatterns = [path("orders/<int:order_id>", order)]
if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


wsgi = over_wsgi.ObskitMiddleware(get_wsgi_application(), user_id=lambda environ: environ.get("HTTP_X_USER"))
asgi = over_asgi.ObskitMiddleware(get_asgi_application())
