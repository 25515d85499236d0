"""Stdout that is gone, full, closed, replaced, slow or shared."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, cast

from faultcard.faults.model import Faults, Run
from faultcard.stages import (
    STOPPED,
    broken_pipe,
    full_disk,
    nowhere,
    pipe,
    slow,
    socket_pair,
    stopped_reader,
    terminal_gone,
)

FAULTS = Faults()
fault = FAULTS.fault


@fault(broken_pipe)
def reader_gone(run: Run) -> None:
    """The reader of the pipe is gone; 20 lines."""
    run.lines(20)


@fault(full_disk)
def disk_full(run: Run) -> None:
    """The disk is full; 20 lines."""
    run.lines(20)


@fault(full_disk)
def disk_full_and_stderr_too(run: Run) -> None:
    """Stdout and stderr are both on a full disk; 20 lines."""
    os.dup2(1, 2)
    run.lines(20)


@fault(full_disk)
def disk_full_and_stderr_closed(run: Run) -> None:
    """The disk is full and there is no stderr; 20 lines."""
    sys.stderr.close()
    sys.stderr = None
    run.lines(20)


@fault(terminal_gone)
def terminal_hung_up(run: Run) -> None:
    """The terminal was hung up; 20 lines."""
    run.lines(20)


@fault(nowhere)
def no_stdout_at_start(run: Run) -> None:
    """The program was started without a stdout, as by a service manager; 20 lines."""
    run.lines(20)


@fault()
def stdout_none_later(run: Run) -> None:
    """`sys.stdout` becomes None while the program runs."""
    run.lines(10)
    sys.stdout = None
    run.lines(10)


@fault()
def descriptor_closed(run: Run) -> None:
    """The program closes descriptor 1; 20 lines after that."""
    run.lines(5)
    os.close(1)
    run.lines(20)


@fault()
def descriptor_recycled(run: Run) -> None:
    """The program closes descriptor 1 and opens a file of its own, which must stay clean; 20 lines."""
    run.lines(5)
    os.close(1)
    os.open(run.folder / "foreign", os.O_WRONLY | os.O_CREAT, 0o600)
    run.lines(20)


@fault()
def descriptor_redirected(run: Run) -> None:
    """Descriptor 1 is pointed at another file by `dup2`, as a daemon does; the lines go there."""
    run.lines(10)
    target = os.open(run.folder / "more-redirected", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    run.lines(10)


@fault()
def stdout_object_closed(run: Run) -> None:
    """`sys.stdout.close()`; 20 lines after that."""
    run.lines(5)
    sys.stdout.close()
    run.lines(20)


@fault()
def stdout_object_detached(run: Run) -> None:
    """`sys.stdout.detach()`, after which the object is of no use; 20 lines."""
    run.lines(5)
    inside = cast("io.TextIOWrapper", sys.stdout).detach()
    run.lines(20)
    sys.stdout = sys.__stdout__ = None  # type: ignore[misc]
    inside.flush()


@fault()
def stdout_swapped(run: Run) -> None:
    """`redirect_stdout` for a while; each line arrives once, here or there."""
    captured = io.StringIO()
    run.lines(10)
    with contextlib.redirect_stdout(captured):
        run.lines(10)
    run.lines(10)
    (run.folder / "more-swapped").write_text(captured.getvalue(), "utf-8")


@fault()
def stdout_swapped_for_bytes(run: Run) -> None:
    """`sys.stdout` is replaced by a stream that takes bytes only."""
    captured = io.BytesIO()
    run.lines(10)
    sys.stdout = captured
    run.lines(10)
    sys.stdout = sys.__stdout__
    (run.folder / "more-swapped").write_bytes(captured.getvalue())


@fault()
def stdout_swapped_for_closed(run: Run) -> None:
    """`sys.stdout` is replaced by a stream that is closed already."""
    run.lines(10)
    sys.stdout = io.StringIO()
    sys.stdout.close()
    run.lines(10)


@fault()
def stdout_swapped_for_broken(run: Run) -> None:
    """`sys.stdout` is replaced by an object whose every method raises."""

    class Broken:
        def write(self, text: Any) -> Any:
            raise RuntimeError("no window to write to")

        flush = fileno = write

    run.lines(10)
    sys.stdout = Broken()
    run.lines(10)
    sys.stdout = sys.__stdout__


@fault(pipe(slow, blocking=False))
def slow_reader_of_nonblocking_pipe(run: Run) -> None:
    """The pipe does not block and its reader is slow; 300 lines of 3 kB."""
    run.lines(300, 3_000)


@fault(pipe(slow, blocking=False), environment={"PYTHONUNBUFFERED": "1"})
def slow_reader_of_nonblocking_pipe_unbuffered(run: Run) -> None:
    """The same with `PYTHONUNBUFFERED=1`, which is usual in containers."""
    run.lines(300, 3_000)


@fault(pipe(slow, blocking=False))
def slow_reader_of_nonblocking_pipe_long_lines(run: Run) -> None:
    """The pipe does not block and its reader is slow; 20 lines of 150 kB, more than a pipe holds."""
    run.lines(20, 150_000)


@fault(socket_pair(slow))
def slow_reader_of_nonblocking_socket(run: Run) -> None:
    """Stdout is a socket that does not block, with a slow reader; 300 lines of 3 kB."""
    run.lines(300, 3_000)


@fault(pipe(slow))
def slow_reader_of_blocking_pipe(run: Run) -> None:
    """An ordinary pipe with a slow reader; 100 lines of 20 kB."""
    run.lines(100, 20_000)


@fault(stopped_reader)
def reader_stopped(run: Run) -> None:
    """The reader of an ordinary pipe is stopped for 3.5 seconds; no call may take two."""
    run.lines(60, 3_000)
    _wait_for_the_reader(run)


@fault(stopped_reader)
def reader_stopped_long_lines(run: Run) -> None:
    """The same with lines of 20 kB, which a pipe takes in parts."""
    run.lines(15, 20_000)
    _wait_for_the_reader(run)


@fault(stopped_reader, torn=True)
def reader_stopped_until_after_the_end(run: Run) -> None:
    """The same, and the program ends before the reader goes on: one last line may be cut off, if counted."""
    run.lines(5, 20_000)


def _wait_for_the_reader(run: Run) -> None:
    """Log again when the reader has come back."""
    left = STOPPED - (time.monotonic() - run.began) + 1.0
    time.sleep(max(0.0, left))
    run.lines(5)


@fault(pipe(slow))
def interrupted_writes(run: Run) -> None:
    """A signal every millisecond while 60 lines of 20 kB go to a slow reader."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    run.lines(60, 20_000)
    signal.setitimer(signal.ITIMER_REAL, 0)


@fault()
def file_size_limit(run: Run) -> None:
    """The file reaches its size limit, and later the limit is raised."""
    import resource

    sys.dont_write_bytecode = True  # no module that is loaded meanwhile is to be cut off
    resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, resource.RLIM_INFINITY))
    run.lines(40, 3_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    run.lines(5)


@fault()
def file_deleted(run: Run) -> None:
    """The file behind stdout is renamed, as log rotation does; the lines go on into it."""
    run.lines(10)
    Path(run.folder / "stdout").rename(run.folder / "more-rotated")
    (run.folder / "stdout").touch()
    run.lines(10)
