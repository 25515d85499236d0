"""One set-up takes the place of another: nothing is lost, doubled or left behind, whoever does it when."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

import obskit
from obskit.runtime import CELL
from obskit.sinks import FileSink, MemorySink
from obskit.testing import FakeClock
from obskit.traces.stores import MemoryTraceStore


class Broken:
    """A part of the user's own that fails at everything but its job."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def emit(self, line: bytes, /) -> None:
        """Take a line."""
        self.lines.append(line)

    def flush(self, timeout: float) -> bool:
        """Fail."""
        raise OSError("no")

    def stats(self) -> Mapping[str, float]:
        """Fail."""
        raise OSError("no")

    def close(self) -> None:
        """Fail."""
        raise OSError("no")


class BrokenStore(MemoryTraceStore):
    """A store that cannot be closed, flushed or counted."""

    flush = Broken.flush
    stats = Broken.stats  # type: ignore[assignment]
    close = Broken.close


def process_wide() -> tuple[object, ...]:
    """Tell what is installed in the process."""
    return (
        sys.excepthook,
        threading.excepthook,
        sys.unraisablehook,
        warnings.showwarning,
        logging.getLogRecordFactory(),
        list(logging.getLogger().handlers),
        logging.getLogger().level,
    )


def test_threads_that_configure_at_once_leave_nothing_behind() -> None:
    """However they come, the last runtime has the hooks, and closing it puts back what was there."""
    before = process_wide()
    together = threading.Barrier(4)

    def configure() -> None:
        together.wait(10)
        obskit.configure(output=MemorySink())

    for _ in range(5):
        threads = [threading.Thread(target=configure) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        obskit.runtime.current().close()
        assert process_wide() == before


_EARLY = """
import sys, threading, time
import obskit
from obskit.runtime import CELL

make = CELL.make_default
begun = threading.Event()

def slowly():
    begun.set()
    time.sleep(0.2)
    make()

CELL.make_default = slowly
thread = threading.Thread(target=obskit.get_logger().info, args=("early",))
thread.start()
begun.wait()
kept = obskit.configure(service="mine")
thread.join()
obskit.get_logger().info("late")
assert CELL.runtime is kept
"""


def test_a_thread_that_logs_early_does_not_replace_what_the_program_configured() -> None:
    """The default is built for a log call only as long as there is nothing else."""
    done = subprocess.run([sys.executable, "-c", _EARLY], capture_output=True, text=True, check=True)
    services = {line["msg"]: line["service"] for line in map(json.loads, done.stdout.splitlines())}
    assert services["late"] == "mine"
    assert "early" in services


def test_a_sink_that_both_set_ups_use_stays_open(tmp_path: Path) -> None:
    """Configuring again with the same output loses no line."""
    sink = FileSink(tmp_path / "lines")
    for service in ("one", "two"):
        obskit.configure(output=sink, service=service, capture_logging=False, hooks=False)
        obskit.get_logger().info("x")
    obskit.runtime.current().close()
    lines = (tmp_path / "lines").read_text().splitlines()
    assert [json.loads(line)["service"] for line in lines] == ["one", "two"]


def test_records_stay_captured_while_the_set_up_is_exchanged() -> None:
    """No handler that was taken off comes back in between, and each record is one line."""
    console = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(console)
    sink = MemorySink[bytes]()
    try:
        with obskit.configure(output=sink, hooks=False):
            ended = threading.Event()
            seen = []

            def look() -> None:
                while not ended.is_set():
                    seen.append(console in logging.getLogger().handlers)

            thread = threading.Thread(target=look)
            thread.start()
            for level in ("debug", "warn", "info"):
                obskit.configure(output=sink, hooks=False, level=level)
                logging.getLogger("lib").warning("at %s", level)
            ended.set()
            thread.join(10)
            obskit.runtime.current().close()
        assert not any(seen)
        assert [json.loads(line)["msg"] for line in sink.items] == ["at debug", "at warn", "at info"]
    finally:
        logging.getLogger().removeHandler(console)


def test_a_set_up_without_hooks_takes_away_those_of_the_one_before() -> None:
    """Nothing stays that the program does not want any more."""
    before = process_wide()
    obskit.configure(output=MemorySink())
    with obskit.configure(output=MemorySink(), hooks=False, capture_logging=False):
        assert process_wide() == before


def test_hooks_beneath_those_of_another_program_log_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be taken away stays silent, and the runtime in force logs."""
    monkeypatch.setattr(sys, "excepthook", lambda *args: None)
    sink = MemorySink[bytes]()
    with obskit.configure(output=MemorySink(), capture_logging=False):
        monkeypatch.setattr(sys, "excepthook", partial(sys.excepthook))
    with obskit.configure(output=sink, capture_logging=False):
        sys.excepthook(ValueError, ValueError("once"), None)
    assert [json.loads(line)["error"] for line in sink.items] == ["ValueError: once"]
    sys.excepthook(ValueError, ValueError("never"), None)
    assert len(sink.items) == 1


def test_a_part_that_cannot_be_closed_keeps_no_other_from_it(capfd: pytest.CaptureFixture[str]) -> None:
    """What the user's own parts raise is told, and the program goes on."""
    sink, store = Broken(), BrokenStore()
    runtime = obskit.configure(output=sink, trace_store=store, hooks=False)
    obskit.get_logger().info("x")
    assert runtime.flush(1) is False
    assert runtime.stats()["alerts_sent"] == 0
    output = io.BytesIO()
    with obskit.configure(output=output, hooks=False):
        obskit.get_logger().info("y")
    assert CELL.runtime is None
    assert len(sink.lines) == 1
    assert json.loads(output.getvalue())["msg"] == "y"
    told = capfd.readouterr().err
    assert "BrokenStore failed: OSError" in told


class Tired:
    """A value that cannot be read the first time."""

    def __init__(self) -> None:
        self.times = 0

    def __repr__(self) -> str:
        self.times += 1
        if self.times == 1:
            raise ValueError("later")
        return "rested"


def test_bound_fields_that_could_not_be_read_are_read_again() -> None:
    """One failure, of the value or for want of stack, does not stay on every line that follows."""
    output = io.BytesIO()
    with obskit.configure(output=output, capture_logging=False, hooks=False, clock=FakeClock()):
        log = obskit.get_logger().bind(value=Tired())

        def deep() -> None:
            try:
                deep()
            except RecursionError:
                log.error("too deep")  # noqa: TRY400 - the stack is not the point
                raise

        with obskit.bound_context(user_id="42"):
            with pytest.raises(RecursionError):
                deep()
            log.info("x")
            log.info("x")
    last = json.loads(output.getvalue().splitlines()[-1])
    assert last["user_id"] == "42"
    assert last["value"] == "rested"


def test_a_logger_that_no_python_code_calls_logs() -> None:
    """`atexit` and `_thread` call it themselves; there is no function to name."""
    code = "import atexit, obskit; atexit.register(obskit.get_logger().info, 'bye')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    line = json.loads(done.stdout)
    assert (line["msg"], line["fn"]) == ("bye", "<unknown>")


def test_a_name_that_obskit_changes_stands_on_a_line_once() -> None:
    """A bound `level` becomes `level_`, which the call may have as well."""
    output = io.BytesIO()
    with obskit.configure(output=output, capture_logging=False, hooks=False):
        log = obskit.get_logger().bind(level="x")
        for _ in range(3):
            log.info("m", level_=1)
    for line in output.getvalue().splitlines():
        assert line.count(b'"level_"') == 1
