"""A sink that plays a script, and what alerts must always add up to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from obskit.alerts import Alerter, Delivery
from obskit.testing import FakeClock
from tests.test_worker import eventually

ENDS = (
    "delivered", "duplicate", "throttled", "muted", "disabled", "failed", "spooled", "dropped", "pending",
)  # fmt: skip


class Script:
    """A sink that raises what it is told to, in order, and keeps what it accepted."""

    def __init__(self, *errors: BaseException | None) -> None:
        self.errors = list(errors)
        self.tried: list[Delivery] = []
        self.deliveries: list[Delivery] = []
        self.open = threading.Event()
        self.open.set()
        self.closed = False

    @property
    def messages(self) -> list[str]:
        """The texts of what it accepted."""
        return [delivery.alert.message for delivery in self.deliveries]

    def emit(self, delivery: Delivery, /) -> None:
        """Do what comes next in the script."""
        self.tried.append(delivery)
        self.open.wait(10)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        self.deliveries.append(delivery)

    def close(self) -> None:
        """Take note."""
        self.closed = True


def assert_adds_up(alerter: Alerter) -> None:
    """Every alert is accounted for."""
    stats = alerter.stats()
    assert stats["sent"] == sum(stats[end] for end in ENDS)


def advance_until(clock: FakeClock, seconds: float, is_true: Callable[[], bool]) -> None:
    """Let time pass, in steps of *seconds*, until *is_true*."""

    def has_come() -> bool:
        clock.advance(seconds)
        return is_true()

    eventually(has_come)
