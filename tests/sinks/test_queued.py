"""A queue keeps callers from waiting, and accounts for every line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit import worker
from obskit.encoding.schemas import SCHEMAS
from obskit.errors import SinkError
from obskit.sinks import FileSink, MemorySink, QueuedSink
from obskit.sinks._queued import is_minor
from obskit.testing import RecordingSink, check_sink

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Gate(RecordingSink[bytes]):
    """A sink that waits until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.entered = threading.Event()

    def emit(self, line: bytes, /) -> None:
        """Keep *line* once the gate is open."""
        self.entered.set()
        self.opened.wait(30)
        super().emit(line)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A sink that hangs, until the test ends."""
    gate = Gate()
    yield gate
    gate.opened.set()


def debug(number: int) -> bytes:
    """Return a line that is lost first."""
    return b'{"level":"debug","n":%d}\n' % number


def error(number: int) -> bytes:
    """Return a line that matters."""
    return b'{"level":"error","n":%d}\n' % number


def stuck(gate: Gate, capacity: int) -> QueuedSink:
    """Return a queue with room for *capacity* lines, whose thread hangs with one more."""
    sink = QueuedSink(gate, capacity=capacity + 1)
    sink.emit(b"first\n")
    assert gate.entered.wait(10)
    return sink


@given(st.lists(st.binary() | st.builds(debug, st.integers()), max_size=50))
def test_every_line_arrives_once_and_in_order(lines: list[bytes]) -> None:
    """Minor and other lines do not overtake each other."""
    inner = RecordingSink[bytes]()
    sink = QueuedSink(inner)
    for line in lines:
        sink.emit(line)
    assert sink.flush(60)
    sink.close()
    assert inner.items == lines
    assert inner.closed == 1


def test_nobody_waits_for_a_sink_that_hangs(gate: Gate) -> None:
    """emit() returns at once, and flush() when its time is over."""
    sink = stuck(gate, 10)
    begin = time.monotonic()
    sink.emit(debug(1))
    assert not sink.flush(0.05)
    assert time.monotonic() - begin < 5
    assert sink.stats()["queued"] == 2
    gate.opened.set()
    assert sink.flush(10)
    assert gate.items == [b"first\n", debug(1)]


def test_a_full_queue_loses_minor_lines_first(gate: Gate) -> None:
    """The last fifth of the room is for what matters."""
    sink = stuck(gate, 9)
    for number in range(7):
        sink.emit(debug(number))
    with pytest.raises(SinkError, match="full"):
        sink.emit(debug(7))
    sink.emit(error(8))
    sink.emit(error(9))
    with pytest.raises(SinkError, match="full"):
        sink.emit(error(10))
    gate.opened.set()
    assert sink.flush(10)
    assert gate.items == [b"first\n", *map(debug, range(7)), error(8), error(9)]


def test_what_the_sink_refuses_is_counted() -> None:
    """Also SystemExit from a sink: the lines after it are written."""
    inner = RecordingSink[bytes](error=SinkError("EPIPE"))
    sink = QueuedSink(inner)
    sink.emit(b"1\n")
    assert sink.flush(10)
    inner.error = SystemExit()  # type: ignore[assignment]
    sink.emit(b"2\n")
    assert sink.flush(10)
    inner.error = None
    sink.emit(b"3\n")
    assert sink.flush(10)
    assert inner.items == [b"3\n"]
    assert sink.stats() == {"queued": 0, "dropped": 2, "dropped_epipe": 1, "dropped_systemexit": 1}


def test_after_close_lines_are_refused() -> None:
    """close() is the end, and may be called again."""
    inner = RecordingSink[bytes]()
    sink = QueuedSink(inner)
    sink.close()
    sink.close()
    with pytest.raises(SinkError, match="closed"):
        sink.emit(b"late\n")
    assert inner.closed == 1


def test_close_leaves_a_sink_that_hangs(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program ends although its output hangs, and what was lost is counted."""
    monkeypatch.setattr("obskit.sinks._queued.EXIT_TIMEOUT", 0.05)
    sink = stuck(gate, 10)
    sink.emit(debug(1))
    sink.close()
    assert sink.stats() == {"queued": 1, "dropped": 1, "dropped_unfinished": 1}
    assert gate.closed == 0


