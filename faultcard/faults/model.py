"""What a process fault is, and what it may do inside its process."""

from __future__ import annotations

import inspect
import itertools
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faultcard.children import Reporter
from faultcard.contenders import Contender, Log
from faultcard.stages import Stage, file

#: The field by which a line is found again.
NUMBER = "probe_number"
#: The field that says whose line it is, where several tasks log at once.
OWNER = "probe_owner"
#: Unique in a process, also where a second run is made in it.
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: where stdout leads, and what the process does."""

    name: str
    says: str  #: what it does, as one sentence
    run: Callable[[Run], None]
    stage: Stage
    status: int  #: how the process ends; negative is a signal
    environment: Mapping[str, str]
    torn: bool  #: whether a last line that is cut off is one lost line, not an invalid one


class Faults(list[Fault]):
    """Faults, in the order in which the reader meets them."""

    def fault(
        self,
        stage: Stage = file,
        *,
        status: int = 0,
        environment: Mapping[str, str] | None = None,
        torn: bool = False,
    ) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
        """Add a function that runs in a process whose stdout is *stage*."""

        def add(run: Callable[[Run], None]) -> Callable[[Run], None]:
            self.append(
                Fault(
                    name=run.__name__,
                    says=inspect.getdoc(run) or "",
                    run=run,
                    stage=stage,
                    status=status,
                    environment=environment or {},
                    torn=torn,
                )
            )
            return run

        return add


class Run:
    """
    What a fault does with its contender, inside the process.

    Every line has a number. A line whose call has returned is accepted: it must
    arrive, or be counted as lost by the contender itself.
    """

    def __init__(self, contender: Contender, report: Reporter, folder: Path) -> None:
        self.contender = contender
        self.report = report
        self.folder = folder  #: files called ``more-*`` in it count as output as well
        self.began = time.monotonic()
        self.log: Log = contender.set_up()
        self._lost_before_fork = 0.0

    def line(self, size: int = 0, *, log: Log | None = None, **fields: Any) -> None:
        """Log one line and tell the parent what became of the call."""
        number = self.number()
        self.numbered(number, lambda: (log or self.log).info("line", **self._fields(number, size), **fields))

    def lines(self, count: int, size: int = 0) -> None:
        """Log lines one after the other, each *size* characters long or a little more."""
        for _ in range(count):
            self.line(size)

    def failure(self, **fields: Any) -> None:
        """Log an exception with its traceback."""
        number = self.number()
        try:
            raise ValueError("on purpose")
        except ValueError:
            self.numbered(number, lambda: self.log.exception("line", **self._fields(number, 0), **fields))

    def number(self) -> str:
        """Return a number for a line, unique among processes."""
        return f"{os.getpid()}-{next(_NUMBERS)}"

    def numbered(self, number: str, call: Callable[[], object]) -> None:
        """Make *call*, which logs the line called *number*, and report it."""
        began = time.monotonic()
        try:
            call()
        except Exception as error:
            self.report(raised=type(error).__name__, number=number)
        else:
            self.report(accepted=number, seconds=time.monotonic() - began)

    def promise(self) -> str:
        """Announce a line that is logged when nothing can be reported any more."""
        number = self.number()
        self.report(accepted=number, seconds=0)
        return number

    def keep(self, number: str) -> None:
        """Log a line that was announced."""
        self.log.info("line", **self._fields(number, 0))

    def forked(self) -> None:
        """Take note, in a forked process, of what was lost before it was there."""
        self._lost_before_fork = self.contender.lost()

    def end(self) -> None:
        """Report what the contender counted; after that a process may end as it likes."""
        self.report(lost=self.contender.lost() - self._lost_before_fork, process=os.getpid())

    def _fields(self, number: str, size: int) -> dict[str, Any]:
        return {NUMBER: number, "padding": "x" * size} if size else {NUMBER: number}
