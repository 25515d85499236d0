"""Several processes, signals and sudden ends: lines stay whole, and nobody hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of POSIX systems"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

WRITER = """
import sys
from obskit.sinks import StreamSink

name, size, count = sys.argv[1].encode(), int(sys.argv[2]), int(sys.argv[3])
sink, lost = StreamSink(), 0
for number in range(count):
    length = 100 if size == 0 and number % 2 else size or 50_000
    try:
        sink.emit((b"%s-%d " % (name, number)).ljust(length - 1, name) + b"\\n")
    except Exception:
        lost += 1
sink.close()
print(lost, file=sys.stderr)
"""


def read_all(program: str, *arguments: tuple[str, ...], timeout: float = 100) -> tuple[bytes, list[bytes]]:
    """Start *program* once for each of *arguments*, all on one pipe; return what came, and each stderr."""
    reader, writer = os.pipe()
    started = [
        subprocess.Popen([sys.executable, "-c", program, *words], stdout=writer, stderr=subprocess.PIPE)
        for words in arguments
    ]
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        received = stream.read()
    return received, [process.communicate(timeout=timeout)[1] for process in started]


@pytest.mark.slow
@pytest.mark.parametrize("size", [300, 4_096, 20_000, 200_000, 0])
def test_lines_of_several_processes_on_one_pipe_stay_whole(size: int) -> None:
    """From 4 kB to 200 kB, and long ones (50 kB) among short ones: none is broken, none is lost unseen."""
    received, lost = read_all(WRITER, *((name, str(size), "150") for name in "abcd"))
    lines = received.splitlines()
    for line in lines:
        name, number = line.split()[0].split(b"-")
        length = 100 if size == 0 and int(number) % 2 else size or 50_000
        assert line == (b"%s-%s " % (name, number)).ljust(length - 1, name)
    assert len(lines) + sum(map(int, lost)) == 600
    assert sum(map(int, lost)) < 60


def test_a_stopped_reader_costs_lines_and_no_time() -> None:
    """SIGSTOP to the reader of a blocking pipe: calls return, and the loss is told when it goes on."""
    end, beginning = os.pipe()
    reader = subprocess.Popen(["cat"], stdin=end, stdout=subprocess.PIPE)
    reader.send_signal(signal.SIGSTOP)
    program = """
import sys, time, obskit
log = obskit.get_logger()
longest = 0
for number in range(100):
    begin = time.monotonic()
    log.info("x" * 3000)
    longest = max(longest, time.monotonic() - begin)
print(longest, file=sys.stderr, flush=True)
sys.stdin.read()
log.info("again")
log.info("and again")
"""
    writer = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=beginning, stderr=subprocess.PIPE
    )
    assert writer.stderr is not None
    assert b"lost" in writer.stderr.readline()
    assert float(writer.stderr.readline()) < 2
    reader.send_signal(signal.SIGCONT)
    os.close(beginning)
    os.close(end)
    time.sleep(0.5)
    writer.communicate(timeout=60)
    received = reader.communicate(timeout=60)[0].splitlines()
    lines = [json.loads(line) for line in received]
    dropped = sum(line.get("dropped", 0) for line in lines)
    assert dropped
    assert len([line for line in lines if "dropped" not in line]) + dropped == 102


SIGNALS = """
import os, signal, sys, time, obskit
from obskit.sinks import FileSink, QueuedSink, StreamSink
sink = {sink}
obskit.configure(output=sink, hooks=False, capture_logging=False)
log, inner = obskit.get_logger(), 0

def handler(*_):
    global inner
    inner += 1
    log.info("inner")
    signal.setitimer(signal.ITIMER_REAL, 0.004)  # only now: on a slow machine handlers would nest without end

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.004)
end, outer = time.monotonic() + 1, 0
while time.monotonic() < end:
    outer += 1
    log.info("outer " + "x" * 6000)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
runtime = obskit.runtime.current()
runtime.flush(10)
print(inner, outer, int(runtime.stats()["logs_dropped"]), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sink", ["StreamSink()", "QueuedSink(StreamSink(), capacity=100_000)"])
def test_a_signal_handler_may_log_at_any_moment(sink: str) -> None:
    """Every line arrives whole, or is counted; nothing hangs, also where system calls are interrupted."""
    received, errors = read_all(SIGNALS.replace("{sink}", sink), ())
    inner, outer, dropped = map(int, errors[0].splitlines()[-1].split())
    messages = [json.loads(line)["msg"] for line in received.splitlines()]
    assert inner > 20
    logged = [message for message in messages if message[:5] in ("inner", "outer")]
    assert len(logged) + dropped == inner + outer


def test_a_killed_process_had_written_what_it_logged(tmp_path: Path) -> None:
    """SIGKILL takes no line along that a call had returned for."""
    path = tmp_path / "log"
    program = f"""
import os, signal, obskit
obskit.configure(output={str(path)!r}, hooks=False, capture_logging=False)
for number in range(50):
    obskit.get_logger().info("x", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert [json.loads(line)["number"] for line in path.read_bytes().splitlines()] == list(range(50))


FORKS = """
import os, threading, time, obskit
log, ended = obskit.get_logger(), False

def work():
    while not ended:
        log.info("parent " + "x" * 6000)

threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(30):
    child = os.fork()
    if child == 0:
        log.info("child")
        os._exit(0)
    deadline = time.monotonic() + 10
    while not os.waitpid(child, os.WNOHANG)[0]:
        assert time.monotonic() < deadline
        time.sleep(0.002)
ended = True
"""


@pytest.mark.slow
def test_children_of_a_busy_process_can_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty forks while three threads log: every child logs and ends, and no line is torn."""
    # Coverage has a lock of its own, which a busy thread may hold at the fork.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    received, errors = read_all(FORKS, ())
    messages = [json.loads(line)["msg"] for line in received.splitlines()]
    assert messages.count("child") == 30, errors


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_workers_of_multiprocessing_share_the_output(tmp_path: Path, method: str) -> None:
    """Whatever the start method, workers log to the same standard output."""
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing
import obskit

def work(number):
    obskit.get_logger().info("x" * 10_000, number=number)

if __name__ == "__main__":
    obskit.configure(service="main")
    with multiprocessing.get_context({method!r}).Pool(3) as pool:
        pool.map(work, range(30))
        pool.close()
        pool.join()
""")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, timeout=100, check=True)
    assert sorted(json.loads(line)["number"] for line in done.stdout.splitlines()) == list(range(30))
