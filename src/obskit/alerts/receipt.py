"""What became of one alert."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..settings import at_most

if TYPE_CHECKING:
    import asyncio

Outcome: TypeAlias = Literal["queued", "duplicate", "disabled", "muted", "throttled", "dropped"]
Result: TypeAlias = Literal["delivered", "duplicate", "failed", "spooled", "pending"]


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

    __slots__ = ("key", "outcome")

    def __init__(self, outcome: Outcome, key: str) -> None:
        self.outcome: Outcome = outcome
        self.key = key

    def wait(self, timeout: float | None = None) -> Result:
        """
        Wait until the alert is settled, for at most *timeout* seconds.

        Returns:
            ``delivered`` when at least one sink has it, ``duplicate``, ``failed``
            when none will get it, ``spooled`` when it is kept on disk for a later
            try, or ``pending`` when the time is over.
        """
        return "duplicate" if self.outcome == "duplicate" else "failed"

    def __await__(self) -> Generator[object, None, Result]:
        return self._later().__await__()

    async def _later(self) -> Result:
        import asyncio

        loop = asyncio.get_running_loop()
        settled: asyncio.Future[Result] = loop.create_future()
        self._when_settled(lambda result: _tell(loop, settled, result))
        return await settled

    def _when_settled(self, tell: Callable[[Result], None]) -> None:
        tell(self.wait(0))

    def __repr__(self) -> str:
        return f"Receipt({self.outcome!r}, {self.wait(0)!r}, key={self.key!r})"


class QueuedReceipt(Receipt):
    """The receipt of an alert that is on its way to one or more sinks."""

    # Thousands may be kept, so what only a waiting caller needs is made when one waits.
    __slots__ = ("_best", "_changed", "_listeners", "_lock", "_open", "_result")

    def __init__(self, key: str, sinks: int) -> None:
        self.outcome = "queued"
        self.key = key
        self._open = sinks
        self._best = len(_BEST_FIRST)
        self._result: Result = "pending"
        self._lock = threading.RLock()
        self._changed: threading.Condition | None = None
        self._listeners: tuple[Callable[[Result], None], ...] = ()

    def wait(self, timeout: float | None = None) -> Result:
        """See `Receipt.wait`."""
        with self._lock:
            if self._result == "pending" and timeout != 0:
                self._changed = self._changed or threading.Condition(self._lock)
                self._changed.wait_for(lambda: self._result != "pending", at_most(timeout))
            return self._result

    def report(self, result: Result) -> Result | None:
        """
        Take down what became of it at one sink.

        Returns:
            The result for the alert, once, when it is known: ``delivered`` with the
            first sink that has it, or else, with the last sink, the best that any said.
        """
        with self._lock:
            self._open -= 1
            self._best = min(self._best, _BEST_FIRST.index(result))
            if self._result != "pending" or (self._open and result != "delivered"):
                return None
            self._result = _BEST_FIRST[self._best]
            if self._changed is not None:
                self._changed.notify_all()
            return self._result

    def announce(self) -> None:
        """Tell the coroutines that wait; called once, after the result is known."""
        for tell in self._listeners:
            tell(self._result)

    def _when_settled(self, tell: Callable[[Result], None]) -> None:
        with self._lock:
            if self._result == "pending":
                self._listeners += (tell,)
                return
        tell(self._result)


#: What counts for an alert that went to several sinks.
_BEST_FIRST: tuple[Result, ...] = ("delivered", "duplicate", "spooled", "failed")


def _tell(loop: asyncio.AbstractEventLoop, settled: asyncio.Future[Result], result: Result) -> None:
    """Settle a future of *loop* from any thread; nobody waits any more where the loop is closed."""

    def settle() -> None:
        """Run in the thread of the loop."""
        if not settled.done():
            settled.set_result(result)

    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)
