"""People hear about a failure once per window, with the count of the repeats, and never miss one."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from obskit.alerts import Alert, Alerter, Delivery, Kind, Receipt, Route
from obskit.alerts.dedupe import Granted, Held, MemoryDedupe
from obskit.alerts.sinks import Callback, Memory
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected, StoreError
from obskit.testing import FakeClock
from tests.alerts.messages import RUN, TRACE_ID, alert, hostile_alerts
from tests.alerts.recorded import Script, advance_until, assert_adds_up
from tests.test_worker import eventually, in_child, needs_fork


@pytest.fixture
def sink() -> Iterator[Script]:
    """A sink that accepts everything until it is told otherwise."""
    sink = Script()
    yield sink
    sink.open.set()


@pytest.fixture
def alerter(sink: Script, clock: FakeClock) -> Iterator[Alerter]:
    """An alerter with one sink and a clock that stands still."""
    alerter = Alerter([sink], clock=clock)
    yield alerter
    sink.open.set()
    alerter.close(1)
    assert_adds_up(alerter)


def test_a_failure_is_told_at_once(alerter: Alerter, sink: Script) -> None:
    """The first occurrence goes out, with everything that was said about it."""
    receipt = alerter.send(
        alert(root_cause="timeout", trace_id=TRACE_ID, links={"Run": RUN}, fields={"n": 1})
    )
    assert (receipt.outcome, receipt.wait(5)) == ("queued", "delivered")
    told = sink.deliveries[0]
    assert (told.service, told.key, told.kind) == ("orders", receipt.key, Kind.FIRING)
    assert (told.alert.message, told.alert.root_cause, told.alert.trace_id) == (
        "GitHub answered 502",
        "timeout",
        TRACE_ID,
    )
    assert (told.alert.links, told.alert.fields) == ({"Run": RUN}, {"n": 1})


def test_the_same_failure_again_is_counted_and_told_after_the_window(
    alerter: Alerter, sink: Script, clock: FakeClock
) -> None:
    """A new trace id makes no new failure; the next message says how often it happened meanwhile."""
    alerter.send(alert(trace_id="a" * 32)).wait(5)
    clock.advance(60)
    repeats = [alerter.send(alert(trace_id=digit * 32)) for digit in "bcd"]
    assert [(receipt.outcome, receipt.wait(5)) for receipt in repeats] == [("duplicate", "duplicate")] * 3
    clock.advance(239)
    assert alerter.send(alert()).outcome == "duplicate"
    clock.advance(1)
    assert alerter.send(alert()).wait(5) == "delivered"
    assert [told.repeats.count for told in sink.deliveries] == [0, 4]
    assert sink.deliveries[1].repeats.last_ns - sink.deliveries[1].repeats.first_ns == 239 * 10**9
    assert alerter.stats()["suppressed_reported"] == 4


def test_a_failure_that_gets_worse_is_told_again(alerter: Alerter) -> None:
    """Within the window too; getting better is only counted once each."""
    outcomes = [
        alerter.send(alert(severity=severity)).outcome for severity in ("warning", "error", "critical")
    ]
    assert outcomes == ["queued"] * 3
    assert alerter.send(alert(severity="critical")).outcome == "duplicate"


def test_the_original_key_tells_every_trace(sink: Script, clock: FakeClock) -> None:
    """The rule that the original had is there for who wants it."""
    alerter = Alerter([sink], key=("severity", "message", "trace_id"), clock=clock)
    outcomes = [alerter.send(alert(trace_id=trace)).outcome for trace in ("a", "b", "a")]
    assert outcomes == ["queued", "queued", "duplicate"]
    alerter.close()


def test_a_key_function_decides(sink: Script, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> None:
    """A function names the incident; where it fails, the usual rule holds and one line says so."""
    alerter = Alerter([sink], key=lambda alert: alert.fields["job"], clock=clock)
    outcomes = [alerter.send(alert(text, fields={"job": 1})).outcome for text in ("a", "b")]
    assert outcomes == ["queued", "duplicate"]
    assert [alerter.send(alert(text)).outcome for text in ("a", "b", "b")] == [
        "queued",
        "queued",
        "duplicate",
    ]
    assert capsys.readouterr().err == "obskit: the key function failed: KeyError; using the usual rule\n"
    alerter.close()


def test_a_failed_delivery_is_tried_again(alerter: Alerter, sink: Script, clock: FakeClock) -> None:
    """Errors of the network and of the sink itself lose no alert, and the message stays the same one."""
    sink.errors = [SinkError("reset"), ValueError("bug"), SystemExit(1)]
    receipt = alerter.send(alert())
    assert alerter.stats()["pending"] == 1
    while receipt.wait(0.01) == "pending":
        clock.advance(2)
    assert (receipt.wait(5), len(sink.tried)) == ("delivered", 4)
    assert len({told.token for told in sink.tried}) == 1


def test_nothing_is_sent_before_the_service_allows(alerter: Alerter, sink: Script, clock: FakeClock) -> None:
    """Retry-After holds for everything that goes to that sink."""
    sink.errors = [SinkError("slow down", retry_after=30.0)]
    first = alerter.send(alert("a"))
    eventually(lambda: alerter._lanes[0]._breaker.rest(0) > 0)
    second = alerter.send(alert("b"))
    clock.advance(29.9)
    assert not alerter.flush(0.05)
    assert len(sink.tried) == 1
    clock.advance(0.2)
    assert (first.wait(5), second.wait(5)) == ("delivered", "delivered")


def test_a_delivery_that_fails_for_good_silences_nothing(
    alerter: Alerter, sink: Script, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next occurrence is sent once the service is tried again, and carries what was counted meanwhile."""
    sink.errors = [SinkError("down")] * 1000
    receipt = alerter.send(alert())
    eventually(lambda: len(sink.tried) == 1)
    assert alerter.send(alert()).outcome == "duplicate"
    while receipt.wait(0.01) == "pending":
        clock.advance(1)
    assert receipt.wait(5) == "failed"
    assert clock.monotonic_ns() <= 140 * 10**9
    sink.errors.clear()
    receipt = alerter.send(alert())
    clock.advance(60)
    assert receipt.wait(5) == "delivered"
    assert sink.deliveries[0].repeats.count == 1
    assert capsys.readouterr().err == "obskit: an alert was not delivered by Script-1: down\n"


