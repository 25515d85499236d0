"""The life of a mark: no silence after a failure, and no repeat forgotten."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from obskit.alerts.dedupe import Granted, Held, MemoryDedupe
from obskit.alerts.window import NO_REPEATS, Repeats
from obskit.errors import ConfigError
from obskit.testing import FakeClock
from tests.test_worker import in_child, needs_fork

WINDOW, LEASE = 300.0, 30.0


def once(clock: FakeClock) -> Repeats:
    """One repeat, now."""
    return Repeats(1, clock.time_ns(), clock.time_ns())


class Windows(RuleBasedStateMachine):
    """Occurrences, deliveries, failures and crashes in any order, on one key."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.dedupe = MemoryDedupe(clock=self.clock)
        self.occurred = self.sent = self.reported = self.ended = 0
        self.failed = 0
        self.number = 0
        self.delivered_at: int | None = None
        self.holder: tuple[str, Granted] | None = None
        self.lease_end = 0

    @property
    def now(self) -> int:
        """Monotonic time."""
        return self.clock.monotonic_ns()

    def may_be_silent(self) -> bool:
        """Tell whether people know, or are being told."""
        told = self.delivered_at is not None and self.now < self.delivered_at + int(WINDOW * 1e9)
        return told or (self.holder is not None and self.now < self.lease_end)

    @rule(target=leases)
    def occur(self) -> object:
        """Something fails: either somebody tells, or it is counted with a reason to be silent."""
        self.occurred += 1
        self.number += 1
        token = str(self.number)
        answer = self.dedupe.lease("key", token, LEASE, once(self.clock))
        assert isinstance(answer, Held) == self.may_be_silent()
        if isinstance(answer, Held):
            assert 0 < answer.seconds <= WINDOW
            return multiple()
        if self.holder is not None:
            self.failed += 1  # the one before crashed: its occurrence was never told
        self.holder, self.lease_end, self.delivered_at = (token, answer), self.now + int(LEASE * 1e9), None
        return (token, answer)

    @rule(lease=consumes(leases))
    def deliver(self, lease: tuple[str, Granted]) -> None:
        """A message arrives; only the holder's starts a window."""
        token, granted = lease
        self.dedupe.delivered("key", token, WINDOW)
        if self.holder is not None and self.holder[0] == token:
            self.sent += 1
            self.reported += granted.repeats.count
            self.delivered_at, self.holder = self.now, None

    @rule(lease=consumes(leases))
    def fail(self, lease: tuple[str, Granted]) -> None:
        """A message is given up."""
        self.dedupe.release("key", lease[0])
        if self.holder is not None and self.holder[0] == lease[0]:
            self.failed += 1
            self.holder = None

    @rule(lease=leases)
    def renew(self, lease: tuple[str, Granted]) -> None:
        """A message takes longer."""
        is_holder = self.holder is not None and self.holder[0] == lease[0]
        assert self.dedupe.renew("key", lease[0], LEASE) == is_holder
        if is_holder:
            self.lease_end = self.now + int(LEASE * 1e9)

    @rule(seconds=st.sampled_from([0.5, 29.5, 30.0, 299.5, 300.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @invariant()
    def everything_is_accounted_for(self) -> None:
        """Sent, reported, still to report, being sent and failed make up all that occurred."""
        waiting = self.dedupe.unreported().get("key", NO_REPEATS).count
        being_sent = self.holder is not None
        assert self.occurred == self.sent + self.reported + waiting + being_sent + self.failed


TestWindows = Windows.TestCase


def test_repeats_add_up_with_first_and_last_time() -> None:
    """Order does not matter, and nothing is the neutral element."""
    early, late = Repeats(2, 10, 20), Repeats(3, 15, 40)
    assert early.plus(late) == late.plus(early) == Repeats(5, 10, 40)
    assert early.plus(NO_REPEATS) == NO_REPEATS.plus(early) == early


def test_ending_returns_what_nobody_has_reported() -> None:
    """What a message on its way reports is not reported again."""
    clock = FakeClock()
    dedupe = MemoryDedupe(clock=clock)
    dedupe.count("key", Repeats(2, 1, 1))
    assert dedupe.lease("key", "a", LEASE, NO_REPEATS) == Granted(Repeats(2, 1, 1))
    dedupe.count("key", Repeats(1, 5, 5))
    assert dedupe.end("key") == Repeats(1, 5, 5)
    dedupe.count("key", Repeats(1, 6, 6))
    assert dedupe.end("key") == Repeats(1, 6, 6)
    assert dedupe.end("key") == NO_REPEATS
    dedupe.close()


def test_keys_are_bounded_and_losses_counted() -> None:
    """The least recently used key goes, and with it what it had counted."""
    dedupe = MemoryDedupe(capacity=2, clock=FakeClock())
    for key in ("a", "b", "a", "c"):
        dedupe.count(key, Repeats(1, 1, 1))
    assert dedupe.unreported().keys() == {"a", "c"}
    assert dedupe.forgotten == 1


def test_a_capacity_of_nothing_is_refused() -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match="capacity must be a whole number of at least 1, got 0"):
        MemoryDedupe(capacity=0)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_keeps_windows_and_drops_leases() -> None:
    """What the parent is sending or will report is not the child's."""
    dedupe = MemoryDedupe()
    dedupe.lease("told", "t", LEASE, NO_REPEATS)
    dedupe.delivered("told", "t", WINDOW)
    dedupe.count("told", Repeats(1, 1, 1))
    dedupe.lease("sending", "s", LEASE, NO_REPEATS)

    def check() -> bool:
        told, sending = (dedupe.lease(key, "x", LEASE, NO_REPEATS) for key in ("told", "sending"))
        return isinstance(told, Held) and sending == Granted() and not dedupe.unreported()

    assert in_child(check)
