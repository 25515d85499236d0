"""Log events: from the call of a logger to a line on a sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import lazy
from .flight import write_recorded
from .logger import Logger, get_logger

if TYPE_CHECKING:
    from .hooks import watch_loop
    from .stderr import RedactedStream, redact_stderr
    from .stdlib import Handler, JSONFormatter

__all__ = [
    "Handler",
    "JSONFormatter",
    "Logger",
    "RedactedStream",
    "get_logger",
    "redact_stderr",
    "watch_loop",
    "write_recorded",
]

# What meets the rest of the process loads logging, traceback and warnings.
_HOMES = {
    "Handler": "stdlib",
    "JSONFormatter": "stdlib",
    "RedactedStream": "stderr",
    "redact_stderr": "stderr",
    "watch_loop": "hooks",
}
__getattr__, __dir__ = lazy.attributes(__name__, __all__, _HOMES)
