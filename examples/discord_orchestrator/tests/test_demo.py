"""
The demo is the first thing a new user sees.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "demo.py"


def test_the_demo_tells_its_story() -> None:
    """
    It ends well within its time, fits 100 columns, and shows log, user and channel for each command.
    """
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, DEMO], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - start < 45  # 7 where nothing else runs
    for part in (
        "THE LOG",
        "THE USER",
        "THE ALERT CHANNEL",
        "/diagnose",
        "/debug-last",
        "✅",
        "❌",
        "⚠️",
        "👻",
    ):
        assert part in done.stdout, part
    assert max(map(_columns, done.stdout.splitlines())) <= 100
    last = done.stdout.splitlines()[-1]
    assert re.fullmatch(
        r"Redacted: secrets hidden [1-9]\d* times, .* Alerts: 2 failures, 1 told, 1 suppressed.", last
    )
    assert "\x1b" not in done.stdout


def test_a_reader_that_leaves_early_sees_no_traceback() -> None:
    """
    The demo can be piped into head; the bot it started ends too.
    """
    pipeline = f"{shlex.quote(sys.executable)} -u {shlex.quote(str(DEMO))} | head -n 1"
    done = subprocess.run(
        pipeline, shell=True, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("obskit: one bot, three readers\n", "")


def _columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
