"""A log file is turned over by size or time, by us or by others, and no line is lost or torn."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.errors import ConfigError, SinkError
from obskit.sinks import FileSink, _rotation
from obskit.sinks._locks import try_lock_file
from obskit.testing import FakeClock, check_sink

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="files of POSIX systems")
pytestmark = posix


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is."""
    return tmp_path / "log"


def texts(path: Path, count: int) -> list[str]:
    """Return what is in the file and in its *count* predecessors, newest first; a missing one is "-"."""
    names = [path, *(Path(f"{path}.{number}") for number in range(1, count + 1))]
    return [name.read_text() if name.exists() else "-" for name in names]


# --- rotation ---


def test_a_full_file_gives_way_to_a_new_one(path: Path) -> None:
    """No file grows over the limit, and the number of old ones is limited too."""
    sink = FileSink(path, max_bytes=8, keep=2)
    for word in ("one\n", "two\n", "three\n", "four\n", "five\n", "six\n"):
        sink.emit(word.encode())
    assert texts(path, 3) == ["six\n", "five\n", "four\n", "-"]


def test_a_line_larger_than_the_limit_has_a_file_of_its_own(path: Path) -> None:
    """A line is never cut, and an empty file is never turned over."""
    sink = FileSink(path, max_bytes=4)
    for word in (b"much too long\n", b"no\n"):
        sink.emit(word)
    assert texts(path, 2) == ["no\n", "much too long\n", "-"]


@pytest.mark.parametrize(("every", "seconds"), [(60, 60), ("day", 86_400)])
def test_an_old_file_gives_way_to_a_new_one(path: Path, every: float | str, seconds: int) -> None:
    """Files change at full minutes or days, also while nothing is logged."""
    clock = FakeClock(start=86_400 * 19_000)
    sink = FileSink(path, every=every, clock=clock)
    sink.emit(b"first\n")
    clock.advance(seconds - 1)
    sink.emit(b"still\n")
    clock.advance(1)
    sink.emit(b"second\n")
    clock.advance(seconds * 10)
    sink.emit(b"third\n")
    assert texts(path, 3) == ["third\n", "second\n", "first\nstill\n", "-"]


def test_a_file_of_yesterday_is_turned_over_at_the_first_line(path: Path) -> None:
    """A program that starts every morning has a file a day."""
    path.write_text("old\n")
    os.utime(path, (86_400 * 19_000, 86_400 * 19_000))
    FileSink(path, every="day", clock=FakeClock(start=86_400 * 19_001)).emit(b"new\n")
    assert texts(path, 1) == ["new\n", "old\n"]


@settings(max_examples=30)
@given(st.lists(st.integers(1, 60), max_size=20), st.integers(1, 100))
def test_rotation_loses_nothing(lengths: list[int], limit: int) -> None:
    """Whatever the lines are, all are there, in order, in files within the limit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        sink = FileSink(path, max_bytes=limit, keep=100)
        lines = [b"x" * (length - 1) + b"\n" for length in lengths]
        for line in lines:
            sink.emit(line)
        sink.close()
        files = [Path(f"{path}.{number}") for number in range(100, 0, -1)] + [path]
        contents = [file.read_bytes() for file in files if file.exists()]
    assert b"".join(contents) == b"".join(lines)
    assert all(len(content) <= limit or content.count(b"\n") == 1 for content in contents)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_bytes": 0}, "max_bytes must be a whole number of at least 1, got 0"),
        ({"max_bytes": 1.5}, "max_bytes must be"),
        ({"max_bytes": True}, "max_bytes must be"),
        ({"every": 0.5}, 'every must be "day" or at least 1 second, got 0.5'),
        ({"every": "hour"}, "every must be"),
        ({"every": True}, "every must be"),
        ({"every": float("nan")}, "every must be"),
        ({"every": float("inf")}, "every must be"),
        ({"keep": 0}, "keep must be a whole number"),
    ],
)
def test_a_wrong_setting_is_a_clear_error(path: Path, settings: dict[str, Any], message: str) -> None:
    """It is refused before the file is made."""
    with pytest.raises(ConfigError, match=message):
        FileSink(path, **settings)
    assert not path.exists()


# --- somebody else changes the file ---


def other_file(path: Path, how: str) -> None:
    """Do to the file at *path* what a rotation program or a person does."""
    if how == "rename":
        path.rename(f"{path}.old")
    elif how == "replace":
        path.rename(f"{path}.old")
        path.write_text("fresh\n")
    elif how == "unlink":
        path.unlink()
    else:
        os.truncate(path, 0)


@pytest.mark.parametrize("how", ["rename", "replace", "unlink", "truncate"])
def test_a_file_that_somebody_moved_is_opened_anew(path: Path, how: str) -> None:
    """Within a second lines are where people look for them."""
    clock = FakeClock()
    sink = FileSink(path, clock=clock)
    sink.emit(b"before\n")
    other_file(path, how)
    clock.advance(1)
    sink.emit(b"after\n")
    assert path.read_text() == ("fresh\n" if how == "replace" else "") + "after\n"


@pytest.mark.parametrize("obstacle", ["link", "folder", "gone"])
def test_a_file_that_cannot_be_opened_anew_is_kept(tmp_path: Path, obstacle: str) -> None:
    """Lines go on to the file that is open; nobody is led to another one by a link."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path, clock = folder / "log", FakeClock()
    sink = FileSink(path, clock=clock)
    kept = tmp_path / "kept"
    path.rename(kept)
    if obstacle == "link":
        path.symlink_to(tmp_path / "victim")
    elif obstacle == "folder":
        path.mkdir()
    else:
        folder.rmdir()
    clock.advance(1)
    sink.emit(b"one\n")
    assert kept.read_bytes() == b"one\n"
    assert not (tmp_path / "victim").exists()


