"""Try the rules of a Protocol on what somebody built for it, and explain those that are broken."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from functools import partial
from inspect import isfunction
from typing import Any, Final, Generic, Protocol, TypeVar

M = TypeVar("M", bound="Closable")

#: Seconds that one rule may take.
PATIENCE: Final = 10.0


class Closable(Protocol):
    """Something that releases what it holds."""

    def close(self) -> None:
        """Release it; idempotent."""


class Rules(Generic[M]):
    """
    What every Protocol asks for; a class for one of them adds its own.

    Each public method is a rule, which its docstring tells. It raises an error where the
    rule is broken.

    Args:
        make: Builds what has to keep the rules.
    """

    def __init__(self, make: Callable[[], M]) -> None:
        self.make: Final = make

    def starts_nothing(self) -> None:
        """Building one starts no thread: imports and forks stay harmless."""
        before = set(threading.enumerate())  # others may end meanwhile
        made = self.make()
        started = set(threading.enumerate()) - before
        made.close()
        if started:
            raise AssertionError(f"{len(started)} threads")

    def closes_twice(self) -> None:
        """`close` is idempotent: a program may close twice, for instance at exit."""
        made = self.make()
        made.close()
        made.close()


def check(kind: str, protocol: str, rules: Rules[Any]) -> None:
    """
    Try all *rules*.

    Args:
        kind: What people call a thing that keeps them.
        protocol: Where they are written down.

    Raises:
        AssertionError: If any is broken; names each, what it is for, and what happened.
    """
    tried = (
        getattr(rules, name)
        for owner in reversed(type(rules).__mro__)
        for name, part in vars(owner).items()
        if isfunction(part) and not name.startswith("_")
    )
    broken = [f"- {rule.__doc__}\n  Here: {fault}" for rule in tried if (fault := _begin(rule)())]
    if broken:
        count = f"{len(broken)} rule{'s' * (len(broken) > 1)}"
        raise AssertionError("\n".join([f"the {kind} breaks {count} of {protocol}:", *broken]))


def expect(what: str, wanted: object, got: object) -> None:
    """Raise an error that tells *what* came out otherwise than *wanted*."""
    if got != wanted:
        raise AssertionError(f"{what}: expected {wanted!r:.300}, got {got!r:.300}")


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """Call *work* in *count* threads at once, each with its number; raises what went wrong first."""
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        work(number)

    threads = [_begin(partial(run, number)) for number in range(count)]
    faults = [fault for wait in threads if (fault := wait())]
    if faults:
        raise AssertionError(faults[0])


def in_forks(count: int, work: Callable[[], object], beside: Callable[[], object]) -> None:
    """Call *work* in *count* forked children, while two threads here go on with *beside*."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(0.001):
            _fault(beside)  # other rules look at that

    threads = [_begin(go_on) for _ in range(2)]
    try:
        for _ in range(count):
            in_child(work)
    finally:
        ended.set()
        for wait in threads:
            wait()


def in_child(work: Callable[[], object]) -> None:
    """Call *work* in a forked child, which is killed if it hangs; not on Windows."""
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():  # pragma: no cover
        return
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(_fault(work)), daemon=True)
    with receiver, sender, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is the point
        child.start()
        fault = receiver.recv() if receiver.poll(PATIENCE / 2) else "did not come back"
        child.kill()
        child.join()
    if fault:
        raise AssertionError(f"in a forked child: {fault}")


def _begin(work: Callable[[], object]) -> Callable[[], str | None]:
    """Call *work* in a thread; returns what waits for it, and tells what went wrong, if anything."""
    faults: list[str | None] = []
    thread = threading.Thread(target=lambda: faults.append(_fault(work)), daemon=True)
    thread.start()

    def wait() -> str | None:
        thread.join(PATIENCE)  # what hangs is left behind
        return faults[0] if faults else f"nothing came back within {PATIENCE:g} seconds"

    return wait


def _fault(work: Callable[[], object]) -> str | None:
    try:
        work()
    except AssertionError as error:
        return str(error)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return None
