"""Processes that end, well or badly, while they log."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import time

from faultcard.faults.model import Faults, Run

FAULTS = Faults()
fault = FAULTS.fault


@fault(status=-signal.SIGKILL)
def killed(run: Run) -> None:
    """`kill -9` after 50 accepted lines; all 50 are there."""
    run.lines(50)
    os.kill(os.getpid(), signal.SIGKILL)


@fault(status=-signal.SIGTERM)
def terminated(run: Run) -> None:
    """SIGTERM, which nobody handles, after 50 accepted lines."""
    run.lines(50)
    os.kill(os.getpid(), signal.SIGTERM)


@fault(status=3)
def left_by_os_exit(run: Run) -> None:
    """`os._exit` after 50 accepted lines."""
    run.lines(50)
    os._exit(3)


@fault(status=1)
def uncaught_exception(run: Run) -> None:
    """An exception that nobody catches after 50 accepted lines."""
    run.lines(50)
    raise ValueError("on purpose")


@fault(status=-signal.SIGSEGV)
def crashed(run: Run) -> None:
    """A segmentation fault after 50 accepted lines."""
    run.lines(50)
    os.kill(os.getpid(), signal.SIGSEGV)


@fault()
def exit_handler_logs(run: Run) -> None:
    """A function registered with `atexit` logs."""
    atexit.register(run.keep, run.promise())


class _LogsAtTheEnd:
    """Logs when it is finalised, at the very end of the interpreter."""

    def __init__(self, run: Run) -> None:
        self._number, self._keep = run.promise(), run.keep

    def __del__(self) -> None:
        self._keep(self._number)


@fault()
def finaliser_at_the_end_logs(run: Run) -> None:
    """An object that lives until the interpreter ends logs in its `__del__`."""
    sys.modules["__main__"].kept_to_the_end = _LogsAtTheEnd(run)  # type: ignore[attr-defined]


@fault()
def finaliser_of_a_cycle_at_the_end_logs(run: Run) -> None:
    """The same for an object in a cycle, which the last garbage collection finds."""
    gc.disable()
    kept = _LogsAtTheEnd(run)
    kept.me = kept  # type: ignore[attr-defined]


@fault()
def daemon_thread_logs_at_the_end(run: Run) -> None:
    """Four daemon threads log while the interpreter ends under them."""

    def work() -> None:
        while True:
            run.line()

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.3)


@fault()
def thread_outlives_the_main_thread(run: Run) -> None:
    """A thread goes on for 100 lines after the main thread has ended."""

    def work() -> None:
        for _ in range(100):
            run.line()
            time.sleep(0.002)

    threading.Thread(target=work).start()


@fault(status=5)
def exit_in_the_middle(run: Run) -> None:
    """`sys.exit(5)` from a thread's main program; the status stays 5."""
    run.lines(10)
    sys.exit(5)
