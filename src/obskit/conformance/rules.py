"""Try rules on something that was built for it, and explain the ones it breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

M = TypeVar("M")

#: Seconds that one rule may take.
PATIENCE: Final = 10.0


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


def _fault(check: Callable[[M], str | None], make: M) -> str | None:
    """Return what is wrong, if anything; what hangs is left behind in a thread."""
    faults: list[str | None] = []

    def run() -> None:
        try:
            faults.append(check(make))
        except BaseException as error:
            faults.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return faults[0] if faults else f"nothing came back within {PATIENCE:g} seconds"
