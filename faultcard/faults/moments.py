"""Code that interrupts a log call, in signal handlers, finalisers and tracers, and logs or raises there."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from faultcard.faults.model import Faults, Run
from faultcard.stages import late, pipe

FAULTS = Faults()
fault = FAULTS.fault


class Interruption(BaseException):
    """What a program raises to leave whatever it is doing, such as a time limit."""


#: Timers and the signals that they send.
_CLOCKS = {
    signal.ITIMER_REAL: signal.SIGALRM,
    signal.ITIMER_VIRTUAL: signal.SIGVTALRM,
    signal.ITIMER_PROF: signal.SIGPROF,
}


def _every(seconds: float, act: Callable[[], None], clock: int = signal.ITIMER_REAL) -> None:
    """
    Let a signal handler *act*, again and again, each time *seconds* after it is done.

    Not while it acts: where that takes longer than *seconds* it would interrupt itself
    again and again, up to the recursion limit.
    """

    def handle(*_: object) -> None:
        try:
            act()
        finally:
            signal.setitimer(clock, seconds)

    signal.signal(_CLOCKS[clock], handle)
    signal.setitimer(clock, seconds)


def _stop(*clocks: int) -> None:
    for clock in clocks or (signal.ITIMER_REAL,):
        signal.signal(_CLOCKS[clock], signal.SIG_IGN)


@fault()
def signal_handler_logs(run: Run) -> None:
    """A signal handler logs every 20 ms while the program logs all the time, for a second."""
    _log_under_signals(run, 0.02)


@fault()
def signal_handler_logs_often(run: Run) -> None:
    """The same every 2 ms."""
    _log_under_signals(run, 0.002)


@fault()
def signal_handlers_log_inside_each_other(run: Run) -> None:
    """Handlers of three signals log, each of which can interrupt the others, every 2 ms."""
    for clock in _CLOCKS:
        _every(0.002, run.line, clock)
    last = time.monotonic() + 1.0
    while time.monotonic() < last:
        run.line()
    _stop(*_CLOCKS)


def _log_under_signals(run: Run, seconds: float) -> None:
    _every(seconds, run.line)
    last = time.monotonic() + 1.0
    while time.monotonic() < last:
        run.line()
    _stop()


@fault(pipe(late(1.0)))
def signal_handler_logs_while_the_pipe_is_full(run: Run) -> None:
    """A signal handler logs every 50 ms while the program waits for a reader that is late."""
    _every(0.05, run.line)
    run.lines(8, 20_000)
    _stop()
    time.sleep(1.0)
    run.lines(5)


@fault()
def signal_handler_raises(run: Run) -> None:
    """A time limit strikes every 3 ms, anywhere in a log call, for a second; each reaches the program."""
    struck = caught = 0
    armed = False

    def strike() -> None:
        nonlocal struck, armed
        if armed:
            struck, armed = struck + 1, False
            raise Interruption

    _every(0.003, strike)
    last = time.monotonic() + 1.0
    while time.monotonic() < last:
        try:
            while time.monotonic() < last:
                armed = True
                run.line()
            armed = False
        except Interruption:
            caught += 1
    _stop()
    run.report(swallowed=struck - caught)
    run.lines(10)


@fault()
def signal_handler_exits(run: Run) -> None:
    """SIGTERM strikes 20 processes in the middle of logging; its handler calls `sys.exit(7)` and they end."""
    # What is loaded for the first line and the first count would take most of their time, and Python
    # itself swallows what strikes it in a weakref callback of its imports.
    run.line()
    run.forked()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
            try:
                run.forked()
                while True:
                    run.line()
            finally:
                run.end()
                os._exit(7)
        time.sleep(0.01)
        os.kill(child, signal.SIGTERM)
        last = time.monotonic() + 2.0  # a child that swallowed it goes on for ever
        while not (ended := os.waitpid(child, os.WNOHANG)[0]) and time.monotonic() < last:
            time.sleep(0.001)
        run.report(swallowed=int(not ended))
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break


@fault()
def tracer_raises(run: Run) -> None:
    """An exception at every one of 300 places inside a log call, one call each; the next line is as ever."""
    for place in range(1, 300):
        left = place

        def trace(frame: Any, event: str, argument: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise Interruption
            return trace

        try:
            sys.settrace(trace)
            run.log.info("struck", place=place)
        except Interruption:
            pass
        finally:
            sys.settrace(None)
        if place % 3 == 0:
            run.line()


@fault(pipe(late(1.0)))
def keyboard_interrupt_while_writing(run: Run) -> None:
    """Ctrl-C while a line of 20 kB waits in a full pipe; the lines after it are whole."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.4, os.kill, [os.getpid(), signal.SIGINT]).start()
    try:
        while True:
            run.line(20_000)
    except KeyboardInterrupt:
        time.sleep(1.0)
        run.lines(5)


@fault()
def finaliser_logs(run: Run) -> None:
    """Garbage collection anywhere in a log call runs a `__del__` that logs; 200 times."""

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            run.line()

    _collect_all_the_time(run, Cycle)


@fault()
def weak_reference_logs(run: Run) -> None:
    """Garbage collection anywhere in a log call runs a weakref callback that logs; 200 times."""

    class Cycle:
        def __init__(self) -> None:
            self.me = self

    references = []

    def make() -> None:
        references.append(weakref.ref(Cycle(), lambda _: run.line()))

    _collect_all_the_time(run, make)


def _collect_all_the_time(run: Run, make: Callable[[], object]) -> None:
    before = gc.get_threshold()
    gc.collect()
    for number in range(200):
        gc.set_threshold(10_000)
        make()
        gc.set_threshold(1 + number % 40)
        run.line()
        gc.set_threshold(10_000)
    gc.set_threshold(*before)
    gc.collect()


@fault()
def finaliser_logs_while_writing(run: Run) -> None:
    """A `__del__` logs from inside the write of stdout itself, an object that drops its last reference."""

    class Dropped:
        def __del__(self) -> None:
            run.line()

    held: list[Dropped] = []

    class Dropping:
        """Writes to the real stdout and lets go of an object meanwhile."""

        def __init__(self, inside: Any) -> None:
            self._inside = inside
            self.flush = inside.flush

        @property
        def buffer(self) -> Any:
            return Dropping(self._inside.buffer)

        def write(self, data: Any) -> Any:
            held.clear()
            return self._inside.write(data)

    sys.stdout = Dropping(sys.stdout)
    run.log = run.contender.set_up()
    for _ in range(20):
        held.append(Dropped())
        run.line()
    sys.stdout = sys.__stdout__


@fault()
def process_frozen(run: Run) -> None:
    """The process is stopped and goes on five times, as on AWS Lambda, while it logs."""
    helper = os.fork()
    if helper == 0:
        parent = os.getppid()
        for _ in range(5):
            time.sleep(0.05)
            os.kill(parent, signal.SIGSTOP)
            time.sleep(0.1)
            os.kill(parent, signal.SIGCONT)
        os._exit(0)
    while not os.waitpid(helper, os.WNOHANG)[0]:
        run.line()
        time.sleep(0.002)
