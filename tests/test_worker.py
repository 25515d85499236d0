"""The background thread processes what it is given, and never gets in anyone's way."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from obskit.clock import SYSTEM_CLOCK
from obskit.testing import FakeClock
from obskit.worker import Worker

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Box:
    """A process function that notes what it is given and does what it is told."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.answers: dict[str, list[float | BaseException | None]] = {}

    def __call__(self, item: str) -> float | None:
        self.seen.append(item)
        self.gate.wait(10)
        answers = self.answers.get(item)
        answer = answers.pop(0) if answers else None
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def box() -> Iterator[Box]:
    """What the worker calls."""
    box = Box()
    yield box
    box.gate.set()


def worker_of(
    process: Callable[[str], float | None], *, capacity: int = 10, clock: FakeClock | None = None
) -> Worker[str]:
    """A worker with a short name."""
    return Worker(process, capacity=capacity, clock=clock or SYSTEM_CLOCK, name="test-worker")


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait until *is_true*, which another thread makes so."""
    deadline = time.monotonic() + 5
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_processes_items_in_order_in_one_daemon_thread(box: Box) -> None:
    """Items come out as they went in; the thread cannot keep the process alive."""
    worker = worker_of(box)
    assert not [thread for thread in threading.enumerate() if thread.name == "test-worker"]
    assert all(worker.submit(item) for item in "abc")
    assert worker.flush(5)
    assert box.seen == ["a", "b", "c"]
    assert worker.pending == 0
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "test-worker"] == [True]
    assert worker.close(5) == []


def test_refuses_what_does_not_fit(box: Box) -> None:
    """A full queue says so at once instead of growing or blocking."""
    worker = worker_of(box, capacity=2)
    box.gate.clear()
    worker.submit("a")
    eventually(lambda: box.seen == ["a"])
    assert [worker.submit(item) for item in "bcd"] == [True, True, False]
    assert worker.pending == 3
    box.gate.set()
    assert worker.close(5) == []


def test_a_delayed_item_comes_back_when_its_time_has_come(box: Box) -> None:
    """A retry waits for the clock, others pass it, and it is pending all the time."""
    clock = FakeClock()
    worker = worker_of(box, clock=clock)
    box.answers["a"] = [60.0, None]
    worker.submit("a")
    worker.submit("b")
    eventually(lambda: box.seen == ["a", "b"])
    assert not worker.flush(0.05)
    assert worker.pending == 1
    clock.advance(59)
    assert not worker.flush(0.05)
    clock.advance(1)
    assert worker.flush(5)
    assert box.seen == ["a", "b", "a"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), MemoryError()])
def test_an_error_ends_the_item_and_not_the_thread(box: Box, error: BaseException) -> None:
    """Whatever processing raises, the next item is processed."""
    worker = worker_of(box)
    box.answers["a"] = [error]
    worker.submit("a")
    worker.submit("b")
    assert worker.flush(5)
    assert box.seen == ["a", "b"]


def test_close_returns_what_is_left(box: Box) -> None:
    """After the time is over the rest is handed back in order, and nothing more is taken."""
    worker = worker_of(box)
    box.gate.clear()
    for item in "abc":
        worker.submit(item)
    eventually(lambda: box.seen == ["a"])
    assert worker.close(0.05) == ["b", "c"]
    assert not worker.submit("d")
    box.gate.set()
    assert worker.flush(5)
    assert worker.close(5) == []
    assert box.seen == ["a"]


def test_close_ends_the_thread(box: Box) -> None:
    """Nothing runs on after the end."""
    worker = worker_of(box)
    worker.submit("a")
    worker.close(5)
    thread = worker._thread
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()


def test_flush_and_close_from_inside_do_not_wait_for_themselves() -> None:
    """A sink that flushes its own worker goes on at once."""
    said: list[object] = []

    def process(item: str) -> None:
        said.extend([worker.flush(60), worker.close(60)])

    worker = worker_of(process)
    worker.submit("a")
    eventually(lambda: len(said) == 2)
    assert said == [False, []]


def refuse(thread: threading.Thread) -> None:
    """Start no thread."""
    raise RuntimeError("can't create new thread at interpreter shutdown")


def test_a_thread_that_could_not_start_is_started_with_the_next_item(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the one that waits leaves no room for another."""
    worker = worker_of(box, capacity=1)
    with monkeypatch.context() as refusing:
        refusing.setattr(threading.Thread, "start", refuse)
        assert worker.submit("a")
    assert not worker.submit("b")
    eventually(lambda: box.seen == ["a"])


