"""
Check that a sink, a store or a dedupe place keeps the rules that obskit relies on.

Meant for their authors, who call the checks of `obskit.testing` in a test of
theirs. A check explains every rule that is broken and why obskit needs it.
"""

from __future__ import annotations

from .alert_sinks import check_alert_sink
from .dedupe import check_dedupe
from .sinks import check_sink
from .trace_stores import check_trace_store

__all__ = ["check_alert_sink", "check_dedupe", "check_sink", "check_trace_store"]
