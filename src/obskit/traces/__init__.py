"""Traces: what a user's command did, step by step, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import lazy
from ..encoding.exceptions import Cause, ErrorInfo
from . import stores
from .model import STATUSES, ExecutionTrace, SafeTrace, Status, Step
from .propagation import ENVIRONMENT, HEADERS, TraceContext
from .recorder import OpenStep, OpenTrace
from .stores import MemoryTraceStore, TraceStore
from .tracing import NoStep, current_trace, extract, get_trace_store, inject, step, trace, traced
from .view import render

if TYPE_CHECKING:
    from .exporter import OTLPExporter
    from .html import to_html
    from .otlp import to_otlp
    from .threads import ContextThreadPool, bind

__all__ = [
    "ENVIRONMENT",
    "HEADERS",
    "STATUSES",
    "Cause",
    "ContextThreadPool",
    "ErrorInfo",
    "ExecutionTrace",
    "MemoryTraceStore",
    "NoStep",
    "OTLPExporter",
    "OpenStep",
    "OpenTrace",
    "SafeTrace",
    "Status",
    "Step",
    "TraceContext",
    "TraceStore",
    "bind",
    "current_trace",
    "extract",
    "get_trace_store",
    "inject",
    "render",
    "step",
    "stores",
    "to_html",
    "to_otlp",
    "trace",
    "traced",
]

# What most programs never ask for.
_LATER = {"ContextThreadPool": "threads", "OTLPExporter": "exporter", "bind": "threads"}
__getattr__, __dir__ = lazy.attributes(__name__, __all__, {**_LATER, "to_html": "html", "to_otlp": "otlp"})