def test_works_in_the_caller_where_no_thread_can_start(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the interpreter shuts down, flush does the work, delays and re-entry included."""
    monkeypatch.setattr(threading.Thread, "start", refuse)
    worker = worker_of(box)
    box.answers["a"] = [0.05, None]
    assert worker.submit("a")
    assert worker.submit("b")
    assert box.seen == []
    assert worker.flush(5)
    assert box.seen == ["a", "b", "a"]
    box.answers["c"] = [60.0]
    worker.submit("c")
    assert not worker.flush(0.05)
    assert worker.close(0.0) == ["c"]


def test_a_killed_thread_is_replaced(box: Box) -> None:
    """An item is processed even if the thread before it is gone."""
    worker = worker_of(box)
    worker.submit("a")
    assert worker.flush(5)
    dead = threading.Thread(target=int)
    dead.start()
    dead.join()
    worker._thread = dead
    worker.submit("b")
    assert worker.flush(5)
    assert box.seen == ["a", "b"]


def test_many_threads_lose_nothing(box: Box) -> None:
    """Every accepted item is processed exactly once."""
    worker = worker_of(box, capacity=10_000)
    names = [[f"{number}-{index}" for index in range(200)] for number in range(8)]
    threads = [threading.Thread(target=lambda mine=mine: [worker.submit(n) for n in mine]) for mine in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worker.flush(10)
    assert sorted(box.seen) == sorted(name for mine in names for name in mine)


def test_a_worker_that_never_worked_can_be_collected(box: Box) -> None:
    """The registries for fork and exit hold nothing alive."""
    worker = worker_of(box)
    gone = weakref.ref(worker)
    del worker
    gc.collect()
    assert gone() is None


def in_child(check: Callable[[], bool]) -> bool:
    """Run *check* in a forked child; True if it came back true within five seconds."""
    pid = os.fork()
    if not pid:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_empty(box: Box) -> None:
    """The parent's items stay the parent's, and the child has a working worker."""
    worker = worker_of(box)
    box.gate.clear()
    for item in "abc":
        worker.submit(item)
    eventually(lambda: box.seen == ["a"])

    def check() -> bool:
        box.gate.set()
        box.seen.clear()
        return worker.pending == 0 and worker.submit("x") and worker.flush(5) and box.seen == ["x"]

    assert in_child(check)
    box.gate.set()
    assert worker.flush(5)
    assert box.seen == ["a", "b", "c"]


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_a_thread_holds_the_lock_does_not_hang_the_child(box: Box) -> None:
    """The child does not inherit a lock that nobody there will release."""
    worker = worker_of(box)
    with worker._changed:
        holder = threading.Thread(target=worker.flush, args=(5,))
        holder.start()
        assert in_child(lambda: worker.submit("x") and worker.flush(5))
    holder.join()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_inside_processing_leaves_no_second_worker() -> None:
    """The thread that goes on in the child is not the child's worker."""
    results: list[bool] = []

    def process(item: str) -> None:
        if item == "fork":
            results.append(in_child(lambda: worker._thread is None and worker.pending == 0))

    worker = worker_of(process)
    worker.submit("fork")
    assert worker.flush(15)
    assert results == [True]


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


PRELUDE = """
import atexit, sys, threading, time
from obskit import worker as module
from obskit.clock import SYSTEM_CLOCK
from obskit.worker import Worker, close_at_exit
"""


def test_an_exiting_process_finishes_its_work() -> None:
    """What is pending at exit is processed, with no traceback."""
    done = run(
        PRELUDE
        + """
def process(item):
    time.sleep(0.05)
    print(item, flush=True)

worker = Worker(process, capacity=9, clock=SYSTEM_CLOCK, name="w")
close_at_exit(worker)
close_at_exit(Worker(process, capacity=9, clock=SYSTEM_CLOCK, name="idle"))
for item in "abc":
    worker.submit(item)
"""
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == (["a", "b", "c"], "", 0)


def test_an_exiting_process_finishes_work_that_came_too_late_for_a_thread() -> None:
    """An item submitted by another exit hook is processed too."""
    done = run(
        PRELUDE
        + """
worker = Worker(lambda item: print(item, flush=True), capacity=9, clock=SYSTEM_CLOCK, name="w")
close_at_exit(worker)
atexit.register(worker.submit, "late")
"""
    )
    assert (done.stdout.split(), done.stderr, done.returncode) == (["late"], "", 0)


@pytest.mark.parametrize("early", [True, False])
def test_an_alert_from_an_exit_function_is_delivered(early: bool) -> None:
    """Also the first one of the process, whichever was there first, the function or the alerter."""
    register = "atexit.register(lambda: os.write(1, obskit.alert('error', 'ends').outcome.encode() + b' '))"
    done = run(
        f"""
import atexit, os, obskit
from obskit.alerts import Alerter

class Slow:
    def emit(self, delivery):
        os.write(1, b"delivered " + delivery.alert.message.encode() + b" ")
    def close(self):
        pass

{register if early else ""}
obskit.configure(alerter=Alerter([Slow()]))
{"" if early else register}
"""
    )
    assert (sorted(done.stdout.split()), done.stderr) == (["delivered", "ends", "queued"], "")


def test_an_alert_that_comes_after_the_end_says_so() -> None:
    """From an exit function that was there before obskit: nobody waits for it, so it is told as lost."""
    done = run(
        """
import atexit
atexit.register(lambda: print([obskit.alert("error", "too late").outcome for _ in range(2)]))
import obskit
from obskit.alerts import Alerter
from obskit.alerts.sinks import Memory
obskit.configure(alerter=Alerter([Memory()]))
"""
    )
    assert done.stdout == "['dropped', 'dropped']\n"
    assert done.stderr == (
        "obskit: an alert was dropped: the alerter is closed, which it is when the process ends\n"
    )


def test_an_exit_with_stuck_work_is_bounded() -> None:
    """A process ends although its sink hangs."""
    done = run(
        PRELUDE
        + """
module.EXIT_TIMEOUT = 0.2
worker = Worker(lambda item: time.sleep(60), capacity=9, clock=SYSTEM_CLOCK, name="w")
close_at_exit(worker)
worker.submit("stuck")
"""
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_importing_starts_nothing() -> None:
    """There is no thread before the first item."""
    done = run(
        PRELUDE
        + """
Worker(print, capacity=9, clock=SYSTEM_CLOCK, name="w")
print(threading.active_count())
"""
    )
    assert done.stdout.split() == ["1"]
