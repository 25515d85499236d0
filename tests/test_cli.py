"""The ``obskit`` command, run as users run it."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from pathlib import Path

from obskit.cli import demo


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "obskit", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_demo_shows_a_line_a_trace_and_one_alert(tmp_path: Path) -> None:
    """It needs no account and no network, and it shows every part of obskit at work."""
    done = run("demo", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for shown in ('"level": "error"', "command.end", "***", "/debug-last", "repeat that was only counted"):
        assert shown in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_explained(tmp_path: Path) -> None:
    """The exit code tells a script, the text tells a person."""
    done = run("dmeo", cwd=tmp_path)
    assert done.returncode == 2
    assert "demo" in done.stderr


def test_the_demo_is_told_to_any_kind_of_output() -> None:
    """Where it is caught as text instead of being shown, nothing needs another encoding."""
    with contextlib.redirect_stdout(io.StringIO()) as told:
        assert demo.run() == 0
    assert "/debug-last" in told.getvalue()
