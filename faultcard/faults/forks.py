"""Several threads, several processes, and processes that are made at the wrong moment."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faultcard.contenders import BY_NAME
from faultcard.faults.model import NUMBER, OWNER, Faults, Run
from faultcard.stages import file, late, pipe, prompt, slow

FAULTS = Faults()
fault = FAULTS.fault


def _in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _fork(run: Run, work: Callable[[], None]) -> int:
    """Run *work* in a forked process."""
    child = os.fork()
    if child:
        return child
    run.forked()
    work()
    run.end()
    os._exit(0)


def _wait(run: Run, child: int, seconds: float = 3.0) -> None:
    """Wait for a forked process; one that does not end is reported and ended."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    run.report(hung="a forked process")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@fault(pipe(prompt))
def four_processes_on_one_pipe(run: Run) -> None:
    """Four processes write 50 lines of 20 kB each to one pipe."""
    children = [_fork(run, lambda: run.lines(50, 20_000)) for _ in range(4)]
    for child in children:
        _wait(run, child, 8.0)


@fault(pipe(slow, blocking=False))
def four_processes_on_one_nonblocking_pipe(run: Run) -> None:
    """Four processes write 20 lines of 20 kB each to one pipe that does not block."""
    children = [_fork(run, lambda: run.lines(20, 20_000)) for _ in range(4)]
    for child in children:
        _wait(run, child, 8.0)


@fault(file)
def four_processes_on_one_file(run: Run) -> None:
    """Four processes write 100 lines of 20 kB each to one file."""
    children = [_fork(run, lambda: run.lines(100, 20_000)) for _ in range(4)]
    for child in children:
        _wait(run, child, 8.0)


@fault(pipe(prompt))
def eight_threads_on_one_pipe(run: Run) -> None:
    """Eight threads write 50 lines of 20 kB each to one pipe."""
    _in_threads(8, lambda: run.lines(50, 20_000))


@fault()
def eight_threads_that_switch_often(run: Run) -> None:
    """Eight threads write 100 lines each while Python switches between them every microsecond."""
    sys.setswitchinterval(1e-6)
    _in_threads(8, lambda: run.lines(100))


@fault()
def threads_that_come_and_go(run: Run) -> None:
    """500 threads log one line each and end."""
    for _ in range(50):
        _in_threads(10, run.line)


@fault()
def fork_while_threads_log(run: Run) -> None:
    """A process with three busy logging threads forks 20 times; each child logs a line within 3 s."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            run.line(200)
            time.sleep(0.0005)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        _wait(run, _fork(run, run.line))
    done.set()
    for thread in threads:
        thread.join()


@fault(pipe(late(1.5)))
def fork_while_a_line_is_written(run: Run) -> None:
    """A fork while another thread waits in the middle of a line; the child logs to a file of its own."""
    thread = threading.Thread(target=lambda: run.lines(8, 20_000))
    thread.start()
    time.sleep(0.4)

    def work() -> None:
        target = os.open(run.folder / "more-forked", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(target, 1)
        run.lines(5)

    _wait(run, _fork(run, work))
    thread.join()
    time.sleep(1.5)
    run.lines(5)


@fault()
def fork_and_both_go_on(run: Run) -> None:
    """A fork after which both processes log and end as usual; no line comes twice."""
    run.lines(10)
    child = os.fork()
    if child == 0:
        run.forked()
    run.lines(10)
    if child:
        _wait(run, child)


def worker(contender: str, folder: str) -> list[dict[str, Any]]:
    """Log ten lines in a process that `multiprocessing` made, and return what became of the calls."""
    reports: list[dict[str, Any]] = []
    run = Run(BY_NAME[contender], lambda **report: reports.append(report), Path(folder))  # type: ignore[arg-type]
    run.lines(10)
    run.end()
    return reports


def _inherited(run: Run) -> None:
    run.forked()
    run.lines(10)
    run.end()


@fault()
def multiprocessing_fork(run: Run) -> None:
    """Two processes of `multiprocessing`, forked; they log with what they inherit."""
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_inherited, args=(run,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


@fault()
def multiprocessing_spawn(run: Run) -> None:
    """Two processes of `multiprocessing`, spawned; each sets up its own logger on the same stdout."""
    _pool(run, "spawn")


@fault()
def multiprocessing_forkserver(run: Run) -> None:
    """Two processes of `multiprocessing`, from a fork server."""
    _pool(run, "forkserver")


def _pool(run: Run, method: str) -> None:
    with multiprocessing.get_context(method).Pool(2, maxtasksperchild=1) as pool:
        results = pool.starmap(worker, [(run.contender.name, str(run.folder))] * 2, chunksize=1)
        pool.close()
        pool.join()
    run.lines(5)
    for reports in results:
        for report in reports:
            run.report(**report)


@fault()
def tasks_bind_their_own_fields(run: Run) -> None:
    """Fifty tasks each bind a field, wait, and log; no line bears another task's field."""

    async def task(owner: str) -> None:
        log = run.log.bind(**{OWNER: owner})
        for _ in range(4):
            await asyncio.sleep(0.001)
            number = run.number()
            run.report(owner=owner, number=number)
            run.numbered(number, lambda: log.info("line", **{NUMBER: number}))  # noqa: B023 - called at once

    async def main() -> None:
        await asyncio.gather(*(task(f"task-{number}") for number in range(50)))

    asyncio.run(main())


@fault()
def tasks_are_cancelled(run: Run) -> None:
    """Fifty tasks log until they are cancelled at some moment; cancellation goes through."""

    async def task() -> None:
        while True:
            run.line()
            await asyncio.sleep(0)

    async def main() -> None:
        tasks = [asyncio.create_task(task()) for _ in range(50)]
        for running in tasks:
            await asyncio.sleep(0)
            running.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        if not all(isinstance(end, asyncio.CancelledError) for end in ended):
            run.report(raised="a cancellation was swallowed", number="")

    asyncio.run(main())