class Chatty(RecordingSink[bytes]):
    """A sink that logs whenever it is given a line."""

    queue: QueuedSink

    def emit(self, line: bytes, /) -> None:
        """Log about *line*."""
        super().emit(line)
        self.queue.emit(b"about " + line)


def test_a_sink_that_logs_does_not_feed_itself_for_ever() -> None:
    """What it logs of a line is delivered, what it logs of that is refused."""
    inner = Chatty()
    inner.queue = QueuedSink(inner)
    inner.queue.emit(b"1\n")
    assert inner.queue.flush(10)
    assert inner.items == [b"1\n", b"about 1\n"]
    assert inner.queue.stats()["dropped_recursion"] == 1


def test_the_runtime_flushes_and_counts_the_queue(gate: Gate) -> None:
    """flush(), stats() and close() of the runtime reach the sink."""
    runtime = obskit.configure(output=QueuedSink(gate), capture_logging=False, hooks=False)
    obskit.get_logger().info("hello")
    assert gate.entered.wait(10)
    assert not runtime.flush(0.05)
    gate.opened.set()
    assert runtime.flush(10)
    assert runtime.stats()["logs_queued"] == 0
    runtime.close()
    assert gate.closed == 1


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_the_level_is_known_in_every_schema(schema: str) -> None:
    """Debug and info are lost first whatever the names of the fields; no text can pretend to be one."""
    inner = RecordingSink[bytes]()
    obskit.configure(output=inner, schema=schema, level="debug", capture_logging=False, hooks=False)
    log = obskit.get_logger()
    for name in ("debug", "info", "warn", "error", "critical"):
        getattr(log, name)('{"level":"info"}', note='"level":"info"')
    assert [is_minor(line) for line in inner.items] == [True, True, False, False, False]


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_begins_with_an_empty_queue(gate: Gate, tmp_path: Path) -> None:
    """What waits in the parent is written once, by the parent."""
    sink = stuck(gate, 10)
    sink.emit(debug(1))
    with_child = os.fork()
    if with_child == 0:
        gate.opened.set()
        sink.emit(b"child\n")
        done = sink.flush(10)
        (tmp_path / "child").write_bytes(b"".join(gate.items) if done else b"hung")
        os._exit(0)
    os.waitpid(with_child, 0)
    gate.opened.set()
    assert sink.flush(10)
    assert gate.items == [b"first\n", debug(1)]
    assert (tmp_path / "child").read_bytes() == b"child\n"


class Nested(RecordingSink[bytes]):
    """A sink that logs about a line, and hangs with what it has logged."""

    queue: QueuedSink

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.opened = threading.Event(), threading.Event()

    def emit(self, line: bytes, /) -> None:
        """Log, or hang."""
        super().emit(line)
        if line == b"outer\n":
            self.queue.emit(b"inner\n")
        elif line == b"inner\n":
            self.entered.set()
            self.opened.wait(30)


@posix
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_thread_of_a_forked_child_is_not_taken_for_the_one_of_the_parent() -> None:
    """The system gives out the same numbers again."""
    inner = Nested()
    inner.queue = sink = QueuedSink(inner)
    sink.emit(b"outer\n")
    assert inner.entered.wait(10)
    child = os.fork()
    if child == 0:
        thread = threading.Thread(target=sink.emit, args=(b"child\n",))
        thread.start()
        thread.join(10)
        os._exit(not (sink.flush(10) and inner.items[-1] == b"child\n"))
    status = os.waitpid(child, 0)[1]
    inner.opened.set()
    sink.close()
    assert status == 0


