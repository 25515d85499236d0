"""What became of one alert."""

from __future__ import annotations

import threading
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["queued", "duplicate", "disabled", "muted", "throttled", "dropped"]
Result: TypeAlias = Literal["delivered", "duplicate", "failed", "spooled", "pending"]


class Receipt:
    """
    Tells what was decided about an alert, and lets a caller wait for the rest.

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
            when none will get it, or ``pending`` when the time is over.
        """
        return "duplicate" if self.outcome == "duplicate" else "failed"

    def __repr__(self) -> str:
        return f"Receipt({self.outcome!r}, {self.wait(0)!r}, key={self.key!r})"


class QueuedReceipt(Receipt):
    """The receipt of an alert that is on its way to one or more sinks."""

    __slots__ = ("_duplicate", "_open", "_result", "_settled")

    def __init__(self, key: str, sinks: int) -> None:
        super().__init__("queued", key)
        self._open = sinks
        self._duplicate = False
        self._result: Result = "pending"
        self._settled = threading.Condition()

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
            first sink that has it, or else with the last sink ``duplicate``, if
            any said so, or ``failed``.
        """
        with self._settled:
            self._open -= 1
            self._duplicate |= result == "duplicate"
            if self._result != "pending" or (self._open and result != "delivered"):
                return None
            self._result = "duplicate" if self._duplicate and result != "delivered" else result
            self._settled.notify_all()
            return self._result
