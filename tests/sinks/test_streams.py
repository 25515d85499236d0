"""Lines go out whole, to whatever stdout is, or are refused."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from obskit.errors import ConfigError, SinkError, SinkTimeout
from obskit.sinks import FileSink, StreamSink, _descriptor

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="pipes and devices of POSIX systems")


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.FileIO]]:
    """The reading end of a pipe, and its writing end as a stream."""
    reader, writer = os.pipe()
    stream = io.FileIO(writer, "w")
    yield reader, stream
    stream.close()
    os.close(reader)


def test_lines_follow_a_replaced_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that swaps sys.stdout gets the next line there."""
    first, second = io.StringIO(), io.BytesIO()
    sink = StreamSink()
    monkeypatch.setattr(sys, "stdout", first)
    sink.emit(b"one\n")
    monkeypatch.setattr(sys, "stdout", second)
    sink.emit(b"two\n")
    assert (first.getvalue(), second.getvalue()) == ("one\n", b"two\n")


def test_no_stdout_at_all_is_an_error_of_the_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under pythonw there is no stdout; the caller counts the loss."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SinkError, match="closed"):
        StreamSink().emit(b"one\n")


def test_an_object_that_cannot_write_is_an_error_of_the_sink() -> None:
    """Whatever a stand-in for a stream raises is turned into a SinkError."""
    stream = io.StringIO()
    sink = StreamSink(stream)
    stream.close()
    with pytest.raises(SinkError, match="ValueError"):
        sink.emit(b"one\n")


def test_a_descriptor_is_written_to_directly(pipe: tuple[int, io.FileIO]) -> None:
    """No buffer stands between a line and the reader."""
    reader, stream = pipe
    StreamSink(stream).emit(b"one\n")
    assert os.read(reader, 100) == b"one\n"


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    """Eight threads write long lines; none is torn."""
    path = tmp_path / "log"
    sink = FileSink(path)

    def write(letter: str) -> None:
        for _ in range(50):
            sink.emit(letter.encode() * 10_000 + b"\n")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    lines = path.read_bytes().splitlines()
    assert len(lines) == 400
    assert all(line == line[:1] * 10_000 for line in lines)