def run(program: str) -> subprocess.CompletedProcess[bytes]:
    """Run *program* in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, timeout=60, check=False
    )


def test_an_exiting_process_writes_what_waits(tmp_path: Path) -> None:
    """Nothing is lost at exit, not even what an exit hook logs after the thread has ended."""
    path = tmp_path / "log"
    done = run(f"""
import atexit, obskit
from obskit.sinks import FileSink, MemorySink, QueuedSink
log = obskit.get_logger()
atexit.register(lambda: log.info("late"))
obskit.configure(output=QueuedSink(FileSink({str(path)!r})), hooks=False, capture_logging=False)
for number in range(2000):
    log.info("early")
""")
    assert (done.returncode, done.stderr) == (0, b"")
    lines = path.read_bytes().splitlines()
    assert len(lines) == 2001
    assert b"late" in lines[-1]


def test_an_exiting_process_does_not_wait_for_ever(tmp_path: Path) -> None:
    """Five seconds are the limit; what was lost by then is told."""
    done = run("""
import time
from obskit import worker
from obskit.sinks import QueuedSink
worker.EXIT_TIMEOUT = 0.2

class Hanging:
    def emit(self, line):
        time.sleep(60)
    def close(self):
        pass

sink = QueuedSink(Hanging())
sink.emit(b"1")
time.sleep(0.1)
sink.emit(b"2")
""")
    assert done.returncode == 0
    assert done.stderr.count(b"\n") == 1
    assert b"unfinished" in done.stderr


def test_exit_gives_a_queue_five_seconds() -> None:
    """The promise of the documentation."""
    assert worker.EXIT_TIMEOUT == 5


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_queue_keeps_the_rules_of_a_sink(tmp_path: Path) -> None:
    """Lines arrive whole, whoever logs."""
    path = tmp_path / "log"
    check_sink(lambda: QueuedSink(FileSink(path)), received=path.read_bytes)


def test_a_thread_that_could_not_be_started_is_started_with_a_later_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a process is short of threads for a moment, the lines of that moment wait or go out at once."""
    memory = MemorySink[bytes]()
    sink = QueuedSink(memory)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", refuse)
        for number in range(5):
            sink.emit(b"%d\n" % number)
    sink.emit(b"5\n")
    assert sink.flush(10)
    assert memory.items == [b"%d\n" % number for number in range(6)]
    sink.close()


def test_a_process_that_never_has_a_thread_to_spare_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who logs writes what waits: a subinterpreter may refuse all threads."""
    memory = MemorySink[bytes]()
    sink = QueuedSink(memory, capacity=2)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for number in range(10):
        sink.emit(b"%d\n" % number)
    assert memory.items == [b"%d\n" % number for number in range(10)]


def test_flush_gives_the_queue_and_its_sink_one_time_together() -> None:
    """A sink that holds lines back gets what is left."""
    given: list[float] = []

    class Slow(MemorySink[bytes]):
        def emit(self, item: bytes, /) -> None:
            time.sleep(0.2)

        def flush(self, timeout: float) -> bool:
            given.append(timeout)
            return True

    sink = QueuedSink(Slow())
    sink.emit(b"1\n")
    assert sink.flush(10)
    assert 0 < given[0] < 9.9


_LOGS_ITSELF = """
import atexit, os, sys
import obskit
from obskit.sinks import QueuedSink

log = obskit.get_logger()
atexit.register(lambda: log.info("bye"))
delivered = []

class Http:
    def emit(self, line):
        delivered.append(line)
        if len(delivered) > 100:
            os._exit(3)
        log.info("POST /lines 200")
        log.info("200")

    def close(self):
        pass

obskit.configure(output=QueuedSink(Http()), hooks=False)
log.info("start")
"""


def test_a_sink_that_logs_ends_with_the_process() -> None:
    """Without a thread, lines are written by who logs them: one from inside a delivery has no other."""
    subprocess.run([sys.executable, "-c", _LOGS_ITSELF], timeout=60, check=True, capture_output=True)
