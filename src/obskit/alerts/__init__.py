"""Tell people about failures: once per incident and window, with the count of the repeats."""

from __future__ import annotations

from .alerter import Alerter
from .delivery import AlertSink, Delivery, Kind
from .key import DEFAULT
from .model import Alert, SafeAlert, Severity
from .receipt import Receipt
from .routing import Route

__all__ = [
    "DEFAULT",
    "Alert",
    "AlertSink",
    "Alerter",
    "Delivery",
    "Kind",
    "Receipt",
    "Route",
    "SafeAlert",
    "Severity",
]
