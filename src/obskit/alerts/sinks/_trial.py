"""Try a sink before the first failure does: look at what it would send, and send a test alert."""

from __future__ import annotations

from typing import Final

from ...clock import SYSTEM_CLOCK
from ...runtime import current
from ..delivery import AlertSink, Delivery, Kind, delivery_token
from ..key import incident_key
from ..model import Alert, secured
from ._layout import plain

_TEST: Final = Alert(
    severity="warning",
    message="This is a test: alerts arrive here.",
    root_cause="somebody wanted to know",
    fields={"sent by": "obskit.alerts.sinks.send_test"},
    fingerprint="obskit test",
)


def preview(sink: AlertSink, alert: Alert | None = None) -> str:
    r"""
    Write down exactly what *sink* would send for *alert*; nothing is sent.

    Args:
        sink: One that has a method ``preview(delivery)`` shows its own form, without
            its secrets; any other gets the plain text.
        alert: None for the test alert of `send_test`.

    >>> from obskit.alerts.sinks import SlackWebhook
    >>> hook = SlackWebhook("https://hooks.slack.com/services/T0/B0/not-a-real-token")
    >>> print(preview(hook, Alert(severity="error", message="disk is full")))
    POST https://hooks.slack.com/***
    ...
    {"text":"⚠️ *ERROR* app\n```\ndisk is full\n```","unfurl_links":false,"unfurl_media":false}
    """
    delivery = _delivery(alert or _TEST, Kind.FIRING)
    write = getattr(sink, "preview", None)
    return str(write(delivery)) if callable(write) else plain(delivery)


def send_test(sink: AlertSink) -> None:
    """
    Send a test alert of severity warning to *sink*, and then that it is over.

    Raises:
        SinkError: If it does not arrive; says why.
    """
    sink.emit(_delivery(_TEST, Kind.FIRING))
    sink.emit(_delivery(_TEST, Kind.RECOVERY))


def _delivery(alert: Alert, kind: Kind) -> Delivery:
    runtime = current()
    now_ns = SYSTEM_CLOCK.time_ns()
    return Delivery(
        alert=secured(alert, runtime.gate),
        key=incident_key(alert, service=runtime.service),
        service=runtime.service,
        time_ns=now_ns,
        token=delivery_token("trial", kind, now_ns),
        kind=kind,
    )
