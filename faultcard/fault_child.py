"""One process in which one fault happens."""

from __future__ import annotations

import atexit
import sys
from pathlib import Path

from faultcard.children import Reporter, end_with_parent
from faultcard.contenders import BY_NAME
from faultcard.faults import FAULTS
from faultcard.faults.model import Run
from faultcard.leaks import LEAKS


def main(descriptor: int, contender: str, name: str, folder: str) -> None:
    """Let the fault called *name* happen, and report what the contender counts as lost at the end."""
    end_with_parent()
    report = Reporter(descriptor)
    runs: list[Run] = []
    # The first to be registered is the last to be called.
    atexit.register(_end_all, runs)
    runs.append(Run(BY_NAME[contender], report, Path(folder)))
    ({**FAULTS, **LEAKS})[name].run(runs[0])


def _end_all(runs: list[Run]) -> None:
    for run in runs:
        run.end()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:5])
