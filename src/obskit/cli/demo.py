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
from collections.abc import Mapping
from dataclasses import dataclass

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
    alerter = Alerter([Console(stage.channel)], window=WINDOW, clock=stage.clock)
    with obskit.configure(
        service="demo-bot",
        output=stage.log,
        alerter=alerter,
        capture_logging=False,
        hooks=False,
        clock=stage.clock,
    ) as runtime:
        story = "\n".join(_story(stage, alerter))
        stats = runtime.stats()
    leaked = stage.secret in story or stage.secret.encode() in stage.log.getvalue()
    sys.stdout.reconfigure(errors="replace") if isinstance(sys.stdout, io.TextIOWrapper) else None
    print(story)
    print(_summary(stats, leaked=leaked))
    return int(leaked)


class Stage:
    """Where the story plays: a log, a channel, a clock that can be turned forward, and a secret."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = io.BytesIO()
        self.channel = io.StringIO()
        # Made for this run: it looks like a GitHub token and opens nothing.
        self.secret = "ghp_" + new_trace_id()[:30] + "Demo12"
        self._seen = 0

    def new_lines(self) -> list[str]:
        """Return what the log got since the last call, one short text a line."""
        lines = self.log.getvalue().splitlines()
        new, self._seen = lines[self._seen :], len(lines)
        return [_shortened(json.loads(line)) for line in new]

    def new_alerts(self) -> str:
        """Return what the channel got since the last call."""
        text = self.channel.getvalue()
        self.channel.seek(0)
        self.channel.truncate()
        return text.strip()


@dataclass(frozen=True, slots=True)
class Scene:
    """One command of a user, and what came of it."""

    title: str
    lines: list[str]
    answer: str
    alerts: str

    def __str__(self) -> str:
        """Lay the scene out: what happened, then who saw what."""
        rows = [("log", line) for line in self.lines] or [("log", "(nothing)")]
        rows += [("user", line) for line in self.answer.splitlines()]
        rows += [("channel", line) for line in (self.alerts or "(silent)").splitlines()]
        width = min(shutil.get_terminal_size((100, 24)).columns, 100)
        shown = [f"── {self.title} ".ljust(width, "─")]
        before = ""
        for who, line in rows:
            label = who if who != before else ""
            shown.append(textwrap.fill(line, width, initial_indent=f"{label:9}", subsequent_indent=" " * 9))
            before = who
        return "\n".join(shown) + "\n"


def _story(stage: Stage, alerter: Alerter) -> list[str]:
    good, failing = "/diagnose shop", "/diagnose billing"
    scenes = [
        _play(stage, alerter, f"1  ada types {good}", "ada", "shop"),
        _play(stage, alerter, f"2  ada types {failing}: GitHub refuses, quoting the token", "ada", "billing"),
        _play(
            stage, alerter, f"3  bob types {failing} as well: a new trace, the same failure", "bob", "billing"
        ),
    ]
    last = obskit.get_trace_store().last("ada")
    answer = render(last, style="text") if last is not None else "(no trace)"
    scenes.append(Scene("4  ada types /debug-last", stage.new_lines(), answer, stage.new_alerts()))
    stage.clock.advance(WINDOW + 1)
    title = f"5  five minutes later ada types {failing} again"
    scenes.append(_play(stage, alerter, title, "ada", "billing"))
    return [str(scene) for scene in scenes]


def _play(stage: Stage, alerter: Alerter, title: str, user: str, repository: str) -> Scene:
    answer = _diagnose(stage, user, repository)
    alerter.flush(5.0)
    return Scene(title, stage.new_lines(), answer, stage.new_alerts())


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


def _shortened(line: Mapping[str, object]) -> str:
    shown = {name: value for name, value in line.items() if name not in _LEFT_OUT}
    return json.dumps(shown, ensure_ascii=False)


def _summary(stats: Mapping[str, float], *, leaked: bool) -> str:
    verdict = "THE TOKEN LEAKED" if leaked else "the planted token shows nowhere"
    return (
        f"{stats['redaction_redacted']:.0f} times something secret was hidden; "
        f"{stats['alerts_sent']:.0f} failures gave {stats['alerts_delivered']:.0f} messages "
        f"and {stats['alerts_duplicate']:.0f} repeat that was only counted; {verdict}."
    )
