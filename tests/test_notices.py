"""What obskit says of its own failures, on stderr."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from obskit import notices
from obskit.notices import Notices


def test_a_kind_of_notice_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    """The first is one line; repeats are for the counters."""
    notices = Notices()
    for text in ("lines are\nbeing lost", "lines are still being lost"):
        notices.tell("full", text)
    assert capfd.readouterr().err == "obskit: lines are being lost\n"


def test_a_stand_in_without_a_descriptor_is_written_to(capsys: pytest.CaptureFixture[str]) -> None:
    """A test that replaces stderr sees the notice there."""
    Notices().tell("full", "lines are being lost")
    assert capsys.readouterr().err == "obskit: lines are being lost\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_stderr_does_not_change_the_exit_status() -> None:
    """Nothing is left in a buffer that Python would fail to write at its end."""
    program = "from obskit.notices import Notices; import obskit; Notices().tell('full', 'x')"
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run([sys.executable, "-c", program], stdout=full, stderr=full, check=False)
    assert answer.returncode == 0


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """A pipe, read end first, into which nothing more goes; whoever writes waits."""
    ends = os.pipe()
    os.set_blocking(ends[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(ends[1], bytes(4_096))
    os.set_blocking(ends[1], True)
    yield ends
    for end in ends:
        os.close(end)


def test_a_full_pipe_that_nobody_reads_keeps_nobody_waiting(full_pipe: tuple[int, int]) -> None:
    """The program that has lost a line goes on, and so does one whose stdout and stderr are full."""
    program = "import obskit\nfor _ in range(100): obskit.get_logger().info('x' * 1000)"
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=full_pipe[1], stderr=full_pipe[1], timeout=30, check=False
    )
    assert done.returncode == 0


def test_a_full_stderr_loses_the_notice(full_pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for room."""
    with open(full_pipe[1], "w", closefd=False, encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        Notices().tell("full", "lines are being lost")
        monkeypatch.undo()


def test_a_long_notice_is_cut_to_what_a_pipe_takes_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """It is one line still."""
    Notices().tell("long", "\N{SNOWMAN}" * 5_000)
    told = capfd.readouterr().err
    assert told.startswith("obskit: \\u2603")
    assert len(told) == notices._PIPE_BUF
    assert told.endswith("\n")
