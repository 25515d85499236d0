"""Exceptions that nobody caught are logged, and what others print of them is made safe."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import obskit

SECRET = "not-a-real-" + "token-0123456789"


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """Where the lines of a program with hooks go."""
    # The test runner has hooks of its own; the interpreter's are what programs have.
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    output = io.BytesIO()
    with obskit.configure(output=output, capture_logging=False):
        yield output


def events(stream: io.BytesIO) -> list[dict[str, Any]]:
    """Decode the lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def leak() -> None:
    """Raise an error whose text holds a secret."""
    raise ValueError(f"refused: token={SECRET}")


def test_an_uncaught_exception_of_the_program_is_told_without_its_secrets() -> None:
    """One line on stdout; Python's own traceback on stderr is redacted; the exit code stays 1."""
    program = f"import obskit\nobskit.configure()\nraise ValueError('refused: token={SECRET}')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    event = json.loads(done.stdout)
    assert (event["level"], event["msg"]) == ("critical", "uncaught exception")
    assert event["error"].startswith("ValueError: refused: token=***")
    assert "Traceback" in done.stderr
    assert "ValueError: refused" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert done.returncode == 1


def test_an_uncaught_exception_of_a_thread_is_told(
    stream: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names the thread and the function."""
    thread = threading.Thread(target=leak, name="poller")
    thread.start()
    thread.join()
    event = events(stream)[0]
    assert (event["msg"], event["thread"], event["fn"]) == (
        "uncaught exception in a thread",
        "poller",
        "leak",
    )
    printed = capsys.readouterr().err
    assert "poller" in printed
    assert SECRET not in printed


def test_an_exception_in_a_finaliser_is_told(stream: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
    """What Python cannot raise it can at least log."""

    class Fragile:
        def __del__(self) -> None:
            leak()

    Fragile()
    assert events(stream)[0]["msg"] == "exception that could not be raised"
    assert SECRET not in capsys.readouterr().err


def test_interrupts_and_exits_are_not_errors(stream: io.BytesIO, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C and SystemExit in a thread give no line."""
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    threading.excepthook(threading.ExceptHookArgs((SystemExit, SystemExit(), None, None)))
    assert events(stream) == []
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_an_exception_without_a_traceback_or_a_thread_is_told(stream: io.BytesIO) -> None:
    """Reports that are incomplete still give a line."""
    threading.excepthook(threading.ExceptHookArgs((ValueError, ValueError("x"), None, None)))
    assert (events(stream)[0]["fn"], events(stream)[0]["thread"]) == ("<unknown>", None)


def test_a_program_without_stderr_is_not_disturbed(
    stream: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under pythonw there is nothing to print to."""
    monkeypatch.setattr(sys, "stderr", None)
    sys.excepthook(ValueError, ValueError("x"), None)
    assert events(stream)[0]["error"] == "ValueError: x"


def test_the_hooks_go_when_the_runtime_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """close() puts back what was there."""
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    obskit.configure(output=io.BytesIO(), capture_logging=False).close()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_hooks_that_came_after_ours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program's hook is not removed with ours."""
    for module, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(module, name, getattr(module, name))
    runtime = obskit.configure(output=io.BytesIO(), capture_logging=False)

    def later(*args: object) -> None:
        """Stand for a hook of somebody else."""

    sys.excepthook = threading.excepthook = sys.unraisablehook = later
    runtime.close()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == (later, later, later)
