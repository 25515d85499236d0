"""What obskit says of its own failures, on stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
