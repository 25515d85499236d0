"""What became of each alert, and of all of them: what is sent is the sum of its ends, at any moment."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ..settings import at_most

if TYPE_CHECKING:
    from .lane import Job

Outcome: TypeAlias = Literal["queued", "duplicate", "disabled", "muted", "throttled", "dropped"]
Result: TypeAlias = Literal["delivered", "duplicate", "failed", "spooled", "pending"]

#: What counts for an alert that went to several sinks.
_BEST_FIRST: Final[tuple[Result, ...]] = ("delivered", "duplicate", "spooled", "failed")
#: Every alert ends up in exactly one of these: ``sent`` is their sum.
_ENDS: Final = (*_BEST_FIRST, "throttled", "muted", "disabled", "dropped", "pending")
_ALWAYS_THERE: Final = ("sent", *_ENDS, "suppressed_reported", "suppressed_lost", "throttled_reported")


class Receipt:
    """
    Tells what was decided about an alert, and lets a caller wait for the rest.

    In a coroutine, ``await receipt`` waits without holding up the event loop and
    gives what `wait` returns.

    Attributes:
        outcome: ``queued``, or why no message is sent: ``duplicate`` (it is counted
            and a later message reports it), ``disabled`` (alerts are off, or no sink
            takes this severity), ``muted``, ``throttled``, or ``dropped`` (the queue
            is full or closed).
        key: Names the incident, for `Alerter.resolve` and `Alerter.mute`.
    """

    __slots__ = ("_best", "_ledger", "_open", "_waiting", "key", "outcome")

    def __init__(self, outcome: Outcome, key: str, ledger: Ledger, *, sinks: int = 0) -> None:
        self.outcome: Outcome = outcome
        self.key = key
        self._ledger = ledger
        self._open = sinks  # that have not said yet what became of it
        self._best: Result = "failed"
        self._waiting: tuple[Callable[[], object], ...] = ()

    @property
    def _result(self) -> Result:
        """``delivered`` with the first sink that has it; with the last one the best that any said."""
        if self.outcome == "duplicate":
            return "duplicate"
        return "pending" if self._open and self._best != "delivered" else self._best

    def wait(self, timeout: float | None = None) -> Result:
        """
        Wait until the alert is settled, for at most *timeout* seconds.

        Returns:
            ``delivered`` when at least one sink has it, ``duplicate``, ``failed``
            when none will get it, ``spooled`` when it is kept on disk for a later
            try, or ``pending`` when the time is over.
        """
        with self._ledger.changed:
            self._ledger.changed.wait_for(lambda: self._result != "pending", at_most(timeout))
            return self._result

    def __await__(self) -> Generator[object, None, Result]:
        return self._settled().__await__()

    async def _settled(self) -> Result:
        import asyncio

        loop, settled = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            """Wake the coroutine, from any thread."""
            with contextlib.suppress(RuntimeError):  # the loop may be closed by then
                loop.call_soon_threadsafe(settled.set)

        with self._ledger.changed:
            self._waiting += (wake,)
        try:
            if self.wait(0) == "pending":
                await settled.wait()
        finally:  # it may wait in vain, again and again
            with self._ledger.changed:
                self._waiting = tuple(waiting for waiting in self._waiting if waiting is not wake)
        return self.wait(0)

    def __repr__(self) -> str:
        return f"Receipt({self.outcome!r}, {self.wait(0)!r}, key={self.key!r})"

    def _report(self, result: Result) -> bool:
        """Take down what became of it at one sink; True if that settles it."""
        was_pending = self._result == "pending"
        self._open -= 1
        if _BEST_FIRST.index(result) < _BEST_FIRST.index(self._best):
            self._best = result
        return was_pending and self._result != "pending"


class Ledger:
    """Counters that change together, and with the receipts."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Begin at zero."""
        self._lock = threading.RLock()  # a signal handler may send alerts
        self.changed = threading.Condition(self._lock)
        self._counters: Counter[str] = Counter(dict.fromkeys(_ALWAYS_THERE, 0))

    def count(self, *names: str, by: int = 1) -> None:
        """Count all *names* at once."""
        with self._lock:
            for name in names:
                self._counters[name] += by

    def settled(self, job: Job, result: Result) -> None:
        """Take down what became of a message at its sink."""
        receipt, told = job.receipt, job.message.repeats.count
        with self._lock:  # who has waited for the receipt finds it counted
            if job.counts_as == "spool":
                self.count(f"spool_{result}")
            elif told and result == "delivered":
                self.count(f"{job.counts_as}_reported", by=told)
            elif told and job.mark is None and result == "failed":
                self.count(f"{job.counts_as}_lost", by=told)
            if receipt is None or not receipt._report(result):
                return
            self.count("pending", by=-1)
            self.count(receipt._result)
            self.changed.notify_all()
        for wake in receipt._waiting:
            wake()

    def stats(self) -> dict[str, float]:
        """Return all counters."""
        with self._lock:
            return dict(self._counters)
