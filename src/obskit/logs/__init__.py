"""Log events: from the call of a logger to a line on a sink."""

from __future__ import annotations

from .flight import FlightRecorder, write_recorded
from .hooks import install_hooks, watch_loop
from .logger import Logger, get_logger
from .pipeline import Encoder, Pipeline
from .quick import QuickLine
from .stderr import RedactedStream, redact_stderr
from .stdlib import Handler, JSONFormatter, Propagation, capture_records
from .summary import TraceSummary

__all__ = [
    "Encoder",
    "FlightRecorder",
    "Handler",
    "JSONFormatter",
    "Logger",
    "Pipeline",
    "Propagation",
    "QuickLine",
    "RedactedStream",
    "TraceSummary",
    "capture_records",
    "get_logger",
    "install_hooks",
    "redact_stderr",
    "watch_loop",
    "write_recorded",
]