def test_a_long_wait_loses_no_alert(alerter: Alerter, sink: Script, clock: FakeClock) -> None:
    """Neither the one that was told to wait nor those behind it."""
    sink.errors = [SinkError("slow down", retry_after=1800.0)] * 2
    first = alerter.send(alert("a"))
    eventually(lambda: len(sink.tried) == 1)
    second = alerter.send(alert("b"))
    advance_until(clock, 60, lambda: second.wait(0) == first.wait(0) == "delivered")
    assert clock.monotonic_ns() >= 3600 * 10**9


def test_a_service_that_always_asks_to_wait_is_given_up_after_an_hour(
    alerter: Alerter, sink: Script, clock: FakeClock
) -> None:
    """What is asked for is added to the time of a delivery up to then."""
    sink.errors = [SinkError("slow down", retry_after=300.0)] * 100
    receipt = alerter.send(alert())
    advance_until(clock, 60, lambda: receipt.wait(0) == "failed")
    assert 3600 * 10**9 <= clock.monotonic_ns() <= 4200 * 10**9


def test_a_long_wait_sends_an_alert_to_who_else_can_take_it(clock: FakeClock) -> None:
    """The fallback, or the dead letter sink."""
    slow = [Script(SinkError("slow down", retry_after=300.0)) for _ in range(2)]
    second, last = Memory(), Memory()
    alerters = [
        Alerter([Route(slow[0], fallback=second)], clock=clock),
        Alerter([slow[1]], dead_letter=last, clock=clock),
    ]
    assert [alerter.send(alert()).wait(5) for alerter in alerters] == ["delivered", "failed"]
    for alerter in alerters:
        alerter.close()
    assert (len(second.alerts), len(last.alerts)) == (1, 1)


class Unprintable(SinkRejected):
    """An error that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def test_a_broken_error_leaves_no_alert_unsettled(alerter: Alerter, sink: Script) -> None:
    """Whatever a sink raises, the receipt tells and the next occurrence is sent."""
    sink.errors = [Unprintable("odd")]
    assert alerter.send(alert()).wait(5) == "failed"
    assert alerter.send(alert()).wait(5) == "delivered"


def test_a_nonsensical_wait_is_an_ordinary_failure(alerter: Alerter, sink: Script, clock: FakeClock) -> None:
    """A sink of somebody else's may ask for anything."""
    sink.errors = [SinkError("wait", retry_after=float("nan"))]
    receipt = alerter.send(alert())
    while receipt.wait(0.01) == "pending":
        clock.advance(1)
    assert receipt.wait(5) == "delivered"


