"""What a hostile call is, and the collection that each module of calls makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from faultcard.contenders import Log
from faultcard.judge import MAX_LINE

#: Stands beside every hostile value and must be readable in the line.
BESIDE: Final = "kept-beside-it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One hostile call and what its line must show."""

    name: str
    says: str  #: what it does, as one sentence
    run: Callable[[Log], None]
    shows: tuple[str, ...]  #: texts that must be readable in the line
    message: str | None  #: the message exactly, where it matters
    level: str
    at_most: int  #: bytes of the line
    lines: int  #: how many lines the call makes
    seconds: float  #: how long it may take
    memory: bool  #: whether the card tells the memory it took


class Calls(list[Call]):
    """Hostile calls, in the order in which the reader meets them."""

    def call(
        self,
        *shows: str,
        message: str | None = None,
        level: str = "info",
        at_most: int = MAX_LINE,
        lines: int = 1,
        seconds: float = 2.0,
        memory: bool = False,
    ) -> Callable[[Callable[[Log], None]], Callable[[Log], None]]:
        """Add a function that logs; *shows* must be readable in its line."""

        def add(run: Callable[[Log], None]) -> Callable[[Log], None]:
            self.append(
                Call(
                    name=run.__name__,
                    says=inspect.getdoc(run) or "",
                    run=run,
                    shows=shows,
                    message=message,
                    level=level,
                    at_most=at_most,
                    lines=lines,
                    seconds=seconds,
                    memory=memory,
                )
            )
            return run

        return add

    def value(
        self, *shows: str, seconds: float = 2.0, memory: bool = False
    ) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """Add a function that makes a value; it is logged as a field, next to a plain one."""

        def add(make: Callable[[], Any]) -> Callable[[], Any]:
            def run(log: Log) -> None:
                log.info("call", value=make(), beside=BESIDE)

            run.__name__, run.__doc__ = make.__name__, make.__doc__
            self.call(BESIDE, *shows, message="call", seconds=seconds, memory=memory)(run)
            return make

        return add

    def error(
        self, *shows: str, at_most: int = MAX_LINE
    ) -> Callable[[Callable[[], None]], Callable[[], None]]:
        """Add a function that raises; what it raises is logged."""

        def add(fail: Callable[[], None]) -> Callable[[], None]:
            def run(log: Log) -> None:
                try:
                    fail()
                except BaseException:
                    log.exception("failed", beside=BESIDE)

            run.__name__, run.__doc__ = fail.__name__, fail.__doc__
            self.call(BESIDE, *shows, message="failed", level="error", at_most=at_most)(run)
            return fail

        return add
