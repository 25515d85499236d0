"""What became of one alert."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Literal, TypeAlias

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

    __slots__ = ("_listeners", "_open", "_result", "_results", "_settled")

    def __init__(self, key: str, sinks: int) -> None:
        super().__init__("queued", key)
        self._open = sinks
        self._results: set[Result] = set()
        self._result: Result = "pending"
        self._settled = threading.Condition()
        self._listeners: list[Callable[[Result], None]] = []

    def wait(self, timeout: float | None = None) -> Result:
        """See `Receipt.wait`."""
        with self._settled:
            self._settled.wait_for(lambda: self._result != "pending", timeout)
            return self._result

    def report(self, result: Result) -> Result | None:
        """
        Take down what became of it at one sink.

        Returns:
            The result for the alert, once, when it is known: ``delivered`` with the
            first sink that has it, or else, with the last sink, the best that any said.
        """
        with self._settled:
            self._open -= 1
            self._results.add(result)
            if self._result != "pending" or (self._open and result != "delivered"):
                return None
            self._result = next(best for best in _BEST_FIRST if best in self._results)
            self._settled.notify_all()
            listeners, self._listeners = self._listeners, []
        for tell in listeners:
            tell(self._result)
        return self._result

    def _when_settled(self, tell: Callable[[Result], None]) -> None:
        with self._settled:
            if self._result == "pending":
                self._listeners.append(tell)
                return
        tell(self._result)


#: What counts for an alert that went to several sinks.
_BEST_FIRST: tuple[Result, ...] = ("delivered", "duplicate", "spooled", "failed")


def _tell(loop: asyncio.AbstractEventLoop, settled: asyncio.Future[Result], result: Result) -> None:
    """Settle a future of *loop* from any thread; nobody waits any more where the loop is closed."""

    def settle() -> None:
        if not settled.done():
            settled.set_result(result)

    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)
