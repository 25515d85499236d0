"""
See obskit at work: the real bot, signed slash commands, and what three readers get to see.

Discord and GitHub are strict local stand-ins, so no account and no network is
needed. The secrets are made up for this run. Exits with 1 if one of them shows
anywhere, or if the bot asks a stand-in for something the real service refuses.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from standins import DiscordStandIn, GitHubStandIn, Orchestrator, Plan, Signer, fakes

REPOSITORY: Final = "example/service"
CHANNEL: Final = "112233445566778899"
USER: Final = "80351110224678912"

WIDTH: Final = 100
COLUMNS: Final = {"THE LOG": 37, "THE USER": 27, "THE ALERT CHANNEL": 30}
BAR: Final = " │ "
#: Fields of a line that the column leaves out: the same on every line, or too long.
QUIET: Final = frozenset(
    "ts level service fn trace_id msg stack event logger user_id cmd failed steps".split()
)
#: What Discord does not show as it is written, and what stands for it here.
MARKS: Final = {
    r"\[([^\]]+)\]\(<?https?://[^)]*/([^/)]+?)>?\)": r"\1 (…/\2)",
    r"<?https?://[^\s>]*/([^\s/>]+)>?": r"…/\1",
    r"\\([\W_])": r"\1",
    r"`|\u200b|(?<!\*)\*\*(?!\*)": "",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What one command left behind at each of the three readers."""

    log: list[dict[str, Any]]
    user: str
    alerts: list[str]


class Stage:
    """The bot, which keeps its traces in a file, and both stand-ins."""

    def __init__(self, running: ExitStack) -> None:
        self._running = running
        self.folder = Path(running.enter_context(TemporaryDirectory(prefix="obskit-demo-")))
        self.signer = Signer()
        token, app = fakes.bot_token(self.signer.application_id), self.signer.application_id
        self.discord = running.enter_context(DiscordStandIn(application_id=app, bot_token=token))
        self.github = running.enter_context(GitHubStandIn(token=fakes.github_token(), repository=REPOSITORY))
        self.pasted, self.leaked = fakes.github_token(), fakes.github_token()
        self.secrets = [self.pasted, self.leaked, token, self.github.token]
        self.answers: list[str] = []
        self.bots: list[Orchestrator] = []
        self.start()

    @property
    def bot(self) -> Orchestrator:
        """The one that runs."""
        return self.bots[-1]

    def start(self) -> None:
        """Start a bot; one that ran before has ended."""
        self.bots.append(self._running.enter_context(Orchestrator(self._environment())))

    def _environment(self) -> dict[str, str]:
        return {
            "DISCORD_APPLICATION_ID": self.signer.application_id,
            "DISCORD_PUBLIC_KEY": self.signer.public_key,
            "DISCORD_BOT_TOKEN": self.discord.bot_token,
            "DISCORD_API_BASE": self.discord.base,
            "GITHUB_TOKEN": self.github.token,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_BASE": self.github.origin,
            "ENABLE_DEBUG_CMD": "true",
            "ENABLE_ALERTS": "true",
            "ALERT_CHANNEL_ID": CHANNEL,
            "OBSKIT_TRACE_STORE": f"sqlite:///{self.folder / 'traces.db'}",
        }

    def diagnose(self, *, note: str = "", plan: Plan | None = None, alerts: int = 0) -> Scene:
        """Send a signed /diagnose and see it through; *alerts* is how many messages to wait for."""
        ended, posted = len(self.bot.lines(event="command.end")), len(self.discord.messages)
        token = self._ask_for_diagnosis(plan or Plan(), note=note)
        text = self.discord.edit_of(token)
        self.bot.wait_for(lambda: len(self.bot.lines(event="command.end")) > ended)
        self.discord.wait_for(lambda: len(self.discord.messages) >= posted + alerts)
        return self._scene(text, posted)

    def killed(self) -> Scene:
        """Kill the bot while it waits for GitHub, start it again, and send /debug-last."""
        looks = self._looks()
        self._ask_for_diagnosis(Plan(polls=1_000))
        self.github.wait_for(lambda: self._looks() > looks)
        self.bot.kill()
        log = self.bot.lines(trace_id=self.bot.lines()[-1]["trace_id"])
        self.start()
        return Scene([*log, {"level": "👻", "msg": "(killed)"}], self.debug_last().user, [])

    def _looks(self) -> int:
        return sum(request.method == "GET" for request in self.github.requests)

    def _ask_for_diagnosis(self, plan: Plan, *, note: str = "") -> str:
        """Send a signed /diagnose; returns the token by which its answer is known."""
        self.github.plans.append(plan)
        options = {"target": "api", **({"note": note} if note else {})}
        interaction = self.signer.command("diagnose", user_id=USER, options=options)
        self.secrets.append(interaction["token"])
        self.signer.send(self.bot.url, interaction)
        return str(interaction["token"])

    def debug_last(self) -> Scene:
        """Send a signed /debug-last."""
        posted = len(self.discord.messages)
        answer = self.signer.send(self.bot.url, self.signer.command("debug-last", user_id=USER))
        self.bot.wait_for_line(msg="Last trace shown")
        self.answers.append(answer.text)
        return self._scene(answer.text, posted)

    def _scene(self, text: str, posted: int) -> Scene:
        trace_id = self.bot.lines()[-1]["trace_id"]
        messages = [str(message["content"]) for message in self.discord.messages[posted:]]
        return Scene(self.bot.lines(trace_id=trace_id), text, messages)

    def leaks(self) -> int:
        """Count where a secret shows: in what the bots wrote, answered, sent or kept."""
        requests = [request.raw.decode() for side in (self.discord, self.github) for request in side.requests]
        written = [bot.output(stream) for bot in self.bots for stream in ("stdout", "stderr")]
        kept = [path.read_bytes().decode("latin-1") for path in self.folder.iterdir()]
        texts = [*written, *kept, *self.answers, *requests]
        return sum(secret in text for secret in self.secrets for text in texts)

    def counted(self) -> Counter[str]:
        """Add up what the bots counted that had the time to say so."""
        total: Counter[str] = Counter()
        for bot in self.bots:
            for line in bot.lines(msg="Stopped"):
                total.update(line["stats"])
        return total


