"""What alerts must withstand: an unreliable service, a storm without end, and any order of events."""

from __future__ import annotations

import threading
import time
from collections import Counter
from itertools import product
from random import Random
from string import ascii_lowercase
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from obskit.alerts import Alert, Alerter, Receipt, Route
from obskit.alerts.sinks import Callback, DiscordChannel
from obskit.errors import SinkError, SinkRejected
from obskit.testing import FakeClock
from tests.alerts.messages import alert
from tests.alerts.recorded import ENDS, Script, assert_adds_up
from tests.servers import Script as Service
from tests.servers import hang, reset, scripted_server
from tests.test_worker import eventually

NAMES = ["".join(letters) for letters in product(ascii_lowercase, repeat=4)]


#: What the service does, and how often of a hundred times.
ANSWERS = {"ok": 80, "lost": 3, "502": 3, "reset": 3, "body": 4, "header": 4, "html": 3}


class Unreliable:
    """Answers as Discord on its worst day; it stands where a server's script of answers does."""

    def __init__(self, service: Service, clock: FakeClock, random: Random) -> None:
        self._service = service
        self._clock = clock
        self._random = random
        self._closed_until = 0  # monotonic ns before which no request may come
        self.outage = (20 * 10**9, 50 * 10**9)
        self.too_early = 0
        self.shown: Counter[str] = Counter()  # messages in the channel, by nonce

    def __len__(self) -> int:
        return 2

    def popleft(self) -> Any:
        """Answer the request that came last."""
        now = self._clock.monotonic_ns()
        self.too_early += now < self._closed_until
        if self.outage[0] <= now < self.outage[1]:
            return self._random.choice([reset, 502, 503])
        answer = self._random.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        if answer in ("ok", "lost"):
            self.shown[self._service.requests[-1].json()["nonce"]] += 1
            return 200 if answer == "ok" else reset
        if answer in ("502", "reset"):
            return 502 if answer == "502" else reset
        wait = self._random.choice([1, 2, 5])
        self._closed_until = now + wait * 10**9
        if answer == "body":
            return (429, {}, b'{"message": "slow down", "retry_after": %d.0, "global": false}' % wait)
        content = b"" if answer == "header" else b"<html>Cloudflare</html>"
        return (429, {"Retry-After": str(wait)}, content)


@pytest.mark.slow
def test_a_thousand_alerts_come_through_an_unreliable_service(clock: FakeClock) -> None:
    """None is lost, none sent before its time, and none shown twice where the service knows its nonce."""
    with scripted_server() as service:
        worst = Unreliable(service, clock, Random(5))
        service.answers = worst  # type: ignore[assignment]
        sink = DiscordChannel("fake" * 5, "1" * 18, base_url=service.url)
        alerter = Alerter([sink], clock=clock)
        receipts = [alerter.send(alert(f"failure {name}")) for name in NAMES[:1000]]
        while not alerter.flush(0.02):
            clock.advance(0.25)
        assert [receipt.wait(0) for receipt in receipts] == ["delivered"] * 1000
        assert clock.monotonic_ns() > worst.outage[1]
        assert (len(worst.shown), worst.too_early) == (1000, 0)
        alerter.close()
        assert_adds_up(alerter)


