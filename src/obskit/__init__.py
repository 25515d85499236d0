"""
Logs, redaction, traces and alerts for bots and small services.

>>> import obskit
>>> log = obskit.get_logger("bot")
>>> with obskit.trace("/status", user_id="42"):
...     log.info("looked up", api_key="not-a-real-key")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors, lazy, logs, redaction, sinks
from .context import bound_context, clear_context, get_context, set_context
from .ids import get_trace_fingerprint
from .logs import Logger, get_logger
from .redaction import Redactor, register_secret, unregister_secret
from .runtime import Runtime
from .version import __version__
from .wiring import alert, configure, env_flag, redact, redact_text, register_env

if TYPE_CHECKING:
    from . import alerts, traces
    from .traces import current_trace, extract, get_trace_store, inject, step, trace, traced

__all__ = [
    "Logger",
    "Redactor",
    "Runtime",
    "__version__",
    "alert",
    "alerts",
    "bound_context",
    "clear_context",
    "configure",
    "current_trace",
    "env_flag",
    "errors",
    "extract",
    "get_context",
    "get_logger",
    "get_trace_fingerprint",
    "get_trace_store",
    "inject",
    "logs",
    "redact",
    "redact_text",
    "redaction",
    "register_env",
    "register_secret",
    "set_context",
    "sinks",
    "step",
    "trace",
    "traced",
    "traces",
    "unregister_secret",
]

# A program that only logs loads neither traces nor alerts.
_TRACES = ("current_trace", "extract", "get_trace_store", "inject", "step", "trace", "traced", "traces")
__getattr__, __dir__ = lazy.attributes(
    __name__, __all__, {"alerts": "alerts", **dict.fromkeys(_TRACES, "traces")}
)
