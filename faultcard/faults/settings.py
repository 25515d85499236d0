"""Encodings, limits and surroundings that a program does not choose."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from pathlib import Path

from faultcard.faults.model import Faults, Run

FAULTS = Faults()
fault = FAULTS.fault

_WORDS = "na\u00efve \u2603 \U0001f600 \u65e5\u672c"


@fault(environment={"PYTHONIOENCODING": "ascii:strict"})
def ascii_only(run: Run) -> None:
    """The encoding of stdout is ASCII; lines with words of many languages."""
    for _ in range(10):
        run.line(words=_WORDS)


@fault(environment={"PYTHONIOENCODING": "cp1252:strict"})
def windows_encoding(run: Run) -> None:
    """The encoding of stdout is Windows-1252; lines with words of many languages."""
    for _ in range(10):
        run.line(words=_WORDS)


@fault(environment={"PYTHONIOENCODING": "utf-16"})
def two_byte_encoding(run: Run) -> None:
    """The encoding of stdout is UTF-16, which a reader of lines cannot follow."""
    for _ in range(10):
        run.line(words=_WORDS)


@fault(environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
def no_locale(run: Run) -> None:
    """No locale at all, as in a minimal container."""
    for _ in range(10):
        run.line(words=_WORDS)


@fault(environment={"PYTHONOPTIMIZE": "2"})
def without_asserts_and_docstrings(run: Run) -> None:
    """Python runs with `-OO`."""
    run.lines(10)
    run.failure()


@fault(environment={"PYTHONWARNINGS": "error"})
def warnings_are_errors(run: Run) -> None:
    """Every warning is an error."""
    run.lines(10)
    run.failure()


@fault()
def no_descriptors_left(run: Run) -> None:
    """No file can be opened any more; lines and an exception."""
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        run.lines(10)
        run.failure()
    for descriptor in held:
        os.close(descriptor)


@fault()
def no_memory_left(run: Run) -> None:
    """A field of 60 MB in a process that may take 100 MB; lines after that are as ever."""
    import resource

    size = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert size is not None
    limit = int(size[1]) * 1024 + 100_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    run.line(large="x" * 60_000_000)
    run.lines(5)


@fault()
def no_threads_left(run: Run) -> None:
    """No thread can be started any more."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    threading.Thread.start = refuse  # type: ignore[method-assign]
    run.lines(10)


@fault()
def working_directory_gone(run: Run) -> None:
    """The working directory was removed; lines and an exception."""
    gone = tempfile.mkdtemp(dir=run.folder)
    os.chdir(gone)
    Path(gone).rmdir()
    run.lines(10)
    run.failure()


@fault()
def digits_limited(run: Run) -> None:
    """The program lowered the number of digits that Python converts; a line with a larger number."""
    sys.set_int_max_str_digits(640)
    run.line(large=10**1000)
    run.lines(5)


@fault()
def near_the_recursion_limit(run: Run) -> None:
    """Lines from every depth between 250 and 60 frames before the recursion limit."""

    def depth() -> int:
        frame, count = sys._getframe(), 0
        while frame.f_back is not None:
            frame, count = frame.f_back, count + 1
        return count

    def down(left: int) -> None:
        if left:
            down(left - 1)
        else:
            number = run.number()
            outcome.append((number, _attempt(run, number)))

    outcome: list[tuple[str, str]] = []
    for left in range(250, 60, -5):
        down(sys.getrecursionlimit() - depth() - left)
    for number, error in outcome:
        if error:
            run.report(raised=error, number=number)
        else:
            run.report(accepted=number, seconds=0)
    run.lines(5)


def _attempt(run: Run, number: str) -> str:
    try:
        run.keep(number)
    except RecursionError:
        return "RecursionError"
    return ""