@pytest.mark.slow
def test_a_service_that_hangs_loses_nothing() -> None:
    """A time limit is a failure like any other."""
    with scripted_server() as service:
        service.answers.extend([hang, 200])
        service.answers.popleft()
        alerter = Alerter([DiscordChannel("fake" * 5, "1" * 18, base_url=service.url)])
        assert alerter.send(alert()).wait(30) == "delivered"
        alerter.close()
        assert len({request.json()["nonce"] for request in service.requests}) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_storm_alerts_leave_memory_flat() -> None:
    """Whether they are the same or all different, and while the sink hangs."""
    resource = pytest.importorskip("resource")
    go_on = threading.Event()
    alerter = Alerter([Route(Callback(lambda _: go_on.wait(600)), burst=100, per_minute=60)])

    def storm(first: int, last: int) -> None:
        for number in range(first, last):
            _ = alerter.send(
                Alert(severity="error", message="same" if number % 2 else f"error {number}x{number}")
            )

    storm(0, 100_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    storm(100_000, 1_000_000)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 16_000  # kilobytes on Linux
    go_on.set()
    alerter.close(60)
    stats = alerter.stats()
    assert stats["sent"] == 1_000_000
    assert stats["throttled"] > 400_000
    assert_adds_up(alerter)


def test_the_caller_never_waits_for_a_sink_that_hangs() -> None:
    """However slow the machine: a thousand calls take less than the sink's own delay for two."""
    go_on = threading.Event()
    alerter = Alerter([Callback(lambda _: go_on.wait(60))])
    begin = time.monotonic()
    for name in NAMES[:500]:
        _ = alerter.send(alert(name))
        _ = alerter.send(alert(name))
    assert time.monotonic() - begin < 30
    go_on.set()
    alerter.close()


class Alerting(RuleBasedStateMachine):
    """Alerts, failures, recoveries and time in any order, at two sinks."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.sinks = [Script(), Script()]
        routes = [Route(sink, "warning", burst=4, per_minute=6) for sink in self.sinks]
        self.alerter = Alerter(routes, clock=self.clock, jitter=lambda longest: longest)
        self.receipts: list[Receipt] = []
        self.repeats = 0

    @rule(
        message=st.sampled_from(["ash", "beech", "cedar"]),
        severity=st.sampled_from(["warning", "error", "critical"]),
        times=st.integers(1, 3),
    )
    def fail(self, message: str, severity: str, times: int) -> None:
        """Something fails, now and then several times."""
        self.receipts += [self.alerter.send(alert(message, severity)) for _ in range(times)]

    @rule(
        sink=st.integers(0, 1),
        errors=st.lists(
            st.sampled_from(
                [SinkError("down"), SinkError("wait", retry_after=7.0), SinkRejected("no"), ValueError("bug")]
            ),
            max_size=6,
        ),
    )
    def break_down(self, sink: int, errors: list[BaseException]) -> None:
        """A service will fail."""
        self.sinks[sink].errors = list(errors)

    @rule(seconds=st.sampled_from([0.5, 10.0, 60.0, 299.0, 301.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, and what is due is done."""
        self.alerter.flush(0.02)
        self.clock.advance(seconds)
        self.alerter.flush(0.02)

    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        """An incident is over; where nobody was told of it, no message is sent and nothing counted."""
        if self.receipts:
            receipt = self.alerter.resolve(data.draw(st.sampled_from(self.receipts)).key)
            self.receipts += [receipt] * (receipt.outcome != "duplicate")

    @rule(data=st.data())
    def mute(self, data: st.DataObject) -> None:
        """Somebody wants to hear no more of it."""
        if self.receipts:
            self.alerter.mute(data.draw(st.sampled_from(self.receipts)).key, 30.0)

    @invariant()
    def everything_adds_up(self) -> None:
        """At any moment each alert is in one place, and the counters say what the receipts say."""
        stats = self.alerter.stats()
        assert stats["sent"] == len(self.receipts) == sum(stats[end] for end in ENDS)
        outcomes = Counter(receipt.outcome for receipt in self.receipts)
        assert stats["throttled"] == outcomes["throttled"]
        assert stats["muted"] == outcomes["muted"]

    def teardown(self) -> None:
        """Nothing is pending in the end, and no repeat is left untold."""
        for sink in self.sinks:
            sink.errors.clear()
        while not self.alerter.flush(0.01):
            self.clock.advance(5.0)
        self.alerter.close(5)
        stats = self.alerter.stats()
        assert stats["pending"] == 0
        assert stats["sent"] == sum(stats[end] for end in ENDS)
        assert stats["suppressed_pending"] == 0
        assert all(receipt.wait(0) != "pending" for receipt in self.receipts)


TestAlerting = Alerting.TestCase
TestAlerting.settings = settings(max_examples=15, stateful_step_count=20)


def test_what_is_counted_is_told_at_every_sink(clock: FakeClock) -> None:
    """Each sink hears of every repeat once, whatever fails in between."""
    random = Random(3)
    sinks = [Script(), Script()]
    alerter = Alerter(sinks, clock=clock)
    sent = 0
    for _ in range(300):
        for sink in sinks:
            sink.errors = [SinkError("down")] * random.choice([0, 0, 0, 1])
        sent += 1
        _ = alerter.send(alert())
        while not alerter.flush(0.05):
            clock.advance(1)
        clock.advance(random.choice([0, 10, 100]))
    alerter.close()
    for sink in sinks:
        firing = [told for told in sink.deliveries if told.kind == "firing"]
        assert len(firing) + sum(told.repeats.count for told in sink.deliveries) == sent
    eventually(lambda: all(sink.closed for sink in sinks))
