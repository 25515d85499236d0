"""Read the ids of a running OpenTelemetry span, where the program uses OpenTelemetry."""

from __future__ import annotations

import sys

from .event import Json
from .interrupts import let_pass


def current_span() -> dict[str, Json]:
    """
    Return ``trace_id``, ``span_id`` and ``trace_flags`` of the running span.

    Returns:
        The ids in lowercase hex as the W3C writes them; empty where no span runs.
    """
    # A span can only run where its library was imported, so obskit never imports it.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    try:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            return {
                "trace_id": f"{span.trace_id:032x}",
                "span_id": f"{span.span_id:016x}",
                "trace_flags": f"{span.trace_flags:02x}",
            }
    except Exception as error:  # another library's code ran, and it may be half imported
        let_pass(error)
    return {}
