"""Lines stay whole on pipes, sockets and terminals that are slow, full, shared or gone."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from obskit.errors import SinkError, SinkTimeout
from obskit.sinks import StreamSink, _descriptor, _locks
from obskit.sinks._locks import try_lock_pipe

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="pipes of POSIX systems")


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.FileIO]]:
    """The reading end of a pipe, and its writing end, which blocks, as a stream."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with io.FileIO(writer, "w") as stream:
        yield reader, stream
    os.close(reader)


@pytest.fixture(params=["nowait", "poll"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a write is kept from waiting: by the system, or by asking for room before."""
    if request.param == "poll":
        monkeypatch.setattr(_descriptor, "_NO_WAIT", 0)
    return str(request.param)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system does not tell what a pipe takes, so a line goes in parts, and its rest is not waited for."""
    monkeypatch.setattr(_descriptor, "room_of", lambda fd, size: None)
    monkeypatch.setattr(_descriptor, "_FINISH_TIMEOUT", 0.0)


def drain(reader: int) -> bytes:
    """Read what is there."""
    data = b""
    while True:
        try:
            data += os.read(reader, 65_536)
        except BlockingIOError:
            return data


def fill(sink: StreamSink) -> int:
    """Write lines of 10 kB until one is refused; return how many were taken."""
    for number in range(1_000):
        try:
            sink.emit(line(number))
        except SinkTimeout:
            return number
    raise AssertionError("never full")


def line(number: int) -> bytes:
    """Return line *number*, which is longer than a pipe takes in one piece."""
    return b"%06d" % number + b"x" * 9_993 + b"\n"


@pytest.mark.usefixtures("way")
def test_a_reader_that_stands_still_holds_up_nobody(pipe: tuple[int, io.FileIO]) -> None:
    """The descriptor blocks, the call does not; and only the first one waits."""
    reader, stream = pipe
    sink = StreamSink(stream)
    begin = time.monotonic()
    taken = fill(sink)
    for _ in range(50):
        with pytest.raises(SinkTimeout, match="timeout"):
            sink.emit(line(0))
    assert time.monotonic() - begin < 5
    assert os.get_blocking(stream.fileno())
    received = drain(reader)
    sink.emit(b"again\n")
    received += drain(reader)
    assert received == b"".join(map(line, range(taken))) + b"again\n"
    sink.close()
    assert sink.stats() == {"dropped": 0}


@pytest.mark.usefixtures("way")
def test_a_slow_reader_gets_everything(pipe: tuple[int, io.FileIO]) -> None:
    """A pipe that is full for a moment costs time, not lines."""
    reader, stream = pipe
    os.set_blocking(reader, True)
    sink, received = StreamSink(stream), bytearray()

    def read() -> None:
        while len(received) < 1_000_000:
            received.extend(os.read(reader, 30_000))
            time.sleep(0.0005)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(100):
        sink.emit(line(number))
    thread.join()
    assert received == b"".join(map(line, range(100)))


@pytest.mark.usefixtures("way")
def test_a_line_is_begun_when_the_pipe_takes_it_whole(pipe: tuple[int, io.FileIO]) -> None:
    """A process that is killed, or whose reader stands still, leaves no half line to others."""
    reader, stream = pipe
    sink = StreamSink(stream)
    for size in (5_000, 30_000, 70_000, 250_000):
        taken = 0
        with contextlib.suppress(SinkTimeout):
            while taken < 1_000:
                sink.emit(b"x" * (size - 1) + b"\n")
                taken += 1
        assert 1 <= taken < 1_000
        assert drain(reader) == (b"x" * (size - 1) + b"\n") * taken
    assert sink.stats() == {"dropped": 0}


def test_a_pipe_that_must_stay_small_takes_a_long_line_in_parts(
    pipe: tuple[int, io.FileIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system grants no larger one, the line is begun when the pipe is empty, and finished."""
    reader, stream = pipe
    monkeypatch.setattr(_locks, "_SET_SIZE", -1)
    sink, long = StreamSink(stream), b"x" * 99_999 + b"\n"
    sink.emit(b"short\n")
    with pytest.raises(SinkTimeout):
        sink.emit(long)
    assert drain(reader) == b"short\n"
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(sink.emit, long)
        received = b""
        while not writing.done() or len(received) < len(long):
            received += drain(reader)
        writing.result()
    assert received == long


@pytest.mark.usefixtures("in_parts")
def test_closing_finishes_the_last_line(pipe: tuple[int, io.FileIO]) -> None:
    """What was begun is completed, or counted as lost."""
    reader, stream = pipe
    sink = StreamSink(stream)
    taken = fill(sink)
    received = drain(reader)
    sink.close()
    assert received + drain(reader) == b"".join(map(line, range(taken)))
    fill(sink)
    sink.close()
    assert sink.stats() == {"dropped": 1, "dropped_unfinished": 1}


@pytest.mark.usefixtures("in_parts")
def test_turning_to_another_stream_finishes_the_line_in_the_first(
    pipe: tuple[int, io.FileIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replaced sys.stdout does not leave half a line behind."""
    reader, stream = pipe
    monkeypatch.setattr(sys, "stdout", stream)
    sink = StreamSink()
    taken = fill(sink)
    received = drain(reader)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    sink.emit(b"elsewhere\n")
    assert received + drain(reader) == b"".join(map(line, range(taken)))


def test_a_reader_that_goes_away_is_named_though_the_pipe_is_full(pipe: tuple[int, io.FileIO]) -> None:
    """There will never be room: nobody waits for it."""
    reader, stream = pipe
    sink = StreamSink(stream)
    taken = fill(sink)
    os.dup2(os.open(os.devnull, os.O_RDONLY), reader)
    with pytest.raises(SinkError, match="EPIPE"):
        sink.emit(line(taken))
    assert sink.stats() == {"dropped": 0}


@pytest.mark.usefixtures("in_parts")
def test_a_reader_that_goes_away_in_the_middle_of_a_line(pipe: tuple[int, io.FileIO]) -> None:
    """The half line can never be completed: it is counted, and the next is refused by name."""
    reader, stream = pipe
    sink = StreamSink(stream)
    fill(sink)
    os.dup2(os.open(os.devnull, os.O_RDONLY), reader)
    with pytest.raises(SinkError, match="EPIPE"):
        sink.emit(b"next\n")
    with pytest.raises(SinkError, match="EPIPE"):
        sink.emit(b"next\n")
    assert sink.stats() == {"dropped": 1, "dropped_epipe": 1}


@pytest.mark.usefixtures("way")
def test_a_socket_is_as_good_as_a_pipe() -> None:
    """Standard output is a socket on AWS Lambda; it may be slow and may be gone."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    sink = StreamSink(io.FileIO(ours.fileno(), "w", closefd=False))
    taken = fill(sink)
    received = drain(theirs.fileno())
    sink.emit(b"end\n")
    assert received + drain(theirs.fileno()) == b"".join(map(line, range(taken))) + b"end\n"
    theirs.close()
    with pytest.raises(SinkError, match="EPIPE"):
        sink.emit(b"late\n")
    ours.close()


def test_a_pipe_that_another_process_keeps_is_waited_for_not_for_ever(pipe: tuple[int, io.FileIO]) -> None:
    """A process that stopped in the middle of its line costs others their lines, not their time."""
    _, stream = pipe
    sink, (told, tell) = StreamSink(stream), os.pipe()
    child = os.fork()
    if child == 0:
        try_lock_pipe(stream.fileno())
        os.write(tell, b"x")
        signal.pause()
    os.read(told, 1)
    begin = time.monotonic()
    for _ in range(5):
        with pytest.raises(SinkTimeout):
            sink.emit(b"one\n")
    assert time.monotonic() - begin < 2
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    sink.emit(b"two\n")
    assert drain(pipe[0]) == b"two\n"


def test_a_file_that_became_a_pipe_is_written_to_as_a_pipe(
    pipe: tuple[int, io.FileIO], tmp_path: Path
) -> None:
    """os.dup2 onto a descriptor is noticed after some lines, and at once where it matters."""
    reader, stream = pipe
    os.set_blocking(stream.fileno(), False)
    with (tmp_path / "log").open("wb", buffering=0) as file:
        os.set_inheritable(file.fileno(), True)
        sink = StreamSink(file)
        sink.emit(b"one\n")
        os.dup2(stream.fileno(), file.fileno())
        with pytest.raises(SinkError, match="EAGAIN"):
            for number in range(60):
                sink.emit(line(number))
        drain(reader)
        assert fill(sink) == 5


def test_other_errors_than_no_such_operation_are_told(pipe: tuple[int, io.FileIO]) -> None:
    """A descriptor that is closed under the sink is EBADF, whatever kind it was."""
    _, stream = pipe
    copy = os.dup(stream.fileno())
    with io.FileIO(copy, "w", closefd=False) as other:
        sink = StreamSink(other)
        sink.emit(b"one\n")
        os.close(copy)
        for _ in range(2):
            with pytest.raises(SinkError, match="EBADF"):
                sink.emit(b"two\n")


INTERRUPTED = """
import signal, sys, time
from obskit.errors import SinkError
from obskit.sinks import StreamSink

class Interrupted(Exception): pass

def interrupt(*_):
    if armed:
        raise Interrupted

signal.signal(signal.SIGALRM, interrupt)
sink, interruptions, deadline = StreamSink(), 0, time.monotonic() + 1
while time.monotonic() < deadline:
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, 0.003)
        for number in range(1000):
            sink.emit(b"%06d" % (number % 100) + b"x" * 9993 + b"\\n")
        signal.setitimer(signal.ITIMER_REAL, 0)
    except SinkError:
        pass
    except Interrupted:
        interruptions += 1
    finally:
        armed = False
signal.setitimer(signal.ITIMER_REAL, 0)
sink.emit(b"end\\n")
print(interruptions, file=sys.stderr)
"""


def test_a_handler_that_raises_leaves_no_half_line() -> None:
    """Ctrl-C or a time limit in the middle of a write may cut that line; nothing ever sticks to it."""
    # Coverage's own lock hangs when a handler raises inside it.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, timeout=60, check=True, env=plain
    )
    whole = [line(number).strip() for number in range(100)]
    *lines, last = done.stdout.splitlines()
    assert last == b"end"
    assert int(done.stderr) > 10
    assert all(text in whole or any(text == good[: len(text)] for good in whole) for text in lines)


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize(("size", "begun"), [(100, False), (100, True), (9_000, False)])
def test_what_an_interrupted_write_left_is_ended(pipe: tuple[int, io.FileIO], size: int, begun: bool) -> None:
    """A long line, or the rest of one, may be there in part, so it is ended; a short one is there or not."""
    reader, stream = pipe
    sink = StreamSink(stream)
    sink.emit(b"one\n")
    descriptor = sink._descriptor
    assert descriptor is not None
    descriptor._rest, descriptor._begun, descriptor._unsure = b"x" * size, begun, True
    sink.emit(b"two\n")
    assert drain(reader) == (b"one\n\ntwo\n" if begun or size > 4096 else b"one\ntwo\n")


@pytest.mark.usefixtures("in_parts")
def test_a_time_limit_that_is_an_oserror_is_no_error_of_the_pipe(
    pipe: tuple[int, io.FileIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that raises TimeoutError interrupts the write; what is left of it is dealt with next time."""
    reader, stream = pipe
    sink = StreamSink(stream)
    sink.emit(b"one\n")

    def time_out(fd: int, buffers: list[bytes], offset: int, flags: int) -> int:
        os.write(fd, buffers[0][:5_000])
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", time_out)
        with pytest.raises(SinkError, match="TimeoutError"):
            sink.emit(line(1))
    sink.emit(b"two\n")
    assert drain(reader) == b"one\n" + line(1)[:5_000] + b"\ntwo\n"


def test_an_exiting_process_finishes_its_last_line() -> None:
    """The line that a full socket cut is completed when the process ends."""
    program = """
import sys
from obskit.errors import SinkError
from obskit.sinks import StreamSink
sink, taken = StreamSink(), 0
try:
    while True:
        sink.emit(b"x" * 149_999 + b"\\n")
        taken += 1
except SinkError:
    print(taken, file=sys.stderr, flush=True)
sys.stdin.read(1)
"""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=theirs.fileno(),
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        taken = int(process.stderr.readline())
        received = drain(ours.fileno())
        assert len(received) % 150_000
        process.communicate(b"x", timeout=60)
    assert received + drain(ours.fileno()) == (b"x" * 149_999 + b"\n") * taken
    ours.close()
    theirs.close()
