"""
READ FIRST: everything this bot does to be observable. The other modules only use it.

`start()` is all the set-up there is. obskit reads the rest from the environment:
level and format of the lines, where traces are kept (`OBSKIT_TRACE_STORE`), and,
where `ENABLE_ALERTS=true` and `ALERT_CHANNEL_ID` are set, the channel for alerts.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import KW_ONLY, dataclass
from typing import Final

import obskit

log = obskit.get_logger("orchestrator")
_DISCORD_EPOCH_MS: Final = 1_420_070_400_000  # the first second of 2015
_refused: Counter[str] = Counter()


def start() -> obskit.Runtime:
    """Set up logs, traces and alerts, and hide the bot's own secrets wherever they appear."""
    runtime = obskit.configure(service="orchestrator")
    obskit.register_env("DISCORD_BOT_TOKEN", "GITHUB_TOKEN")
    return runtime


@dataclass(eq=False)
class CommandFailed(Exception):
    """A command cannot be finished; the one way in which it fails on purpose."""

    words: str  #: what happened, fit for the user, and the same each time it happens
    _: KW_ONLY
    cause: object = None  #: technical detail for the team; not shown to the user
    retry_after: float | None = None  #: seconds after which another try may succeed; None where it cannot


def command_failed(name: str, error: Exception) -> str:
    """Fail the current trace, log *error*, alert the team once; returns words for the user."""
    if (trace := obskit.current_trace()) is not None:
        trace.fail(error)
    if isinstance(error, CommandFailed):
        words, cause = error.words, error.cause
    else:  # nobody foresaw it, so its text is for the team only
        words, cause = f"Something went wrong on our side ({type(error).__name__}).", error
    # Every run that fails in the same way has the same message, so repeats are counted and not sent.
    trace_id = str(obskit.get_context().get("trace_id", ""))
    receipt = obskit.alert("error", f"{name} failed: {words}", root_cause=cause, trace_id=trace_id)
    log.error("Command failed", exc_info=error, cause=cause, alert=receipt.outcome)
    told = "The team knows. " if receipt.outcome in {"queued", "duplicate"} else ""
    return f"❌ {words}\n{told}Trace `{obskit.get_trace_fingerprint(trace_id)}`"


def acknowledged(interaction_id: int) -> None:
    """Log how long the user waited for the first answer; Discord gives up after three seconds."""
    sent_ms = (interaction_id >> 22) + _DISCORD_EPOCH_MS  # every id of Discord's says when it was made
    log.info("Command acknowledged", ack_ms=time.time_ns() // 1_000_000 - sent_ms)


def request_refused(reason: str) -> None:
    """Count a refused request; the 1st, 2nd, 4th, 8th... for each reason is told, so none floods the log."""
    _refused[reason] += 1
    if _refused[reason].bit_count() == 1:  # a power of two
        log.info("Request refused", reason=reason, count=_refused[reason])
