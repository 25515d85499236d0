"""What is printed to stderr comes out whole and without its secrets."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.logs import RedactedStream, redact_stderr

SECRET = "not-a-real-" + "token-0123456789"
BODY = [f"MIIfake{n}" + "A" * 56 for n in range(20)]
KEY = ["-----BEGIN RSA PRIVATE " + "KEY-----", *BODY, "-----END RSA PRIVATE KEY-----"]


@pytest.fixture
def beneath() -> io.StringIO:
    """The stream that the redacted text goes to."""
    return io.StringIO()


@pytest.fixture
def stream(beneath: io.StringIO) -> RedactedStream:
    """A redacted stream."""
    return RedactedStream(beneath)


@given(st.lists(st.text(alphabet="ab \n\r", max_size=4)))
def test_text_without_secrets_comes_out_as_it_was(pieces: list[str]) -> None:
    """Whatever the pieces are, nothing is lost, doubled or moved."""
    beneath = io.StringIO(newline="")
    stream = RedactedStream(beneath)
    for piece in pieces:
        assert stream.write(piece) == len(piece)
    stream.flush()
    assert beneath.getvalue() == "".join(pieces)


def test_a_traceback_is_hidden_line_by_line(stream: RedactedStream, beneath: io.StringIO) -> None:
    """As py-cord and others print it: the frames stay readable."""
    try:
        raise ValueError(f"refused: token={SECRET}")
    except ValueError:
        traceback.print_exc(file=stream)
    assert "in test_a_traceback_is_hidden_line_by_line" in beneath.getvalue()
    assert "ValueError: refused: token=***" in beneath.getvalue()
    assert SECRET not in beneath.getvalue()


def test_a_secret_in_pieces_is_hidden(stream: RedactedStream, beneath: io.StringIO) -> None:
    """print() with several arguments writes each of them on its own."""
    print("token", SECRET[:8], sep="=", end="", file=stream)
    assert beneath.getvalue() == ""
    print(SECRET[8:], file=stream)
    assert SECRET[8:20] not in beneath.getvalue()
    assert beneath.getvalue().startswith("token=***")


@pytest.mark.parametrize("flush", [False, True])
def test_a_private_key_in_lines_is_hidden(stream: RedactedStream, beneath: io.StringIO, flush: bool) -> None:
    """No line of it comes out, also when every line is flushed; what stands around it does."""
    for line in ["loading", *KEY, "loaded"]:
        print(line, file=stream, flush=flush)
    assert not any(line in beneath.getvalue() for line in BODY)
    assert beneath.getvalue().startswith("loading\n")
    assert beneath.getvalue().endswith("-----END RSA PRIVATE KEY-----\nloaded\n")


def test_words_about_a_key_hold_nothing_back(stream: RedactedStream, beneath: io.StringIO) -> None:
    """An error that only names the first line of a key is shown once it is clear that no key follows."""
    print(f"expected {KEY[0]} (got something else)", file=stream)
    assert "got something else" in beneath.getvalue()


def test_a_key_without_an_end_is_held_within_bounds(stream: RedactedStream, beneath: io.StringIO) -> None:
    """Text that never ends a key comes out at some size, without what looks like a key."""
    print(KEY[0], file=stream)
    for _ in range(600):
        print(BODY[0], file=stream)
    assert beneath.getvalue().startswith(f"{KEY[0]}***")
    assert beneath.getvalue().count(BODY[0]) < 200


def test_a_long_line_is_held_within_bounds(stream: RedactedStream, beneath: io.StringIO) -> None:
    """Dots of progress without a line break do not fill the memory."""
    for _ in range(40_000):
        stream.write(".")
    assert len(beneath.getvalue()) > 30_000


def test_flush_gives_out_a_line_that_has_only_begun(stream: RedactedStream, beneath: io.StringIO) -> None:
    """A prompt is seen."""
    stream.write("continue? ")
    stream.flush()
    assert beneath.getvalue() == "continue? "


def test_flush_gives_out_what_ended_threads_left(stream: RedactedStream, beneath: io.StringIO) -> None:
    """The words of a thread that is gone are not lost, and those of a running one are not cut."""
    go_on = threading.Event()
    written = threading.Barrier(2)

    def begin() -> None:
        stream.write("half ")
        written.wait()
        go_on.wait()
        stream.write("and half\n")

    running = threading.Thread(target=begin)
    running.start()
    written.wait()
    ended = threading.Thread(target=stream.write, args=("last words\r\nand more",))
    ended.start()
    ended.join()
    stream.flush()
    assert beneath.getvalue() == "last words\r\nand more"
    go_on.set()
    running.join()
    assert beneath.getvalue().endswith("half and half\n")


def test_lines_of_threads_do_not_mix(stream: RedactedStream, beneath: io.StringIO) -> None:
    """Each line comes out whole, however many threads write it in pieces."""

    def write(worker: int) -> None:
        for number in range(50):
            stream.writelines([f"{worker}-", f"{number}", "\n"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    expected = {f"{worker}-{number}" for worker in range(8) for number in range(50)}
    assert set(beneath.getvalue().splitlines()) == expected


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_a_signal_handler_may_write_at_any_moment(stream: RedactedStream, beneath: io.StringIO) -> None:
    """Neither the program's lines nor the handler's are lost, and nothing hangs."""
    calls = 0

    def interrupt(number: int, frame: object) -> None:
        nonlocal calls
        calls += 1
        stream.write("handler\n")
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005)

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005)
    try:
        for _ in range(3_000):
            stream.write("program ")
            stream.write("\n")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    stream.flush()
    text = beneath.getvalue()
    assert (text.count("program "), text.count("handler\n")) == (3_000, calls)


def test_everything_else_is_asked_of_the_stream_beneath(stream: RedactedStream, beneath: io.StringIO) -> None:
    """Code that looks at isatty() or encoding sees the true stream."""
    assert (stream.isatty(), stream.encoding) == (beneath.isatty(), beneath.encoding)
    with pytest.raises(TypeError):
        stream.write(b"bytes\n")  # type: ignore[arg-type]


def test_a_block_hides_secrets_and_gives_stderr_back(capsys: pytest.CaptureFixture[str]) -> None:
    """Within the block it is hidden, afterwards stderr is what it was."""
    before = sys.stderr
    with redact_stderr():
        sys.stderr.write(f"token={SECRET}\n")
        sys.stderr.write("no line break")
    assert sys.stderr is before
    printed = capsys.readouterr().err
    assert SECRET not in printed
    assert printed.endswith("no line break")


def test_overlapping_blocks_keep_stderr_redacted_until_the_last_ends() -> None:
    """Two threads that use it at once leave neither a leak nor a wrong stream behind."""
    before = sys.stderr
    first, second = redact_stderr(), redact_stderr()
    first.undo()
    assert isinstance(sys.stderr, RedactedStream)
    second.undo()
    second.undo()
    assert sys.stderr is before


def test_a_stream_that_somebody_else_put_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only our own stream is taken away again; one that is redacted already is left alone."""
    theirs = io.StringIO()
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    with redact_stderr():
        sys.stderr = theirs
    assert sys.stderr is theirs
    sys.stderr = mine = RedactedStream(theirs)
    with redact_stderr():
        assert sys.stderr is mine
    assert sys.stderr is mine


