"""Log events: from the call of a logger to a line on a sink."""

from __future__ import annotations

from .hooks import install_hooks
from .logger import Logger, get_logger
from .pipeline import Encoder, Pipeline
from .stdlib import capture_records
from .summary import TraceSummary

__all__ = [
    "Encoder",
    "Logger",
    "Pipeline",
    "TraceSummary",
    "capture_records",
    "get_logger",
    "install_hooks",
]
