"""
Check everything that must hold before the bot goes anywhere: ``python check.py [STEP...]``.

CI runs the same command (``.github/workflows/bot-smoke.yml``). It needs the
tools of the repository's ``test`` and ``lint`` groups, and no network.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

import obskit
from orchestrator import discord
from orchestrator.app import workflow_inputs
from orchestrator.config import Config

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
#: What `.env.example` leaves empty and the bot cannot do without.
_REQUIRED: Final = {"DISCORD_APPLICATION_ID": "1", "DISCORD_PUBLIC_KEY": "00" * 32, "GITHUB_TOKEN": "x"}
_VARIABLE: Final = re.compile(r"^#?([A-Z][A-Z_]+)=(.*)$", re.MULTILINE)


def lint() -> Iterator[str]:
    """Style and form, by ruff."""
    yield from _run("ruff", "check", HERE)
    yield from _run("ruff", "format", "--check", HERE)


def types() -> Iterator[str]:
    """Types, by mypy in its strict mode."""
    yield from _run("mypy", "--strict", HERE)


def tests() -> Iterator[str]:
    """The bot as a real process against the stand-ins."""
    yield from _run("pytest", "-q", "-m", "not slow", HERE)


def configuration() -> Iterator[str]:
    """`.env.example` and the code name the same variables, everything optional is off, commands are valid."""
    written = _variables()
    ours, theirs = _sources(HERE / "orchestrator"), _sources(Path(obskit.__file__).parent)
    for name in written:
        if f'"{name}"' not in ours + theirs:
            yield f".env.example: nothing reads {name}"
    for name in re.findall(r'(?:_setting|env_flag)\(\s*"(\w+)"', ours):
        if name not in written:
            yield f".env.example: {name} is missing"
    if _config().debug_command or obskit.env_flag("ENABLE_ALERTS"):
        yield ".env.example: a flag is on"
    for command in discord.COMMANDS:
        if not (re.fullmatch(r"[a-z-]{1,32}", command["name"]) and 1 <= len(command["description"]) <= 100):
            yield f"Discord takes no command such as {command['name']!r}"


def prompts() -> Iterator[str]:
    """The workflow takes what the bot sends, keeps it out of its scripts, and its prompts are there."""
    name = f"workflows/{_config().workflow}"
    workflow = yaml.safe_load(_text(name))
    sent = {*workflow_inputs({}), "correlation_id"}
    taken = workflow[True]["workflow_dispatch"]["inputs"]  # YAML takes `on` for true
    if set(taken) != sent:
        yield f"{name}: takes {sorted(taken)}, and the bot sends {sorted(sent)}"
    if "inputs.correlation_id" not in workflow["run-name"]:
        yield f"{name}: nobody finds the run of a trace by its name"
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        yield from (f"{name}: {problem}" for problem in _problems_of(step))


def template() -> Iterator[str]:
    """The template for AWS, by cfn-lint."""
    yield from _run("cfn-lint", HERE / "template.yaml")


def secrets() -> Iterator[str]:
    """No file under version control has a secret in it; obskit says what one looks like."""
    for path in _files():
        if path.name == ".env":
            yield f"{path.relative_to(ROOT)}: belongs on no other machine"
        yield from secrets_in(path)


def secrets_in(path: Path) -> Iterator[str]:
    """Name the lines of a file that hold a secret of a known form."""
    redactor = obskit.Redactor()
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        # A value that is only called a secret is one of the stand-ins', or a type.
        for rule in {finding.rule for finding in redactor.explain(line)} - {"assignment"}:
            yield f"{path.name}:{number}: {rule}"


STEPS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    step.__name__: step for step in (lint, types, tests, configuration, prompts, template, secrets)
}


def main() -> int:
    """Run the steps that are asked for, all of them by default; returns the exit status."""
    parser = argparse.ArgumentParser(prog="check", description="What must hold before the bot goes anywhere.")
    parser.add_argument(
        "steps", nargs="*", metavar="STEP", help=f"one of {', '.join(STEPS)}; all if none is given"
    )
    asked = parser.parse_args().steps or [*STEPS]
    if unknown := set(asked) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    rows = ["| step | result | seconds |", "|---|---|---|"]
    failed = False
    for name in asked:
        start = time.monotonic()
        try:
            problems = list(STEPS[name]())
        except (OSError, LookupError, TypeError, ValueError, yaml.YAMLError) as error:
            problems = [f"{type(error).__name__}: {error}"]
        failed = failed or bool(problems)
        for problem in problems:
            print(f"{name}: {problem}")
        result = f"❌ {len(problems)} problems" if problems else "✅"
        rows.append(f"| {name} | {result} | {time.monotonic() - start:.1f} |")
    print("\n".join(rows))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as page:
            print("## Bot smoke", "", *rows, sep="\n", file=page)
    return int(failed)


def _run(tool: str, *arguments: str | Path) -> Iterator[str]:
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(tool, path=places)
    if found is None:
        yield f"{tool} is not installed"
    elif subprocess.run([found, *arguments], cwd=ROOT, check=False).returncode:
        yield f"{tool} failed"


def _files() -> list[Path]:
    """List what Git has of the bot or would take; where this is no clone, all there is."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", str(HERE), ".github"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False).stdout
    paths = map(ROOT.joinpath, listed.splitlines()) if listed else HERE.rglob("*.*")
    return [path for path in paths if path.is_file()]


def _problems_of(step: dict[str, Any]) -> Iterator[str]:
    script = step.get("run", "")
    if "${{" in script:
        yield "a script holds an expression, so the text of a user could become a command"
    if "uses" in step and not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]):
        yield f"{step['uses']} is not pinned"
    for prompt in re.findall(r"prompts/[\w.-]+", script):
        text = _text(prompt) if (HERE / prompt).is_file() else ""
        names = set(re.findall(r"\$([A-Z]+)", text))
        if not text.strip() or names != set(step.get("env", {})):
            yield f"{prompt} is missing, or asks for other words than the step has: {sorted(names)}"


def _variables() -> dict[str, str]:
    return dict(_VARIABLE.findall(_text(".env.example")))


def _config() -> Config:
    """Read the settings as `.env.example` has them, whatever the machine has set."""
    os.environ.update({**_variables(), **_REQUIRED})
    return Config()


def _text(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def _sources(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))


if __name__ == "__main__":
    sys.exit(main())
