"""
The watchguard: one command, which CI runs too, and which notices what it is there for.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
import yaml  # type: ignore[import-untyped]

import check
from standins import fakes

ROOT: Final = check.ROOT
WORKFLOWS: Final = [ROOT / ".github/workflows/bot-smoke.yml", check.HERE / "workflows/diagnose.yml"]


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """The steps set variables, which are gone afterwards."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the steps below read, to spoil."""
    for name in (".env.example", "workflows/diagnose.yml", "prompts/diagnose.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((check.HERE / name).read_text("utf-8"), "utf-8")
    (tmp_path / "orchestrator").symlink_to(check.HERE / "orchestrator")
    monkeypatch.setattr(check, "HERE", tmp_path)
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_command_runs_the_steps_that_are_asked_for_and_sums_up() -> None:
    """
    The last lines are a table, and the exit status is the result.
    """
    command = [sys.executable, check.__file__, "configuration", "prompts", "secrets"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^\| (\w+) \| ✅", done.stdout, re.MULTILINE) == [
        "configuration",
        "prompts",
        "secrets",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("#DEBUG_ADMIN_IDS=\n", "", "DEBUG_ADMIN_IDS is missing"),
        ("GITHUB_TOKEN=", "GITHUB_TOKEN=\nGITHUB_TOKENS=", "nothing reads GITHUB_TOKENS"),
        ("ENABLE_ALERTS=false", "ENABLE_ALERTS=true", "a flag is on"),
    ],
)
def test_a_wrong_configuration_is_noticed(here: Path, old: str, new: str, problem: str) -> None:
    """
    The list of variables and the code cannot drift apart, and nothing optional is on by default.
    """
    spoil(here / ".env.example", old, new)
    assert [problem in told for told in check.configuration()] == [True]


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("workflows/diagnose.yml", "      note:\n", "      notes:\n", "the bot sends"),
        ("workflows/diagnose.yml", "diagnose ${{ inputs.correlation_id }}", "diagnose", "by its name"),
        ("workflows/diagnose.yml", "cat prompt.md", "echo ${{ inputs.note }}", "holds an expression"),
        ("workflows/diagnose.yml", "@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "@v6", "not pinned"),
        ("workflows/diagnose.yml", "prompts/diagnose.md", "prompts/other.md", "prompts/other.md is missing"),
        ("prompts/diagnose.md", "$NOTE", "$NOTES", "asks for other words"),
    ],
)
def test_a_wrong_workflow_or_prompt_is_noticed(
    here: Path, name: str, old: str, new: str, *, problem: str
) -> None:
    """
    What the bot sends, what the workflow takes and what the prompt says fit together.
    """
    spoil(here / name, old, new)
    assert any(problem in told for told in check.prompts())


def test_a_secret_in_a_file_is_noticed_and_not_shown(tmp_path: Path) -> None:
    """
    The line is named, and by which rule; the secret itself is not repeated.
    """
    file = tmp_path / "settings.py"
    secret = fakes.github_token()
    file.write_text(f"first = 1\nTOKEN = '{secret}'\n", "utf-8")
    assert list(check.secrets_in(file)) == ["settings.py:2: github-token"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_little_and_pins_what_it_uses(path: Path) -> None:
    """
    It reads the sources and no more, and nobody can exchange an action under its tag.
    """
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    granted = [workflow["permissions"], *(job.get("permissions", {}) for job in workflow["jobs"].values())]
    assert all(rights in ({}, {"contents": "read"}) for rights in granted)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)


def test_ci_runs_the_same_command_on_every_change_and_every_morning() -> None:
    """
    The bot, what it is built on and the workflow itself start it; so does nine o'clock UTC.
    """
    workflow = yaml.safe_load(WORKFLOWS[0].read_text("utf-8"))
    triggers = workflow[True]
    assert triggers["schedule"] == [{"cron": "0 9 * * *"}]
    for event in ("push", "pull_request"):
        assert {"examples/discord_orchestrator/**", "src/obskit/**"} < set(triggers[event]["paths"])
    (job,) = workflow["jobs"].values()
    assert job["steps"][-1]["run"] == "python examples/discord_orchestrator/check.py"
    assert set(check.STEPS) == set("lint types tests configuration prompts template secrets".split())