@posix
def test_a_reader_that_went_away_is_named() -> None:
    """A broken pipe is an error of the sink, not of the program."""
    reader, writer = os.pipe()
    os.close(reader)
    with io.FileIO(writer, "w") as broken, pytest.raises(SinkError, match="EPIPE"):
        StreamSink(broken).emit(b"one\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named() -> None:
    """ENOSPC is an error of the sink."""
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(SinkError, match="ENOSPC"):
        StreamSink(full).emit(b"one\n")


@posix
def test_a_full_pipe_loses_whole_lines_only(
    pipe: tuple[int, io.FileIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is finished before the next line; what did not fit at all is refused."""
    monkeypatch.setattr(_descriptor, "WRITE_TIMEOUT", 0.0)
    reader, stream = pipe
    os.set_blocking(stream.fileno(), False)
    sink = StreamSink(stream)
    written = refused = 0
    for number in range(30):
        try:
            sink.emit(b"%03d" % number + b"x" * 2_997 + b"\n")
            written += 1
        except SinkTimeout:
            refused += 1
    os.set_blocking(reader, False)
    received = b""
    for _ in range(3):
        received += _drain(reader)
        sink.emit(b"end\n")
    received += _drain(reader)
    lines = [line for line in received.splitlines() if line != b"end"]
    assert refused
    assert len(lines) == written
    assert all(len(line) == 3_000 for line in lines)


def _drain(reader: int) -> bytes:
    data = b""
    while True:
        try:
            data += os.read(reader, 65_536)
        except BlockingIOError:
            return data


def test_a_slow_reader_is_waited_for(pipe: tuple[int, io.FileIO]) -> None:
    """A pipe that is full for a moment costs time, not lines."""
    reader, stream = pipe
    os.set_blocking(stream.fileno(), False)
    sink = StreamSink(stream)
    received: list[bytes] = []

    def read() -> None:
        while sum(map(len, received)) < 300_000:
            received.append(os.read(reader, 65_536))

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(100):
        sink.emit(b"x" * 2_999 + b"\n")
    thread.join()
    assert b"".join(received).count(b"\n") == 100


def test_a_closed_descriptor_that_became_another_file_is_left_alone(tmp_path: Path) -> None:
    """A program that closes its stdout and opens a file must not find log lines in it."""
    victim = tmp_path / "victim"
    program = f"""
import os, sys
import obskit
log = obskit.get_logger()
log.info("before")
os.close(1)
handle = open({str(victim)!r}, "w")
assert handle.fileno() == 1
log.info("after")
handle.close()
os._exit(0)
"""
    run = _run(program)
    assert run.count(b"before") == 1
    assert victim.read_bytes() == b""


def test_a_closed_stream_gives_no_line_to_the_file_that_took_its_number(tmp_path: Path) -> None:
    """Files that Python opens do not pass to children, which could tell one number from the next."""
    stream = (tmp_path / "log").open("a")
    sink = StreamSink(stream)
    sink.emit(b"one\n")
    stream.close()
    with (tmp_path / "data").open("wb"), pytest.raises(SinkError, match="closed"):
        sink.emit(b"two\n")
    assert (tmp_path / "data").read_bytes() == b""


_FROZEN = """
import sys, threading, time
import obskit
log = obskit.get_logger()

class Resource:
    def __del__(self, log=log):
        log.info("bye")

module = sys.modules["kept_to_the_end"] = type(sys)("kept_to_the_end")
module.resource = Resource()
del module

def spam(log=log):
    while True:
        log.info("x" * 60_000)

log.info("loading what the first lines need")
for _ in range(4):
    threading.Thread(target=spam, daemon=True).start()
time.sleep(0.05)
"""


def test_a_finalizer_that_logs_does_not_wait_for_a_thread_that_is_frozen(tmp_path: Path) -> None:
    """At the end of a process, a daemon thread may hold the sink for ever."""
    for _ in range(3):
        with (tmp_path / "lines").open("wb") as output:
            subprocess.run([sys.executable, "-c", _FROZEN], stdout=output, timeout=30, check=True)


def test_a_redirected_stdout_is_followed(tmp_path: Path) -> None:
    """os.dup2 onto descriptor 1 moves the log along."""
    target = tmp_path / "target"
    program = f"""
import os
import obskit
log = obskit.get_logger()
log.info("before")
os.dup2(os.open({str(target)!r}, os.O_WRONLY | os.O_CREAT), 1)
log.info("after")
"""
    assert b"after" not in _run(program)
    assert b"after" in target.read_bytes()


def _run(program: str) -> bytes:
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60).stdout


class _Reentrant(io.StringIO):
    """A stream whose write logs one more line, as a signal handler in its middle would."""

    sink: StreamSink
    again = True

    def write(self, text: str) -> int:
        if self.again:
            self.again = False
            self.sink.emit(b"inner\n")
        return super().write(text)


def test_a_line_from_inside_a_write_comes_right_after_it() -> None:
    """Re-entrance neither hangs nor mixes lines."""
    stream = _Reentrant()
    stream.sink = StreamSink(stream)
    stream.sink.emit(b"outer\n")
    assert stream.getvalue() == "outer\ninner\n"


class _Talkative(io.StringIO):
    """A stream whose every write logs lines, and which may fail after the first."""

    sink: StreamSink
    lines = 1
    fails = False

    def write(self, text: str) -> int:
        if self.fails and self.getvalue():
            raise ValueError
        for _ in range(self.lines):
            self.sink.emit(b"inner\n")
        return super().write(text)


def test_a_stream_that_logs_whenever_it_is_written_to_does_not_hang() -> None:
    """A hundred of its lines are written, the next one is counted as lost."""
    stream = _Talkative()
    stream.sink = StreamSink(stream)
    stream.sink.emit(b"outer\n")
    assert stream.getvalue() == "outer\n" + "inner\n" * 100
    assert stream.sink.stats() == {"dropped": 1, "dropped_recursion": 1}


def test_lines_from_inside_a_write_are_bounded() -> None:
    """A hundred are kept; who logs more is told so, and the line being written fails with it."""
    stream = _Talkative()
    stream.sink, stream.lines = StreamSink(stream), 101
    with pytest.raises(SinkError, match="SinkError"):
        stream.sink.emit(b"outer\n")


def test_a_line_from_inside_a_write_that_is_lost_is_counted() -> None:
    """Its own call has long returned."""
    stream = _Talkative()
    stream.sink, stream.fails = StreamSink(stream), True
    stream.sink.emit(b"outer\n")
    assert stream.sink.stats() == {"dropped": 1, "dropped_valueerror": 1}


@posix
def test_a_child_forked_during_a_write_can_still_log(tmp_path: Path) -> None:
    """The lock that another thread held in the parent does not bind the child."""
    path = tmp_path / "log"
    sink = FileSink(path)
    with sink._lock:  # the moment that is hard to hit: fork while a thread is writing
        forked = threading.Thread(target=_fork_and_log, args=(sink,))
        forked.start()
        forked.join(10)
    assert path.read_bytes() == b"child\n"


def _fork_and_log(sink: FileSink) -> None:
    child = os.fork()
    if child == 0:
        sink.emit(b"child\n")
        os._exit(0)
    os.waitpid(child, 0)


def test_a_file_is_appended_to_and_private(tmp_path: Path) -> None:
    """What is in the file stays, and a new one is for its owner only."""
    path = tmp_path / "log"
    for word in (b"one\n", b"two\n"):
        sink = FileSink(path)
        sink.emit(word)
        sink.close()
        sink.close()
    assert path.read_bytes() == b"one\ntwo\n"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_closed_file_takes_no_more_lines(tmp_path: Path) -> None:
    """After close() a line is refused, not written somewhere."""
    sink = FileSink(tmp_path / "log")
    sink.close()
    with pytest.raises(SinkError, match="closed"):
        sink.emit(b"late\n")


@posix
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "missing"])
def test_what_is_no_regular_file_is_refused_at_set_up(tmp_path: Path, kind: str) -> None:
    """A link, a pipe, a folder or a path that cannot be made is a clear error."""
    path = tmp_path / "log"
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = tmp_path / "no" / "log"
    with pytest.raises(ConfigError, match="output must be a"):
        FileSink(path)