def test_a_rejected_alert_is_not_tried_again(alerter: Alerter, sink: Script) -> None:
    """The sink goes on with other alerts."""
    sink.errors = [SinkRejected("too odd")]
    assert alerter.send(alert("a")).wait(5) == "failed"
    assert alerter.send(alert("b")).wait(5) == "delivered"
    assert len(sink.tried) == 2


def test_a_revoked_sink_is_left_alone_and_told_once(
    alerter: Alerter, sink: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dead webhook gets no more requests; stderr has one line."""
    sink.errors = [SinkRejected("gone", revoked=True)]
    assert [alerter.send(alert(text)).wait(5) for text in "abc"] == ["failed"] * 3
    assert len(sink.tried) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_every_reason_why_a_sink_failed_is_told_once(
    alerter: Alerter, sink: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """That a sink is dead does not go unnoticed because it had refused an odd message before."""
    sink.errors = [SinkRejected("odd"), SinkRejected("odd"), SinkRejected("gone", revoked=True)]
    assert [alerter.send(alert(text)).wait(5) for text in "abcd"] == ["failed"] * 4
    assert [line.rsplit(": ", 1)[1] for line in capsys.readouterr().err.splitlines()] == ["odd", "gone"]


def test_each_sink_has_its_own_window(sink: Script, clock: FakeClock) -> None:
    """Delivered means by at least one; the other one hears of the next occurrence."""
    broken = Script(SinkRejected("no"))
    alerter = Alerter([sink, broken], clock=clock)
    assert alerter.send(alert()).wait(5) == "delivered"
    assert alerter.flush(5)
    second = alerter.send(alert())
    assert (second.outcome, second.wait(5)) == ("queued", "delivered")
    assert (len(sink.deliveries), len(broken.deliveries)) == (1, 1)
    alerter.close()
    assert_adds_up(alerter)


def test_a_hanging_sink_holds_up_no_other(sink: Script, clock: FakeClock) -> None:
    """Every sink has its own thread, and the caller waits for none."""
    stuck = Script()
    stuck.open.clear()
    alerter = Alerter([stuck, sink], clock=clock)
    begin = time.monotonic()
    receipts = [alerter.send(alert(text)) for text in "abc"]
    assert time.monotonic() - begin < 1
    assert [receipt.wait(5) for receipt in receipts] == ["delivered"] * 3
    stuck.open.set()
    alerter.close()


def test_routes_limit_by_severity(clock: FakeClock) -> None:
    """A sink hears what its route lets through; what nobody takes is disabled."""
    loud, calm = Memory(), Memory()
    alerter = Alerter([Route(loud), Route(calm, "critical")], clock=clock)
    outcomes = [alerter.send(alert(name, name)).outcome
                for name in ("warning", "error", "critical")]  # fmt: skip
    alerter.close()
    assert outcomes == ["disabled", "queued", "queued"]
    assert [told.severity for told in loud.alerts] == ["error", "critical"]
    assert [told.severity for told in calm.alerts] == ["critical"]


def test_switched_off_means_nothing_is_sent(sink: Script) -> None:
    """Flags off, alerts off; they are counted."""
    alerter = Alerter([sink], enabled=False)
    receipt = alerter.send(alert())
    assert (receipt.outcome, receipt.wait(), sink.tried) == ("disabled", "failed", [])
    assert alerter.stats()["disabled"] == 1


def test_a_muted_incident_is_quiet_for_its_time(alerter: Alerter, clock: FakeClock) -> None:
    """Muting ends by itself."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    alerter.mute(receipt.key, float("inf"))
    assert alerter.send(alert()).outcome == "muted"
    alerter.mute(receipt.key, 600)
    clock.advance(599)
    assert alerter.send(alert()).outcome == "muted"
    clock.advance(1)
    assert alerter.send(alert()).outcome == "queued"


def test_a_resolved_incident_is_told_and_starts_afresh(alerter: Alerter, sink: Script) -> None:
    """People learn that it is over, with the last count; the next occurrence is news again."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    _ = alerter.send(alert())
    assert alerter.resolve(receipt.key).wait(5) == "delivered"
    assert alerter.send(alert()).wait(5) == "delivered"
    assert [(told.kind, told.repeats.count) for told in sink.deliveries] == [
        ("firing", 0),
        ("recovery", 1),
        ("firing", 0),
    ]
    assert len({told.token for told in sink.deliveries}) == 3
    assert {told.key for told in sink.deliveries} == {receipt.key}


def test_a_recovery_goes_wherever_the_incident_was_told(clock: FakeClock) -> None:
    """Also to a sink that was told when it was at its worst, and not of what came after."""
    pager, channel = Memory(), Memory()
    alerter = Alerter([Route(pager, "critical"), channel], clock=clock)
    keys = {alerter.send(alert(severity=severity)).key for severity in ("critical", "error")}
    assert alerter.flush(5)
    assert alerter.resolve(keys.pop()).wait(5) == "delivered"
    alerter.close()
    assert [told.kind for told in pager.deliveries] == [Kind.FIRING, Kind.RECOVERY]
    assert [told.kind for told in channel.deliveries] == [Kind.FIRING, Kind.FIRING, Kind.RECOVERY]


def test_resolving_what_nobody_was_told_of_says_nothing(alerter: Alerter, sink: Script) -> None:
    """An unknown key is no error, and nobody is told twice."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    outcomes = [alerter.resolve(key).outcome for key in ("0" * 64, receipt.key, receipt.key)]
    assert outcomes == ["duplicate", "queued", "duplicate"]
    assert alerter.flush(5)
    assert len(sink.deliveries) == 2


def test_a_recovery_that_fails_loses_its_count_openly(alerter: Alerter, sink: Script) -> None:
    """Repeats that no message could report are counted as lost."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    _ = alerter.send(alert())
    sink.errors = [SinkRejected("no")]
    assert alerter.resolve(receipt.key).wait(5) == "failed"
    assert alerter.stats()["suppressed_lost"] == 1


def test_closing_reports_what_was_only_counted(alerter: Alerter, sink: Script) -> None:
    """One last message per sink sums up the repeats; then nothing more is sent."""
    for text, severity, times in (("disk full", "critical", 3), ("slow", "warning", 2), ("once", "error", 1)):
        for _ in range(times):
            alerter.send(alert(text, severity)).wait(5)
    alerter.close()
    alerter.close()
    last = sink.deliveries[-1]
    assert (last.kind, last.repeats.count, last.alert.severity) == (Kind.SUMMARY, 3, "critical")
    assert last.alert.message.splitlines()[1:] == ["2 x disk full", "1 x slow"]
    assert sink.closed
    assert alerter.send(alert("late")).outcome == "dropped"
    assert alerter.stats()["dropped_closed"] == 1
    assert alerter.resolve(last.key).outcome == "duplicate"
    assert alerter.stats()["suppressed_reported"] == alerter.stats()["duplicate"] == 3


def test_closing_gives_up_in_time(sink: Script, clock: FakeClock) -> None:
    """What could not be delivered is failed, not forgotten."""
    sink.open.clear()
    alerter = Alerter([sink], clock=clock)
    receipts = [alerter.send(alert(text)) for text in "ab"]
    eventually(lambda: len(sink.tried) == 1)
    alerter.close(0.05)
    assert receipts[1].wait(5) == "failed"
    sink.errors = [SinkError("late")]
    sink.open.set()
    assert receipts[0].wait(5) == "failed"
    assert_adds_up(alerter)


def test_what_hangs_at_the_end_goes_to_the_fallback(
    sink: Script, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told twice is better than told never, and the sink is closed by whoever is inside it."""
    sink.open.clear()
    second = Memory()
    alerter = Alerter([Route(sink, fallback=second)], clock=clock)
    receipts = [alerter.send(alert(text)) for text in "ab"]
    eventually(lambda: len(sink.tried) == 1)
    alerter.close(0.4)
    assert [receipt.wait(5) for receipt in receipts] == ["delivered"] * 2
    assert sorted(told.message for told in second.alerts) == ["a", "b"]
    assert "there was no time left at the end" in capsys.readouterr().err
    assert not sink.closed
    sink.open.set()
    eventually(lambda: sink.closed)
    assert alerter.stats()["delivered"] == alerter.stats()["sent"] == 2


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_in_the_middle_of_a_delivery_leaves_it_to_its_parent(
    sink: Script, clock: FakeClock
) -> None:
    """It gives up nothing that is not its own."""
    sink.open.clear()
    second = Memory()
    alerter = Alerter([Route(sink, fallback=second)], clock=clock)
    receipt = alerter.send(alert())
    eventually(lambda: len(sink.tried) == 1)

    def check() -> bool:
        alerter.close(0.1)
        return not second.alerts and receipt.wait(0) == "pending"

    assert in_child(check)
    sink.open.set()
    assert receipt.wait(5) == "delivered"
    alerter.close()


def test_an_interruption_leaves_no_silence(
    alerter: Alerter, sink: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler may raise at any point; the next occurrence is sent."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(alerter._lanes[0]._worker, "submit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _ = alerter.send(alert())
    assert alerter.send(alert()).wait(5) == "delivered"


def test_a_full_queue_drops_and_counts(
    alerter: Alerter, sink: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded; a dropped alert silences nothing."""
    sink.open.clear()
    _ = alerter.send(alert("a"))
    eventually(lambda: len(sink.tried) == 1)
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 1)
    outcomes = [alerter.send(alert(text)).outcome for text in ("b", "c", "c")]
    assert outcomes == ["queued", "dropped", "dropped"]
    assert alerter.stats()["dropped_full"] == 2


def test_a_recovery_is_dropped_openly_too(alerter: Alerter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery that finds the queue full is counted like any alert."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 0)
    assert alerter.resolve(receipt.key).outcome == "dropped"


def test_a_recovery_is_retried(alerter: Alerter, sink: Script, clock: FakeClock) -> None:
    """It is worth as much as the alert."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    sink.errors = [SinkError("reset")]
    recovery = alerter.resolve(receipt.key)
    while recovery.wait(0.01) == "pending":
        clock.advance(1)
    assert recovery.wait(5) == "delivered"


def test_memory_is_bounded(alerter: Alerter) -> None:
    """Muted keys and incidents do not pile up."""
    for number in range(1_010):
        alerter.mute(str(number), 60)
    assert len(alerter._muted) == 1_000


def test_a_receipt_shows_what_it_knows(alerter: Alerter) -> None:
    """For people who print it."""
    receipt = alerter.send(alert())
    receipt.wait(5)
    assert repr(receipt) == f"Receipt('queued', 'delivered', key='{receipt.key}')"


def test_a_full_queue_of_one_sink_does_not_drop_for_the_other(
    sink: Script, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert is delivered by whoever can."""
    alerter = Alerter([Script(), sink], clock=clock)
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 0)
    assert alerter.send(alert()).wait(5) == "delivered"
    alerter.close()
    assert_adds_up(alerter)


def test_alerting_about_alerting_is_refused(clock: FakeClock) -> None:
    """A sink that sends an alert while it delivers starts no storm."""
    inner: list[Receipt] = []

    def tell(_: Delivery) -> None:
        inner.append(looping.send(alert("inner")))

    looping = Alerter([Callback(tell)], clock=clock)
    assert looping.send(alert()).wait(5) == "delivered"
    assert inner[0].outcome == "dropped"
    assert looping.stats()["dropped_inside"] == 1
    looping.close()


@given(hostile_alerts)
@settings(max_examples=50)
def test_send_never_raises_and_every_alert_is_delivered(what: Alert) -> None:
    """Whatever an alert holds, it arrives."""
    memory = Memory()
    alerter = Alerter([memory])
    assert alerter.send(what).wait(5) == "delivered"
    assert len(memory.alerts) == 1
    alerter.close()


@pytest.mark.parametrize("what", [None, "disk full", 7])
def test_what_is_no_alert_is_dropped(what: Any, alerter: Alerter, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake of the caller does not reach the caller; stderr says so once."""
    receipt = alerter.send(what)
    assert (receipt.outcome, receipt.wait(0)) == ("dropped", "failed")
    assert capsys.readouterr().err == "obskit: an alert was dropped: AttributeError\n"


def test_stderr_may_be_gone(alerter: Alerter, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nobody left to tell then, and nothing breaks."""
    monkeypatch.setattr(sys, "stderr", None)
    assert alerter.send(None).outcome == "dropped"  # type: ignore[arg-type]


def test_an_error_between_decision_and_queue_silences_nothing(
    alerter: Alerter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window opens only for what was delivered."""
    with monkeypatch.context() as patch:
        patch.setattr("obskit.alerts.alerter.secured", lambda *_: 1 / 0)
        assert alerter.send(alert()).outcome == "dropped"
    assert alerter.send(alert()).wait(5) == "delivered"


@pytest.mark.parametrize("window", [0, -1, float("inf"), float("nan"), "300", None, True])
def test_a_wrong_window_is_refused(window: Any) -> None:
    """The error names the setting and what it takes."""
    with pytest.raises(ConfigError, match="window must be a number of seconds above 0"):
        Alerter([], window=window)


@pytest.mark.parametrize("key", ["message", (), ("message", "colour"), ("__class__",)])
def test_a_wrong_key_is_refused(key: Any) -> None:
    """Only what an alert has can be part of a key."""
    with pytest.raises(ConfigError, match="key must be a function or some of"):
        Alerter([], key=key)


def test_a_wrong_sink_or_severity_is_refused() -> None:
    """The error says what was given."""
    with pytest.raises(ConfigError, match="sinks must be alert sinks or routes, got 'discord'"):
        Alerter(["discord"])  # type: ignore[list-item]
    with pytest.raises(ConfigError, match="sinks must be a list of alert sinks, got Memory"):
        Alerter(Memory())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="min_severity must be one of warning, error, critical, got 'loud'"):
        Route(Memory(), "loud")


# --- a shared place ---


def test_two_alerters_with_a_shared_place_tell_once(clock: FakeClock) -> None:
    """Another process has told already: the alert becomes a duplicate, and its count is handed on."""
    shared, sinks = MemoryDedupe(clock=clock), [Script(), Script()]
    first, second = (Alerter([sink], dedupe=shared, clock=clock) for sink in sinks)
    assert first.send(alert()).wait(5) == "delivered"
    receipt = second.send(alert())
    assert (receipt.outcome, receipt.wait(5)) == ("queued", "duplicate")
    clock.advance(300)
    assert second.send(alert()).wait(5) == "delivered"
    assert [len(sink.deliveries) for sink in sinks] == [1, 1]
    assert sinks[1].deliveries[0].repeats.count == 1
    for alerter in (first, second):
        alerter.close()
        assert_adds_up(alerter)


def test_a_shared_lease_is_renewed_while_the_delivery_is_retried(clock: FakeClock) -> None:
    """A long wait lets no second process in; a failure lets it in at once."""
    shared = MemoryDedupe(clock=clock)
    slow, other = Script(SinkError("wait", retry_after=60.0)), Script()
    first, second = (Alerter([sink], dedupe=shared, clock=clock) for sink in (slow, other))
    receipt = first.send(alert())
    eventually(lambda: len(slow.tried) == 1 and not first._inside)
    assert not first.flush(0.05)
    clock.advance(45)
    assert second.send(alert()).wait(5) == "duplicate"
    slow.errors = [SinkRejected("no")]
    clock.advance(16)
    assert receipt.wait(5) == "failed"
    clock.advance(60)
    assert second.send(alert()).wait(5) == "delivered"
    for alerter in (first, second):
        alerter.close()


def test_who_has_lost_the_shared_lease_asks_again(clock: FakeClock) -> None:
    """Somebody else has told meanwhile: the alert is a duplicate, and what it was to report is theirs."""
    shared = MemoryDedupe(clock=clock)
    sink = Script(SinkError("wait", retry_after=60.0), SinkError("wait", retry_after=60.0))
    alerter = Alerter([sink], dedupe=shared, clock=clock)
    receipt = alerter.send(alert())
    eventually(lambda: len(sink.tried) == 1 and not alerter._inside)
    (mark,) = shared._marks
    shared.end(mark)
    shared.lease(mark, "other", 30.0, Repeats())
    shared.delivered(mark, "other", 300.0)
    clock.advance(60)
    eventually(lambda: len(sink.tried) == 2 and not alerter._inside)
    clock.advance(60)
    assert (receipt.wait(5), len(sink.tried)) == ("duplicate", 2)
    alerter.close()


def test_what_was_counted_in_a_place_that_ends_with_us_is_told_at_the_end(clock: FakeClock) -> None:
    """A place in memory keeps nothing for others."""
    memory = Memory()
    alerter = Alerter([memory], dedupe=MemoryDedupe(clock=clock), clock=clock)
    assert alerter.send(alert()).wait(5) == "delivered"
    _ = alerter.send(alert())
    alerter.close()
    assert [told.repeats.count for told in memory.deliveries] == [0, 1]


class Unreachable(MemoryDedupe):
    """A shared place that is down."""

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """Fail."""
        raise StoreError("down")

    def close(self) -> None:
        """Fail with something unexpected."""
        raise RuntimeError("down")


def test_a_shared_place_that_is_down_stops_no_alert(
    sink: Script, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """The local window decides alone, and stderr says so once."""
    alerter = Alerter([sink], dedupe=Unreachable(clock=clock), clock=clock)
    assert [alerter.send(alert(text)).wait(5) for text in "aab"] == ["delivered", "duplicate", "delivered"]
    alerter.close()
    assert capsys.readouterr().err == "obskit: Unreachable failed: down; alerts may come twice\n"


# --- secrets, fork and exit ---


def test_no_secret_leaves_in_an_alert(alerter: Alerter, sink: Script) -> None:
    """Text, fields, links, exceptions, fingerprint and the service's own words are redacted."""
    secret = "ghp_" + "fake1234" * 5
    sink.errors = [SinkRejected(f"bad token {secret}")]
    what = alert(
        f"login with {secret} failed",
        root_cause=ValueError(f"token={secret}"),
        trace_id=f"{secret}",
        links={f"run {secret}": f"https://user:{secret}@example.com/?token={secret}"},
        fields={"token": secret, "note": [f"see {secret}"], secret: 1},
        fingerprint=f"login {secret}",
    )
    alerter.send(what).wait(5)
    assert secret[4:] not in repr(sink.tried)


def test_stderr_shows_no_secret(alerter: Alerter, sink: Script, capsys: pytest.CaptureFixture[str]) -> None:
    """What a sink raises may quote its token."""
    secret = "ghp_" + "fake1234" * 5
    sink.errors = [SinkRejected(f"bad token {secret}\nsecond line")]
    alerter.send(alert()).wait(5)
    told = capsys.readouterr().err
    assert "second line" in told
    assert told.count("\n") == 1
    assert secret[4:] not in told


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_sends_nothing_of_its_parent(alerter: Alerter, sink: Script) -> None:
    """What is on its way stays with the parent; the child tells of its own failures, also of the same one."""
    alerter.send(alert("told")).wait(5)
    sink.open.clear()
    _ = alerter.send(alert("on its way"))
    eventually(lambda: len(sink.tried) == 2)

    def check() -> bool:
        sink.open.set()
        sink.tried.clear()
        outcomes = [alerter.send(alert(text)).outcome for text in ("told", "on its way")]
        done = alerter.flush(5) and len(sink.tried) == 1
        return done and outcomes == ["duplicate", "queued"] and alerter.stats()["sent"] == 2

    assert in_child(check)


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30, check=False
    )


def test_an_exiting_process_delivers_and_sums_up() -> None:
    """Nothing has to be closed by hand."""
    done = run(
        """
        import time
        import obskit
        from obskit.alerts import Alert, Alerter
        from obskit.alerts.sinks import Callback

        def tell(delivery):
            time.sleep(0.05)
            print(delivery.kind, delivery.alert.message, delivery.repeats.count, flush=True)

        alerter = Alerter([Callback(tell)])
        for message in ("one", "two", "one"):
            alerter.send(Alert(severity="error", message=message))
        """
    )
    assert done.stdout.splitlines() == [
        "firing one 0",
        "firing two 0",
        "summary Stopping. Since they were last told, these happened again:",
        "1 x one 1",
    ]
    assert (done.stderr, done.returncode) == ("", 0)


def test_an_alerter_that_is_closed_while_an_alert_is_on_its_way_says_so(
    sink: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may close it after the alert was looked at, before it is queued."""
    closing = Alerter([sink])

    def close_first(*_: object) -> bool:
        closing.close()
        return False

    monkeypatch.setattr(type(closing._lanes[0]), "submit", close_first)
    receipt = closing.send(alert("x"))
    assert (receipt.outcome, receipt.wait(0)) == ("dropped", "failed")
    assert_adds_up(closing)
