"""One process that makes hostile calls, one after the other, and reports where each one's output begins."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path

from faultcard.calls import CALLS
from faultcard.calls.model import Call
from faultcard.children import Reporter, end_with_parent
from faultcard.contenders import BY_NAME, Log, clear


def main(descriptor: int, contender: str, names: list[str]) -> None:
    """Make the calls called *names*; the parent ends the process where one of them hangs."""
    end_with_parent()
    report = Reporter(descriptor)
    log = BY_NAME[contender].set_up()
    log.info("warm")
    report(offset=_written())
    for name in names:
        _make(CALLS[name], log, report)
        clear(log)


def _make(call: Call, log: Log, report: Reporter) -> None:
    peak = _peak_memory() if call.memory else 0
    began, raised = time.monotonic(), ""
    try:
        call.run(log)
    except BaseException as error:  # whatever it is, it has reached the application
        raised = type(error).__name__
        if type(error) is AssertionError:
            raised = f"AssertionError: {error}"
    seconds = time.monotonic() - began
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    memory = _peak_memory() - peak if call.memory else 0
    report(end=call.name, raised=raised, seconds=seconds, memory=memory, offset=_written())


def _written() -> int:
    """Tell how many bytes this process has written to its stdout, which is a file."""
    return os.fstat(1).st_size


def _peak_memory() -> int:
    """Return the peak of the memory in use since the last time this was asked; Linux alone can tell."""
    status = Path("/proc/self/status").read_text()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3].split(","))
