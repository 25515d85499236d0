"""Traces: what a user's command did, step by step, and how it ended."""

from __future__ import annotations

from ..encoding.exceptions import ErrorInfo
from . import stores
from .model import STATUSES, ExecutionTrace, SafeTrace, Status, Step
from .propagation import TraceContext, extract
from .recorder import OpenStep, OpenTrace
from .stores import MemoryTraceStore, TraceStore
from .tracing import NoStep, current_trace, get_trace_store, inject, step, trace, traced
from .view import render

__all__ = [
    "STATUSES",
    "ErrorInfo",
    "ExecutionTrace",
    "MemoryTraceStore",
    "NoStep",
    "OpenStep",
    "OpenTrace",
    "SafeTrace",
    "Status",
    "Step",
    "TraceContext",
    "TraceStore",
    "current_trace",
    "extract",
    "get_trace_store",
    "inject",
    "render",
    "step",
    "stores",
    "trace",
    "traced",
]
