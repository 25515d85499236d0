"""What nobody caught and what Python warns of is logged, and what others print of it is made safe."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import obskit
from obskit.logs import watch_loop

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


HOOKS: list[tuple[Any, str]] = [
    (sys, "excepthook"),
    (threading, "excepthook"),
    (sys, "unraisablehook"),
    (warnings, "showwarning"),
]


def all_hooks() -> list[object]:
    """Return the hooks that are in force."""
    return [getattr(module, name) for module, name in HOOKS]


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


def test_a_report_of_the_interpreter_without_an_exception_gives_no_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hook that was there before sees it all the same."""
    output = io.BytesIO()
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    report: Any = SimpleNamespace(exc_value=None)
    with obskit.configure(output=output, capture_logging=False):
        sys.unraisablehook(report)
    assert seen == [report]
    assert output.getvalue() == b""


def test_a_program_without_stderr_is_not_disturbed(
    stream: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under pythonw there is nothing to print to."""
    monkeypatch.setattr(sys, "stderr", None)
    sys.excepthook(ValueError, ValueError("x"), None)
    assert events(stream)[0]["error"] == "ValueError: x"


def test_the_hooks_go_when_the_runtime_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """close() puts back what was there."""
    before = all_hooks()
    obskit.configure(output=io.BytesIO(), capture_logging=False).close()
    assert all_hooks() == before


def test_hooks_that_came_after_ours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program's hook is not removed with ours."""
    for module, name in HOOKS:
        monkeypatch.setattr(module, name, getattr(module, name))
    runtime = obskit.configure(output=io.BytesIO(), capture_logging=False)

    def later(*args: object) -> None:
        """Stand for a hook of somebody else."""

    for module, name in HOOKS:
        setattr(module, name, later)
    runtime.close()
    assert all_hooks() == [later] * 4


def test_a_hook_that_others_still_call_only_passes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """After close() nothing is logged, and what was there before still gets it."""
    output, seen = io.BytesIO(), list[object]()
    monkeypatch.setattr(warnings, "showwarning", lambda *args: seen.append(args))
    with obskit.configure(output=output, capture_logging=False):
        ours = warnings.showwarning
    ours("odd", UserWarning, "bot.py", 1)
    assert seen == [("odd", UserWarning, "bot.py", 1)]
    assert output.getvalue() == b""


def test_a_warning_is_told_once_and_printed_without_its_secrets() -> None:
    """The line says what is warned of, where, and of which kind; the usual text is still printed."""
    program = f"import obskit, warnings\nobskit.configure()\nwarnings.warn('old: token={SECRET}')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    event = json.loads(done.stdout)
    assert (event["level"], event["logger"], event["category"]) == ("warn", "py.warnings", "UserWarning")
    assert event["msg"].startswith("old: token=***")
    assert (event["file"], event["line"]) == ("<string>", 3)
    assert "UserWarning: old: token=***" in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_warning_that_goes_to_a_file_is_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls showwarning() with a file of its own wants it there."""
    output = io.BytesIO()
    seen: list[object] = []
    monkeypatch.setattr(warnings, "showwarning", lambda *args: seen.append(args))
    with obskit.configure(output=output, capture_logging=False):
        warnings.showwarning("odd", UserWarning, "bot.py", 1, sys.stderr)
    assert seen == [("odd", UserWarning, "bot.py", 1, sys.stderr)]
    assert output.getvalue() == b""


def test_warnings_obey_the_level_of_their_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """`py.warnings` is their logger, as in the standard library."""
    output = io.BytesIO()
    monkeypatch.setattr(warnings, "showwarning", lambda *args: None)
    monkeypatch.setattr(warnings, "filters", [("always", None, Warning, None, 0)])
    with obskit.configure(output=output, capture_logging=False, levels={"py.warnings": "error"}):
        warnings.warn("odd", stacklevel=1)
    assert output.getvalue() == b""


@pytest.mark.parametrize("first", [True, False])
def test_a_warning_that_logging_captures_is_told_once(first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With logging.captureWarnings(), before or after configure(), there is one line."""
    output = io.BytesIO()
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(warnings, "filters", [("always", None, Warning, None, 0)])
    logging.captureWarnings(first)
    with obskit.configure(output=output):
        logging.captureWarnings(True)
        warnings.warn("odd", stacklevel=1)
        logging.captureWarnings(False)
    [event] = events(output)
    assert (event["level"], event["logger"]) == ("warn", "py.warnings")


async def fail_unseen() -> None:
    """Let a task fail whose result nobody asks for."""

    async def task() -> None:
        leak()

    running = asyncio.create_task(task())
    await asyncio.wait([running])
    del running
    gc.collect()


def test_a_task_that_nobody_awaited_is_told_once_through_logging() -> None:
    """The report goes to the logger of asyncio; that is one line, with the exception."""
    output = io.BytesIO()
    with obskit.configure(output=output):
        asyncio.run(fail_unseen())
    [event] = events(output)
    assert (event["level"], event["logger"]) == ("error", "asyncio")
    assert event["msg"].startswith("Task exception was never retrieved")
    assert event["error"].startswith("ValueError: refused: token=***")
    assert SECRET not in output.getvalue().decode()


def test_a_watched_loop_tells_a_failed_task_once_with_its_context() -> None:
    """One line that knows the function that failed and, from Python 3.12 on, the context of the task."""
    output = io.BytesIO()

    async def fail_in_context() -> None:
        obskit.set_context(cmd="/status")
        leak()

    async def main() -> None:
        undo = watch_loop()
        running = asyncio.create_task(fail_in_context())
        await asyncio.wait([running])
        del running
        gc.collect()
        undo()
        assert asyncio.get_running_loop().get_exception_handler() is None

    with obskit.configure(output=output):
        asyncio.run(main())
    [event] = events(output)
    assert (event["msg"], event["fn"]) == ("Task exception was never retrieved", "leak")
    assert event.get("cmd") == ("/status" if sys.version_info >= (3, 12) else None)
    assert SECRET not in output.getvalue().decode()


def test_a_watched_loop_still_calls_the_handler_that_was_there(
    stream: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program's own handler sees the report, and what it prints is redacted."""

    def theirs(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        sys.stderr.write(f"seen {context['exception']}\n")

    loop = asyncio.new_event_loop()
    try:
        loop.set_exception_handler(theirs)
        undo = watch_loop(loop)
        loop.run_until_complete(fail_unseen())
        undo()
        assert loop.get_exception_handler() is theirs
    finally:
        loop.close()
    assert len(events(stream)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("seen refused: token=***")
    assert SECRET not in printed


def test_a_report_without_an_exception_is_told(stream: io.BytesIO) -> None:
    """A loop may have only a message, or nothing at all; a handler set later than ours stays."""

    def later(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Stand for a handler of somebody else."""

    loop = asyncio.new_event_loop()
    try:
        undo = watch_loop(loop)
        loop.call_exception_handler({"message": "socket closed"})
        loop.call_exception_handler({})
        loop.set_exception_handler(later)
        undo()
        assert loop.get_exception_handler() is later
    finally:
        loop.close()
    assert [event["msg"] for event in events(stream)] == ["socket closed", "exception in an event loop"]


def test_hooks_in_two_threads_at_once_leave_stderr_as_it_was(
    stream: io.BytesIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten threads that die together print all their tracebacks, and stderr is the program's again."""
    before = sys.stderr
    threads = [threading.Thread(target=leak) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stderr is before
    assert len(events(stream)) == 10
    printed = capsys.readouterr().err
    assert printed.count("ValueError: refused: token=***") == 10
    assert SECRET not in printed


def test_warnings_that_logging_has_already_are_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hook of ours stands before that of logging.captureWarnings()."""

    def captured(*args: object) -> None:
        """Stand for the function of logging."""

    captured.__module__ = "logging"
    monkeypatch.setattr(warnings, "showwarning", captured)
    with obskit.configure(output=io.BytesIO()):
        assert warnings.showwarning is captured
