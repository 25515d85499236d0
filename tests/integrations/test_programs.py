"""The examples for programs without a framework show all that they get."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integrations.bots import EXAMPLES, example, observed
from tests.traces.recorded import last, shape


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_fits_on_one_screen(path: Path) -> None:
    """What obskit takes in a program is at most 40 lines, the program included."""
    assert len(path.read_text("utf-8").splitlines()) <= 40


def test_a_command_line_program_writes_its_command_as_a_trace(tmp_path: Path) -> None:
    """Its exit status and its lines tell how it went; it goes on with the trace of who started it."""
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    def run(directory: Path) -> tuple[int, list[dict[str, object]]]:
        done = subprocess.run(
            [sys.executable, EXAMPLES / "cli_program.py", "backup", directory],
            capture_output=True,
            check=False,
            env={
                **os.environ,
                "TRACEPARENT": caller,
                "LOGNAME": "ada",
                "BACKUP_URL": "https://ada:not-a-real-one@backup.example/",
            },
        )
        assert done.stderr == b""
        assert b"not-a-real-one" not in done.stdout
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    status, [copied, ended] = run(tmp_path)
    assert (status, copied["msg"], ended["outcome"], ended["steps"]) == (0, "copied", "ok", 1)
    assert (copied["user_id"], copied["cmd"], copied["to"]) == (
        "ada",
        "backup",
        "https://ada:***@backup.example/",
    )
    assert copied["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    status, [failed, ended] = run(tmp_path / "missing")
    assert (status, failed["msg"], ended["outcome"]) == (1, "backup failed", "error")
    assert "FileNotFoundError" in str(failed["stack"])


def test_a_command_line_program_that_fails_again_alerts_once(tmp_path: Path) -> None:
    """Each run is a process of its own; what people were told is in a file that they share."""
    marks = tmp_path / "marks.db"
    told = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, EXAMPLES / "cli_program.py", "backup", tmp_path / "missing"],
            capture_output=True,
            check=False,
            env={
                **os.environ,
                "ENABLE_ALERTS": "true",
                "OBSKIT_ALERT_SINKS": "console:",
                "OBSKIT_ALERT_DEDUPE": f"sqlite:///{marks}",
            },
        )
        assert done.returncode == 1
        told.append(done.stderr.count(b"ERROR"))
    assert told == [1, 0]


def test_an_asyncio_program_writes_its_tasks_as_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks belong to the command that started them, and a repeated failure is one alert."""
    program = example("asyncio_program")
    monkeypatch.setenv("WATCH_TOKEN", "token-not-a-real-0001")
    with observed() as seen:
        assert asyncio.run(program.main()) is False
        kept = last(None)
        assert (kept.command, kept.status, shape(kept)) == ("sweep", "error", [("check", None)] * 3)
        looked = seen.lines(msg="host looked at")
        assert {(line["cmd"], line["token"]) for line in looked} == {("sweep", "***0001")}
        assert ["c.example is down" in line["stack"] for line in seen.stacks()] == [True, True]
        assert [alert.message for alert in seen.alerts()] == ["sweep failed"]
