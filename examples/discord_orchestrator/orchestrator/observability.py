"""
READ FIRST: everything this bot does to be observable. The other modules only use it.

`start()` is all the set-up there is. obskit reads the rest from the environment:
level and format of the lines, where traces are kept (`OBSKIT_TRACE_STORE`), and,
where `ENABLE_ALERTS=true` and `ALERT_CHANNEL_ID` are set, the channel for alerts.
"""

from __future__ import annotations

import time

import obskit

from .config import Config
from .errors import CommandFailed

log = obskit.get_logger("orchestrator")


def start() -> tuple[obskit.Runtime, Config]:
    """Set up logs, traces and alerts, and hide the bot's own secrets wherever they appear."""
    runtime = obskit.configure(service="orchestrator")
    config = Config.from_environment()
    for name, secret in config.secrets().items():
        obskit.register_secret(secret, name=name)
    return runtime, config


def command_failed(name: str, error: Exception) -> str:
    """Fail the current trace, log *error*, alert the team once; returns words for the user."""
    failure = CommandFailed.of(error)
    trace_id = str(obskit.get_context().get("trace_id", ""))
    if (trace := obskit.current_trace()) is not None:
        trace.fail(error)
    if failure.by_user:
        log.info("Command refused", reason=str(failure))
        return f"❌ {failure}"
    log.error("Command failed", exc_info=error, cause=failure.cause)
    # Every run that fails in the same way has the same message, so repeats are counted and not sent.
    receipt = obskit.alert("error", f"{name} failed: {failure}", root_cause=failure.cause, trace_id=trace_id)
    told = "The team knows. " if receipt.outcome in {"queued", "duplicate"} else ""
    return f"❌ {failure}\n{told}Trace `{obskit.get_trace_fingerprint(trace_id)}`"


class Refusals:
    """Notes refused requests: the first for each reason at once, then one line a minute with the count."""

    def __init__(self) -> None:
        self._quiet: dict[str, tuple[float, int]] = {}  # reason: until when, and how many since

    def note(self, reason: str) -> None:
        """Count one request refused for *reason*, one of a few fixed words."""
        now = time.monotonic()
        until, count = self._quiet.get(reason, (now, 0))
        if now < until:
            self._quiet[reason] = (until, count + 1)
        else:
            self._quiet[reason] = (now + 60.0, 0)
            log.info("Request refused", reason=reason, count=count + 1)
