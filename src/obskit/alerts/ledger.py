"""Account for every alert: what is sent is the sum of what became of it, at any moment."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from .receipt import QueuedReceipt, Receipt, Result

#: Every alert ends up in exactly one of these: ``sent`` is their sum.
ENDS: Final = (
    "delivered",
    "duplicate",
    "throttled",
    "muted",
    "disabled",
    "failed",
    "spooled",
    "dropped",
    "pending",
)
_ALWAYS_THERE: Final = ("sent", *ENDS, "suppressed_reported", "suppressed_lost", "throttled_reported")


class Ledger:
    """Counters that change together."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Begin at zero."""
        self._lock = threading.RLock()
        self._counters: Counter[str] = Counter(dict.fromkeys(_ALWAYS_THERE, 0))

    def count(self, *names: str, by: int = 1) -> None:
        """Count all *names* at once."""
        with self._lock:
            for name in names:
                self._counters[name] += by

    def decided(self, receipt: Receipt) -> Receipt:
        """Count an alert that was not queued; one that was is counted before it can be settled."""
        if (outcome := receipt.outcome) != "queued":
            with self._lock:
                self._counters["sent"] += 1
                self._counters[outcome] += 1
        return receipt

    def dropped(self, key: str, reason: str) -> Receipt:
        """Make the receipt of an alert that is lost, and count the reason."""
        self.count(f"dropped_{reason}")
        return Receipt("dropped", key)

    def settled(self, receipt: QueuedReceipt, result: Result) -> None:
        """Take down what became of an alert at one sink."""
        with self._lock:  # who has waited for the receipt finds it counted
            end = receipt.report(result)
            if end is not None:
                self.count("pending", by=-1)
                self.count(end)
        if end is not None:
            receipt.announce()

    def stats(self) -> dict[str, float]:
        """Return all counters."""
        with self._lock:
            return dict(self._counters)