def test_a_program_without_stderr_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under pythonw there is nothing to redact."""
    monkeypatch.setattr(sys, "stderr", None)
    with redact_stderr():
        assert sys.stderr is None


def test_a_key_that_was_cut_off_comes_out_hidden_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """What is held when the block ends is not lost."""
    with redact_stderr():
        sys.stderr.writelines(f"{line}\n" for line in KEY[:4])
    printed = capsys.readouterr().err
    assert KEY[0] in printed
    assert BODY[0] not in printed


def test_a_handler_of_logging_writes_through_it(stream: RedactedStream, beneath: io.StringIO) -> None:
    """A StreamHandler writes and flushes each record."""
    handler = logging.StreamHandler(stream)
    handler.emit(logging.makeLogRecord({"msg": f"token={SECRET}"}))
    assert beneath.getvalue().startswith("token=***")


def test_a_whole_program_prints_its_last_words_redacted() -> None:
    """Installed for good: a traceback by hand, text without a line break at the very end, nothing lost."""
    program = (
        "import sys, traceback; from obskit.logs import redact_stderr; redact_stderr()\n"
        f"try: raise ValueError('token={SECRET}')\n"
        "except ValueError: traceback.print_exc()\n"
        "sys.stderr.write('bye')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "ValueError: token=***" in done.stderr
    assert SECRET not in done.stderr
    assert done.stderr.endswith("bye")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_not_stopped_by_a_thread_of_its_parent() -> None:
    """The lock that a thread held at the moment of the fork is a new one in the child."""
    program = (
        "import os, threading; from obskit.logs import redact_stderr\n"
        "held, done = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with redact_stderr._lock:\n"
        "        held.set(); done.wait()\n"
        "threading.Thread(target=hold).start(); held.wait()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    redact_stderr().undo(); os._exit(0)\n"
        "status = os.waitpid(child, 0)[1]; done.set()\n"
        "raise SystemExit(status)"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


def test_a_warning_of_a_module_that_two_threads_import_stops_nobody(tmp_path: Path) -> None:
    """One imports it for the program, the other for obskit."""
    module = "import time, warnings\ntime.sleep(0.5)\nwarnings.warn('old')\n"
    (tmp_path / "slow.py").write_text(module, encoding="utf-8")
    program = (
        f"import os, sys, threading, time; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import obskit; from obskit.lazy import LOADING; from obskit.sinks import MemorySink\n"
        "obskit.configure(output=MemorySink())\n"
        "def load():\n"
        "    with LOADING:\n"
        "        import slow\n"
        "def use():\n"
        "    import slow\n"
        "threads = [threading.Thread(target=act, daemon=True) for act in (use, load)]\n"
        "for thread in threads:\n"
        "    thread.start(); time.sleep(0.2)\n"
        "for thread in threads:\n"
        "    thread.join(20)\n"
        "os._exit(any(thread.is_alive() for thread in threads))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
