"""
The story of obskit in one process: what the log, the user and the alert channel see.

A pretend bot answers commands. Everything that is shown is real output: the
lines that were logged, the text that ``/debug-last`` renders, the messages that
the alert channel got.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
import textwrap

import obskit
from obskit.alerts import Alerter
from obskit.alerts.sinks import Console
from obskit.ids import new_trace_id
from obskit.testing import FakeClock
from obskit.traces import render

WINDOW = 300.0
#: Fields of a line that the demo leaves out, to keep it to what matters.
_LEFT_OUT = frozenset({"ts", "service", "fn", "stack", "logger", "correlation_id"})

_log = obskit.get_logger("bot")


def run() -> int:
    """Tell the story on stdout; returns 1 if the planted secret shows anywhere."""
    stage = Stage()
    with obskit.configure(
        service="demo-bot",
        output=stage.log,
        alerter=stage.alerter,
        capture_logging=False,
        hooks=False,
        clock=stage.clock,
    ) as runtime:
        _play(stage)
        stats = runtime.stats()
    leaked = stage.secret in stage.told or stage.secret.encode() in stage.log.getvalue()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    print(stage.told, end="")
    print(
        f"{stats['redaction_redacted']:.0f} times something secret was hidden;",
        f"{stats['alerts_sent']:.0f} failures gave {stats['alerts_delivered']:.0f} messages",
        f"and {stats['alerts_duplicate']:.0f} repeat that was only counted;",
        "THE TOKEN LEAKED." if leaked else "the planted token shows nowhere.",
    )
    return int(leaked)


class Stage:
    """Where the story plays: a log, a channel, a clock that can be turned forward, and a secret."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = io.BytesIO()
        self.channel = io.StringIO()
        self.alerter = Alerter([Console(self.channel)], window=WINDOW, clock=self.clock)
        # Made for this run: it looks like a GitHub token and opens nothing.
        self.secret = "ghp_" + new_trace_id()[:30] + "Demo12"
        self.told = ""
        self._logged = self._alerted = 0  # what has been shown of the log and the channel

    def scene(self, title: str, answer: str) -> None:
        """Tell who saw what of a command that was answered with *answer*."""
        self.alerter.flush(5.0)
        lines, alerts = self.log.getvalue()[self._logged :], self.channel.getvalue()[self._alerted :]
        self._logged += len(lines)
        self._alerted += len(alerts)
        width = min(shutil.get_terminal_size((100, 24)).columns, 100)
        shown = [f"── {title} ".ljust(width, "─")]
        for who, rows in (
            ("log", [_shortened(line) for line in lines.splitlines()] or ["(nothing)"]),
            ("user", answer.splitlines()),
            ("channel", alerts.strip().splitlines() or ["(silent)"]),
        ):
            for number, row in enumerate(rows):
                label = f"{who if number == 0 else '':9}"
                shown.append(textwrap.fill(row, width, initial_indent=label, subsequent_indent=" " * 9))
        self.told += "\n".join(shown) + "\n\n"


def _shortened(line: bytes) -> str:
    shown = {name: value for name, value in json.loads(line).items() if name not in _LEFT_OUT}
    return json.dumps(shown, ensure_ascii=False)


def _play(stage: Stage) -> None:
    answer = _diagnose(stage, "ada", "shop")
    stage.scene("1  ada types /diagnose shop", answer)
    answer = _diagnose(stage, "ada", "billing")
    stage.scene("2  ada types /diagnose billing: GitHub refuses, quoting the token", answer)
    answer = _diagnose(stage, "bob", "billing")
    stage.scene("3  bob types /diagnose billing as well: a new trace, the same failure", answer)
    last = obskit.get_trace_store().last("ada")
    stage.scene("4  ada types /debug-last", "(no trace)" if last is None else render(last, style="text"))
    stage.clock.advance(WINDOW + 1)
    answer = _diagnose(stage, "ada", "billing")
    stage.scene("5  five minutes later ada types /diagnose billing again", answer)


def _diagnose(stage: Stage, user: str, repository: str) -> str:
    """Answer as a bot does: steps, a log line, and an alert where it fails."""
    with obskit.trace("/diagnose", user_id=user, repository=repository) as trace:
        with trace.step("Validate input", repository=repository):
            stage.clock.advance(0.012)
        try:
            with trace.step("Dispatch workflow"):
                stage.clock.advance(0.25)
                _dispatch(repository, stage.secret)
        except PermissionError as error:
            trace.fail(error)
            _log.error("dispatch failed", exc_info=error, headers={"Authorization": f"Bearer {stage.secret}"})
            _ = obskit.alert("error", f"dispatch to {repository} failed", root_cause=str(error))
            return f"Sorry, that did not work. Tell the team: {obskit.get_trace_fingerprint(trace.trace_id)}"
        trace.link("View Run", f"https://example.org/{repository}/runs/7")
        _log.info("workflow dispatched", repository=repository, run=7)
    return f"All fine: https://example.org/{repository}/runs/7"


def _dispatch(repository: str, token: str) -> None:
    if repository == "billing":
        raise PermissionError(f"403 from GitHub: bad credentials token={token}")