def main() -> int:
    """Tell the story; returns the exit status."""
    with ExitStack() as running:
        stage = Stage(running)
        print(_bold("obskit: one bot, three readers"))
        print("The bot is a real process, every command is signed. Discord and GitHub are local stand-ins.")
        _tell(stage)
        stage.bot.stop()
        stats = stage.counted()
        leaks, violations = stage.leaks(), stage.discord.violations + stage.github.violations
    for violation in violations:
        print(f"Refused by a stand-in: {violation}")
    failures = stats["alerts_sent"]
    told, repeats = stats["alerts_delivered"], stats["alerts_duplicate"]
    print(
        f"\nRedacted: secrets hidden {stats['redaction_redacted']:.0f} times, shown {leaks} times. "
        f"Alerts: {failures:.0f} failures, {told:.0f} told, {repeats:.0f} suppressed."
    )
    return 1 if leaks or violations else 0


def _tell(stage: Stage) -> None:
    failing = Plan(conclusion="failure", failing_step=f"Run deploy --token {stage.leaked}")
    typed = f"/diagnose target:api note:fails with {stage.pasted[:6]}…"
    good = stage.diagnose(note=f"fails with {stage.pasted}")
    _show("1. A command that works. Its user pasted a token by mistake.", typed, good)
    bad = stage.diagnose(plan=failing, alerts=1)
    _show(
        "2. A command that fails. The step that failed has a token in its name.", "/diagnose target:api", bad
    )
    again = stage.diagnose(plan=failing)
    _show("3. It fails again: a new trace, but nothing new to tell.", "/diagnose target:api", again)
    _show("4. Its user wants to know what happened.", "/debug-last", stage.debug_last())
    stage.bot.stop()
    stage.start()
    killed = stage.killed()
    _show("5. The bot is killed in the middle of a command. The next one knows.", "/debug-last", killed)
    print(f"\n{_bold('One of the lines, as it was written:')}")
    print(textwrap.fill(json.dumps(good.log[0], ensure_ascii=False), WIDTH))


def _show(title: str, typed: str, scene: Scene) -> None:
    log = [entry for line in scene.log for entry in _log_entry(line)]
    alerts = [shown for text in scene.alerts for shown in _as_shown(text)] or ["(silence)"]
    texts = zip((log, _as_shown(scene.user), alerts), COLUMNS.values(), strict=True)
    print(f"\n{_bold(title)}\n> {typed}\n")
    print(_row(COLUMNS))
    print("─┼─".join("─" * width for width in COLUMNS.values()))
    for cells in zip_longest(*(_wrap(lines, width) for lines, width in texts), fillvalue=""):
        print(_row(cells))


def _log_entry(line: dict[str, Any]) -> Iterator[str]:
    title, trace_id = f"{line['level']} {line['msg']}", str(line.get("trace_id", ""))[:8]
    yield title.ljust(COLUMNS["THE LOG"] - len(trace_id)) + trace_id if trace_id else title
    for name, value in line.items():
        if name not in QUIET:
            short = round(value) if isinstance(value, float) else value
            yield f"  {name}={short if isinstance(short, str) else json.dumps(short, ensure_ascii=False)}"


def _as_shown(text: str) -> list[str]:
    """Lay a message out roughly as Discord does: links by their label, marks left out."""
    for pattern, instead in MARKS.items():
        text = re.sub(pattern, instead, text)
    return [line for line in text.splitlines() if line.strip()]


def _wrap(lines: Iterable[str], width: int) -> list[str]:
    wrapped: list[str] = []
    for line in lines:
        short = re.sub(r"\b([0-9a-f]{8})[0-9a-f]{24}\b", r"\1…", line)  # trace ids
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        room = width - min(3, sum(map(_extra, line)))  # textwrap counts wide characters as one
        wrapped += textwrap.wrap(short, room, subsequent_indent=indent, break_on_hyphens=False)
    return wrapped


def _row(cells: Iterable[str]) -> str:
    return BAR.join(
        cell + " " * (width - len(cell) - sum(map(_extra, cell)))
        for cell, width in zip(cells, COLUMNS.values(), strict=True)
    ).rstrip()


def _extra(character: str) -> int:
    """Columns of a terminal that *character* takes beyond one."""
    if unicodedata.combining(character):
        return -1
    return int(unicodedata.east_asian_width(character) in "WF")


def _bold(text: str) -> str:
    plain = os.environ.get("NO_COLOR") or not sys.stdout.isatty()
    return text if plain else f"\x1b[1m{text}\x1b[0m"


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    sys.exit(status)
