"""Log events: from the call of a logger to a line on a sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import lazy
from .flight import FlightRecorder, write_recorded
from .logger import Logger, get_logger
from .pipeline import Encoder, Pipeline
from .quick import QuickLine
from .summary import TraceSummary

if TYPE_CHECKING:
    from .hooks import Hooks, watch_loop
    from .stderr import RedactedStream, redact_stderr
    from .stdlib import Capture, Handler, JSONFormatter, Propagation

__all__ = [
    "Capture",
    "Encoder",
    "FlightRecorder",
    "Handler",
    "Hooks",
    "JSONFormatter",
    "Logger",
    "Pipeline",
    "Propagation",
    "QuickLine",
    "RedactedStream",
    "TraceSummary",
    "get_logger",
    "redact_stderr",
    "watch_loop",
    "write_recorded",
]

# What meets the rest of the process loads logging, traceback and warnings.
__getattr__, __dir__ = lazy.attributes(
    __name__,
    __all__,
    {
        **dict.fromkeys(("Hooks", "watch_loop"), "hooks"),
        **dict.fromkeys(("RedactedStream", "redact_stderr"), "stderr"),
        **dict.fromkeys(("Handler", "JSONFormatter", "Propagation", "Capture"), "stdlib"),
    },
)