def test_no_room_for_one_more_descriptor_keeps_the_file(path: Path, tmp_path: Path) -> None:
    """With too many open files neither rotation nor reopening loses a line."""
    clock = FakeClock()
    sink = FileSink(path, max_bytes=4, clock=clock)
    sink.emit(b"one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        sink.emit(b"two\n")
        sink.emit(b"three\n")  # not tried again at once
        clock.advance(1)
        path.rename(tmp_path / "moved")
        sink.emit(b"four\n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    clock.advance(1)
    sink.emit(b"five\n")
    assert (tmp_path / "moved").read_text() == "one\ntwo\nthree\nfour\n"
    assert path.read_text() == "five\n"


def test_a_new_file_that_cannot_be_made_is_tried_again_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the renaming and the opening the descriptors may run out; the old file takes the lines."""
    clock = FakeClock()
    sink = FileSink(path, max_bytes=4, clock=clock)
    sink.emit(b"one\n")
    with monkeypatch.context() as patch:
        patch.setattr("obskit.sinks._files.OpenFile", _no_more_files)
        sink.emit(b"two\n")
    sink.emit(b"three\n")
    clock.advance(1)
    sink.emit(b"four\n")
    assert texts(path, 1) == ["four\n", "one\ntwo\nthree\n"]


def _no_more_files(path: Path) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_rotation_that_another_process_holds_up_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stopped in the middle of a rotation holds up nobody's lines."""
    monkeypatch.setattr(_rotation, "_MAX_LOOKS", 10)
    clock = FakeClock()
    sink = FileSink(path, max_bytes=4, clock=clock)
    sink.emit(b"one\n")
    with Path(f"{path}.lock").open("w") as other:
        assert try_lock_file(other.fileno())
        sink.emit(b"two\n")
        assert path.read_text() == "one\ntwo\n"
    clock.advance(1)
    sink.emit(b"three\n")
    assert texts(path, 1) == ["three\n", "one\ntwo\n"]


def test_a_descriptor_that_the_program_closed_is_replaced(path: Path) -> None:
    """A daemon closes everything that is open; its log goes on, and no other file gets lines."""
    clock = FakeClock()
    sink = FileSink(path, clock=clock)
    sink.emit(b"one\n")
    assert sink._file is not None
    os.close(sink._file.fd)
    with pytest.raises(SinkError, match="EBADF"):
        sink.emit(b"lost\n")
    sink.emit(b"two\n")
    assert path.read_text() == "one\ntwo\n"


def test_a_descriptor_that_is_another_files_is_never_written_to(path: Path, tmp_path: Path) -> None:
    """Not even where the log cannot be opened anew."""
    clock = FakeClock()
    sink = FileSink(path, clock=clock)
    assert sink._file is not None
    with (tmp_path / "victim").open("w") as victim:
        os.dup2(victim.fileno(), sink._file.fd)
    path.unlink()
    path.mkdir()
    clock.advance(1)
    with pytest.raises(SinkError, match="EBADF"):
        sink.emit(b"one\n")
    path.rmdir()
    number = sink._file.fd
    sink.emit(b"two\n")
    os.close(number)
    assert path.read_text() == "two\n"
    assert (tmp_path / "victim").read_text() == ""


def test_a_file_that_another_process_turned_over_is_only_opened_anew(path: Path) -> None:
    """Two sinks find the file full; the second does not turn over the new one."""
    first, second = (FileSink(path, max_bytes=8) for _ in range(2))
    first.emit(b"one\n")
    second.emit(b"two\n")
    first.emit(b"three\n")
    second.emit(b"4\n")
    assert texts(path, 2) == ["three\n4\n", "one\ntwo\n", "-"]


def test_closing_leaves_a_descriptor_alone_that_is_another_files(path: Path, tmp_path: Path) -> None:
    """The program closed it before, and uses its number."""
    sink = FileSink(path)
    assert sink._file is not None
    number = sink._file.fd
    with (tmp_path / "other").open("w") as other:
        os.dup2(other.fileno(), number)
    sink.close()
    os.write(number, b"still open")
    os.close(number)


def test_a_closed_file_stays_closed_in_a_child(path: Path) -> None:
    """A fork does not bring it back."""
    sink = FileSink(path)
    sink.close()
    sink.start_anew()
    with pytest.raises(SinkError, match="closed"):
        sink.emit(b"late\n")


# --- half lines ---


def test_a_half_line_of_a_killed_process_is_ended(path: Path) -> None:
    """The first line of the next process does not stick to it."""
    path.write_text('{"half": ')
    FileSink(path).emit(b"{}\n")
    assert path.read_text() == '{"half": \n{}\n'


def test_a_half_line_that_cannot_be_ended_is_an_error(path: Path) -> None:
    """A full disk has no room for the line feed either."""
    path.write_text("half")
    assert on_a_full_disk(path, "room(4)\nemit(b'one\\n')\n") == ["EFBIG"]


def test_a_line_that_another_process_is_writing_is_no_half_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is done the line is there."""
    path.write_text("begin")

    def somebody_writes(fd: int) -> None:
        with path.open("a") as file:
            file.write(" end\n")

    monkeypatch.setattr(_rotation, "await_writers", somebody_writes)
    FileSink(path).emit(b"next\n")
    assert path.read_text() == "begin end\nnext\n"


FULL_DISK = """
import os, resource, sys
from obskit.errors import SinkError
from obskit.sinks import FileSink

sys.dont_write_bytecode = True  # no module that is loaded meanwhile is to be cut off
path, = sys.argv[1:]
sink = FileSink(path{settings})
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

def emit(line):
    try:
        sink.emit(line)
    except SinkError as error:
        print(error)
"""


def on_a_full_disk(path: Path, program: str, settings: str = "") -> list[str]:
    """Run *program* where a limit of the file size plays the full disk; return the reasons it printed."""
    # What measures the program needs room as well when it ends.
    code = FULL_DISK.replace("{settings}", settings) + program + "room(hard)\n"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_line_that_the_disk_cut_is_completed_before_the_next(path: Path) -> None:
    """While the disk is full lines are refused; when there is room again the first half gets its second."""
    program = """
room(6)
emit(b"one\\n")
emit(b"two\\n")
emit(b"three\\n")
room(1000)
emit(b"four\\n")
sink.close()
print(sink.stats()["dropped"])
"""
    assert on_a_full_disk(path, program) == ["EFBIG", "0.0"]
    assert path.read_text() == "one\ntwo\nfour\n"


def test_a_cut_line_is_given_up_when_others_wrote_behind_it(path: Path) -> None:
    """Its end would stand in the middle of the file; it is counted as lost."""
    program = """
room(6)
emit(b"one\\n")
emit(b"two\\n")
room(1000)
with open(path, "a") as other:
    other.write("\\nother\\n")
emit(b"three\\n")
print(sink.stats()["dropped_torn"])
"""
    assert on_a_full_disk(path, program) == ["1.0"]
    assert path.read_text() == "one\ntw\nother\nthree\n"


def test_the_half_line_of_another_process_is_ended_after_a_full_disk(path: Path) -> None:
    """Who was refused looks how the file ends before the next line."""
    program = """
emit(b"one\\n")
with open(path, "a") as other:
    other.write("hal")
room(7)
emit(b"two\\n")
emit(b"three\\n")
room(1000)
emit(b"four\\n")
"""
    assert on_a_full_disk(path, program) == ["EFBIG", "EFBIG"]
    assert path.read_text() == "one\nhal\nfour\n"


def test_a_disk_that_stays_full_is_an_error_and_a_count(path: Path) -> None:
    """What was begun and can never be completed is counted when the sink is closed."""
    program = """
room(6)
emit(b"one\\n")
emit(b"two\\n")
sink.close()
print(sink.stats()["dropped_unfinished"])
"""
    assert on_a_full_disk(path, program) == ["1.0"]


def test_a_cut_line_ends_in_the_file_that_it_was_begun_in(path: Path) -> None:
    """A rotation waits until the line is whole."""
    program = """
room(6)
emit(b"one\\n")
emit(b"two\\n")
emit(b"three\\n")
room(1000)
emit(b"four\\n")
emit(b"five\\n")
"""
    assert on_a_full_disk(path, program, ", max_bytes=8") == ["EFBIG"]
    assert texts(path, 1) == ["five\n", "one\ntwo\nfour\n"]


# --- several processes ---

WRITER = """
import sys
from obskit.sinks import FileSink

path, name = sys.argv[1:]
sink = FileSink(path, max_bytes=50_000, keep=1000)
for number in range(500):
    sink.emit(b"%s-%d " % (name.encode(), number) + b"x" * (number % 37) * 100 + b"\\n")
"""


@pytest.mark.slow
def test_several_processes_share_a_file_and_its_rotation(path: Path) -> None:
    """Every line of every process is in one of the files, whole."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abcd"]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    files = [file for file in path.parent.iterdir() if file.name != "log.lock"]
    lines = [line.split()[0] for file in files for line in file.read_bytes().splitlines()]
    assert sorted(lines) == sorted(b"%c-%d" % (name, number) for name in b"abcd" for number in range(500))
    assert len(files) > 10  # 72 where nobody waits for the lock in vain: then a file grows on


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_file_keeps_the_rules_of_a_sink(path: Path) -> None:
    """Also while it is turned over all the time."""

    def received() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name != "log.lock")

    check_sink(lambda: FileSink(path, max_bytes=100_000, keep=1000), received=received)
