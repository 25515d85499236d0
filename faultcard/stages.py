"""
Where the stdout of a process leads: a file, a full disk, a pipe with a reader of some kind.

A stage is opened before the process starts, begins when it has started, and tells
what arrived when it has ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: Longest wait for a reader after its process is gone.
_PATIENCE: Final = 8.0
#: Seconds for which a stopped reader reads nothing.
STOPPED: Final = 3.5


@dataclass(slots=True)
class Opened:
    """A stage that waits for its process."""

    stdout: int | None  #: descriptor for the process; None gives it no stdout at all
    begin: Callable[[], None]
    finish: Callable[[], bytes]


#: Opens a stage; the folder is there for files.
Stage = Callable[[Path], Opened]
#: Reads a pipe to its end at a pace of its own.
Reader = Callable[[int], Iterator[bytes]]


def file(folder: Path) -> Opened:
    """A file that is only appended to."""
    path = folder / "stdout"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return Opened(descriptor, lambda: os.close(descriptor), path.read_bytes)


def full_disk(folder: Path) -> Opened:
    """A disk without space."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    return Opened(descriptor, lambda: os.close(descriptor), lambda: b"")


def nowhere(folder: Path) -> Opened:
    """No stdout at all: the descriptor is closed when the program starts."""
    return Opened(None, lambda: None, lambda: b"")


def broken_pipe(folder: Path) -> Opened:
    """A pipe whose reader is gone."""
    source, target = os.pipe()
    os.close(source)
    return Opened(target, lambda: os.close(target), lambda: b"")


def terminal_gone(folder: Path) -> Opened:
    """A terminal that was hung up."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.close(ours)
    return Opened(theirs, lambda: os.close(theirs), lambda: b"")


def pipe(read: Reader, *, blocking: bool = True) -> Stage:
    """Make a stage of a pipe that *read* reads."""

    def open_stage(folder: Path) -> Opened:
        source, target = os.pipe()
        os.set_blocking(target, blocking)
        return _read_by(read, source, target)

    return open_stage


def socket_pair(read: Reader) -> Stage:
    """Make a stage of a non-blocking socket that *read* reads."""

    def open_stage(folder: Path) -> Opened:
        source, target = socket.socketpair()
        target.setblocking(False)
        return _read_by(read, source.detach(), target.detach())

    return open_stage


def stopped_reader(folder: Path) -> Opened:
    """A pipe whose reader is a process that is stopped, and goes on after three and a half seconds."""
    source, target = os.pipe()
    path = folder / "stdout"
    with path.open("wb") as kept:
        reader = subprocess.Popen(["cat"], stdin=source, stdout=kept)
    os.close(source)
    reader.send_signal(signal.SIGSTOP)
    go_on = threading.Timer(STOPPED, reader.send_signal, [signal.SIGCONT])

    def begin() -> None:
        os.close(target)
        go_on.start()

    def finish() -> bytes:
        go_on.cancel()
        reader.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            reader.wait(_PATIENCE)
        reader.kill()
        reader.wait()
        return path.read_bytes()

    return Opened(target, begin, finish)


def prompt(source: int) -> Iterator[bytes]:
    """Read as fast as it comes."""
    while more := os.read(source, 1 << 16):
        yield more


def slow(source: int) -> Iterator[bytes]:
    """Read about two megabytes a second."""
    while more := os.read(source, 4096):
        yield more
        time.sleep(0.002)


def late(seconds: float) -> Reader:
    """Make a reader that begins after *seconds*."""

    def read(source: int) -> Iterator[bytes]:
        time.sleep(seconds)
        yield from prompt(source)

    return read


def _read_by(read: Reader, source: int, target: int) -> Opened:
    arrived = bytearray()

    def collect() -> None:
        for more in read(source):
            arrived.extend(more)
        os.close(source)

    reader: Any = threading.Thread(target=collect, daemon=True)

    def begin() -> None:
        os.close(target)
        reader.start()

    def finish() -> bytes:
        reader.join(_PATIENCE)
        return bytes(arrived)

    return Opened(target, begin, finish)
