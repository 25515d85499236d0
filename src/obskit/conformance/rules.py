"""Try rules on something that was built for it, and explain the ones it breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeVar

M = TypeVar("M")

#: Seconds that one rule may take.
PATIENCE: Final = 10.0


class Closable(Protocol):
    """Something that releases what it holds."""

    def close(self) -> None:
        """Release it; idempotent."""


def complaints(rules: Mapping[Callable[[M], str | None], str], make: M) -> list[str]:
    """Return an explanation of every rule that what *make* builds breaks."""
    return [
        complaint(explanation, fault)
        for check, explanation in rules.items()
        if (fault := _fault(check, make)) is not None
    ]


def complaint(explanation: str, fault: str) -> str:
    """Say what a rule is for and what happened."""
    return f"- {explanation}\n  Here: {fault}"


def complain(what: str, protocol: str, broken: list[str]) -> None:
    """
    Report the *broken* rules, if there are any.

    Raises:
        AssertionError: With all of them.
    """
    if broken:
        rules = f"{len(broken)} rule{'s' * (len(broken) > 1)} of {protocol}"
        raise AssertionError(f"the {what} breaks {rules}:\n" + "\n".join(broken))


def starts_nothing(make: Callable[[], Closable]) -> str | None:
    """Tell whether building something that can be closed starts threads."""
    before = set(threading.enumerate())  # others may end meanwhile
    made = make()
    started = set(threading.enumerate()) - before
    made.close()
    return f"{len(started)} threads" if started else None


def closes_twice(make: Callable[[], Closable]) -> None:
    """Close what *make* builds, and close it again."""
    made = make()
    made.close()
    made.close()


def in_threads(count: int, work: Callable[[int], object]) -> str | None:
    """Call *work* in *count* threads at once, each with its number; returns the first fault."""
    faults: list[str] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        """Work, and keep what went wrong."""
        try:
            start.wait()
            work(number)
        except BaseException as error:
            faults.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults[0] if faults else None


def _fault(check: Callable[[M], str | None], make: M) -> str | None:
    """Return what is wrong, if anything; what hangs is left behind in a thread."""
    faults: list[str | None] = []

    def run() -> None:
        """Work, and keep what went wrong."""
        try:
            faults.append(check(make))
        except BaseException as error:
            faults.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return faults[0] if faults else f"nothing came back within {PATIENCE:g} seconds"
