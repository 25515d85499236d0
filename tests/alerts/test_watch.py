"""What has no message of its own is told later: repeats, storms, and what a sink did not take."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from obskit.alerts import Alerter, Kind, Route, Severity
from obskit.alerts.breaker import Breaker
from obskit.alerts.dedupe import MemoryDedupe
from obskit.alerts.lane import Job
from obskit.alerts.receipt import Ledger, Receipt
from obskit.alerts.sinks import Callback, Memory
from obskit.alerts.window import NO_REPEATS, Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected
from obskit.testing import FakeClock
from tests.alerts.messages import RUN, TRACE_ID, alert, delivery
from tests.alerts.recorded import Script, advance_until, assert_adds_up
from tests.test_worker import eventually, in_child, needs_fork

WORDS = ["ash", "beech", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine", "rowan", "yew"]


@pytest.fixture
def sink() -> Script:
    """A sink that accepts everything until it is told otherwise."""
    return Script()


def repeats_told(sink: Script) -> int:
    """All that messages have told of."""
    return sum(delivery.repeats.count for delivery in sink.deliveries)


def together(threads: int, run: Callable[[], object]) -> None:
    """Call *run* in several threads at the same time."""
    barrier = threading.Barrier(threads)

    def go() -> None:
        barrier.wait(10)
        run()

    started = [threading.Thread(target=go) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


# --- repeats ---


@pytest.fixture
def telling(sink: Script, clock: FakeClock) -> Iterator[Alerter]:
    """An alerter that tells of repeats when their window ends."""
    alerter = Alerter([sink], digest=True, clock=clock)
    yield alerter
    alerter.close(1)
    assert_adds_up(alerter)


def test_repeats_are_told_when_their_window_ends(telling: Alerter, sink: Script, clock: FakeClock) -> None:
    """A storm that stops is reported, with its count; then it is quiet."""
    telling.send(alert(trace_id=TRACE_ID, links={"Run": RUN})).wait(5)
    clock.advance(100)
    for _ in range(3):
        telling.send(alert()).wait(5)
    clock.advance(199)
    assert [telling.flush(5), len(sink.deliveries)] == [True, 1]
    clock.advance(1)
    eventually(lambda: len(sink.deliveries) == 2)
    told = sink.deliveries[1]
    assert (told.kind, told.alert.message, told.repeats.count) == (Kind.SUMMARY, "GitHub answered 502", 3)
    assert (told.alert.trace_id, told.alert.links) == (None, {})
    assert told.key == sink.deliveries[0].key
    assert telling.stats()["suppressed_reported"] == 3
    clock.advance(10_000)
    assert [telling.flush(5), len(sink.deliveries)] == [True, 2]


def test_a_digest_begins_a_window(telling: Alerter, sink: Script, clock: FakeClock) -> None:
    """Nobody is told twice within one."""
    telling.send(alert()).wait(5)
    telling.send(alert()).wait(5)
    clock.advance(300)
    eventually(lambda: len(sink.deliveries) == 2 and telling.flush(5))
    assert telling.send(alert()).outcome == "duplicate"
    clock.advance(300)
    eventually(lambda: len(sink.deliveries) == 3)
    assert [told.repeats.count for told in sink.deliveries] == [0, 1, 1]


def test_a_digest_is_told_by_one_of_two_processes(clock: FakeClock) -> None:
    """The other one hands over what it has counted, and both counts come in the end."""
    shared, sinks = MemoryDedupe(clock=clock), [Script(), Script()]
    alerters = [Alerter([sink], digest=True, dedupe=shared, clock=clock) for sink in sinks]
    for _ in range(2):
        for alerter in alerters:
            alerter.send(alert()).wait(5)
    assert len(sinks[0].deliveries + sinks[1].deliveries) == 1
    advance_until(clock, 10, lambda: sum(map(repeats_told, sinks)) == 3)
    ends = sorted(told.time_ns for sink in sinks for told in sink.deliveries)
    assert all(later - earlier >= 300 * 10**9 for earlier, later in pairwise(ends))
    for alerter in alerters:
        alerter.close()


def test_a_digest_of_a_forgotten_incident_names_its_key(
    telling: Alerter, sink: Script, clock: FakeClock
) -> None:
    """The count is not lost."""
    key = telling.send(alert()).key
    telling.flush(5)
    telling.send(alert()).wait(5)
    telling._incidents.pop((key, Severity.ERROR))
    clock.advance(300)
    eventually(lambda: len(sink.deliveries) == 2)
    told = sink.deliveries[1]
    assert (told.alert.message, told.alert.severity, told.repeats.count) == (
        f"A failure happened again: {key[:8]}",
        "error",
        1,
    )


def test_flush_and_close_keep_to_their_time_however_slow_the_shared_place_is(clock: FakeClock) -> None:
    """What it has not taken by then is told in the last message."""

    class Slow(MemoryDedupe):
        def count(self, key: str, repeats: Repeats, /) -> None:
            time.sleep(0.05)
            super().count(key, repeats)

    sink, shared = Script(), Slow(clock=clock)
    alerter = Alerter([sink], dedupe=shared, clock=clock)
    for _ in range(2):
        for word in (f"{one} {other}" for one in WORDS for other in WORDS):
            assert alerter.send(alert(word)).key
    began = time.monotonic()
    alerter.flush(1.0)
    alerter.close(1.0)
    assert time.monotonic() - began < 5  # of the 7 that it would take
    kept = sum(mark.unreported.count for mark in shared._marks.values())
    assert kept + repeats_told(sink) == len(WORDS) ** 2
    assert_adds_up(alerter)


def test_threads_that_send_at_once_start_one_watch(clock: FakeClock) -> None:
    """Its chores have a place each; a second look would take that of a storm."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            alerter = Alerter([Memory()], digest=True, clock=clock)
            together(4, lambda alerter=alerter: alerter._watch.start())  # type: ignore[misc]
            assert alerter._watch._worker.pending == 1
            alerter.close(0)
    finally:
        sys.setswitchinterval(interval)


def test_also_a_window_that_began_after_the_last_look_is_told_when_it_ends(
    sink: Script, clock: FakeClock
) -> None:
    """However short it is."""
    alerter = Alerter([sink], window=3.0, digest=True, clock=clock)
    sink.open.clear()
    receipt = alerter.send(alert())
    eventually(lambda: alerter._watch._worker._seconds_to_next() is not None)  # it has looked
    sink.open.set()
    assert receipt.wait(5) == "delivered"
    assert alerter.send(alert()).outcome == "duplicate"
    clock.advance(3)
    eventually(lambda: repeats_told(sink) == 1)
    alerter.close(1)


def once_more_after_the_window(alerter: Alerter, sink: Script, clock: FakeClock) -> Receipt:
    """Send what happened three times within a window once more, to a sink that does not answer any more."""
    assert [alerter.send(alert()).wait(5) for _ in range(4)] == ["delivered", *["duplicate"] * 3]
    clock.advance(300)
    sink.open.clear()
    receipt = alerter.send(alert())
    eventually(lambda: len(sink.tried) == 2)
    return receipt


def test_what_a_message_on_its_way_reports_is_not_told_again_at_the_end(
    sink: Script, clock: FakeClock
) -> None:
    """Nobody is told that something happened 0 times."""
    alerter = Alerter([sink], clock=clock)
    receipt = once_more_after_the_window(alerter, sink, clock)
    threading.Timer(0.1, sink.open.set).start()
    alerter.close(5)
    assert receipt.wait(0) == "delivered"
    assert [told.repeats.count for told in sink.deliveries] == [0, 3]


def test_what_a_message_that_did_not_arrive_in_time_was_to_report_is_counted(
    sink: Script, clock: FakeClock
) -> None:
    """It is left for the others where a place is shared, and in the stats."""

    class Place(MemoryDedupe):
        """Outlives us."""

    place = Place(clock=clock)
    for dedupe in (None, place):
        sink.tried.clear()
        alerter = Alerter([sink], dedupe=dedupe, clock=clock)
        receipt = once_more_after_the_window(alerter, sink, clock)
        alerter.close(0.1)
        assert receipt.wait(0) == "failed"
        left = alerter.stats()["suppressed_pending"]
        left += sum(mark.unreported.count for mark in place._marks.values())
        assert left == 3
        assert_adds_up(alerter)
        sink.open.set()


# --- storms ---


def test_a_storm_is_told_of_in_one_message(sink: Script, clock: FakeClock) -> None:
    """More than people can read is held back, counted, and named once, without secrets."""
    alerter = Alerter([Route(sink, burst=3, per_minute=1)], clock=clock)
    secret = "ghp_" + "fake1234" * 5
    outcomes = [alerter.send(alert(f"{word} {secret} fell")).outcome for word in WORDS]
    assert outcomes == ["queued"] * 3 + ["throttled"] * 9
    alerter.send(alert(f"yew {secret} fell")).wait(5)
    assert alerter.flush(5)
    clock.advance(59)
    assert [alerter.flush(5), len(sink.deliveries)] == [True, 3]
    advance_until(clock, 1, lambda: len(sink.deliveries) == 4)
    digest = sink.deliveries[3]
    lines = digest.alert.message.splitlines()
    assert (digest.kind, digest.repeats.count, len(lines)) == (Kind.SUMMARY, 10, 10)
    assert lines[:2] == [
        "A storm: 10 alerts had no message of their own, among them:",
        "2 x yew ***1234 fell",
    ]
    assert secret[4:] not in repr(sink.deliveries)
    assert alerter.send(alert("one more")).wait(5) == "delivered"
    alerter.close()
    stats = alerter.stats()
    assert (stats["throttled"], stats["throttled_reported"]) == (10, 10)
    assert_adds_up(alerter)


def test_a_storm_of_warnings_hides_no_critical_alert(sink: Script, clock: FakeClock) -> None:
    """Each severity has tokens of its own; the digest is as bad as the worst that it tells of."""
    alerter = Alerter([Route(sink, "warning", burst=1, per_minute=1)], clock=clock)
    outcomes = [
        alerter.send(alert(word, severity)).outcome
        for word, severity in [
            ("ash", "warning"),
            ("elm", "warning"),
            ("oak", "critical"),
            ("fir", "critical"),
        ]
    ]
    assert outcomes == ["queued", "throttled", "queued", "throttled"]
    alerter.close()
    assert [told.alert.severity for told in sink.deliveries][-1] == "critical"


def test_what_a_storm_holds_back_at_one_sink_goes_to_the_other(sink: Script, clock: FakeClock) -> None:
    """And what was held back is news there once the storm is over."""
    calm = Script()
    alerter = Alerter([Route(calm, burst=1, per_minute=60), sink], clock=clock)
    assert [alerter.send(alert(word)).outcome for word in WORDS[:2]] == ["queued"] * 2
    assert alerter.flush(5)
    clock.advance(1)
    assert alerter.send(alert(WORDS[1])).wait(5) == "delivered"
    alerter.close()
    assert calm.messages[:2] == WORDS[:2]
    assert sink.messages == [
        *WORDS[:2],
        "Stopping. Since they were last told, these happened again:\n1 x beech",
    ]


def test_a_digest_that_fails_is_accounted_for(sink: Script, clock: FakeClock) -> None:
    """Nothing is silently lost."""
    alerter = Alerter([Route(sink, burst=1, per_minute=1)], clock=clock)
    for message in ("ash", 7, "ash", "elm"):
        alerter.send(alert(message)).wait(5)  # type: ignore[arg-type]
    sink.errors = [SinkRejected("no")] * 9
    alerter.close()
    stats = alerter.stats()
    assert (stats["throttled"], stats["throttled_lost"], stats["suppressed_lost"]) == (2, 2, 1)
    assert_adds_up(alerter)


def test_a_digest_that_finds_no_place_is_accounted_for(
    sink: Script, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue may be full; of a storm of many messages the first ten are named."""
    alerter = Alerter([Route(sink, burst=1, per_minute=1)], clock=clock)
    for word in WORDS:
        alerter.send(alert(word)).wait(5)
    assert len(alerter._lanes[0].storm._messages) == 10
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 0)
    alerter.close()
    assert alerter.stats()["throttled_lost"] == len(WORDS) - 1


def test_nobody_tells_of_what_is_being_told(telling: Alerter, sink: Script) -> None:
    """A message that is on its way carries the repeats."""
    telling.send(alert()).wait(5)
    (mark,) = telling._lanes[0].windows._marks
    telling._watch._tell_again(telling._lanes[0], mark)
    assert telling.flush(5)
    assert len(sink.deliveries) == 1


def test_what_was_counted_is_handed_to_the_shared_place(sink: Script, clock: FakeClock) -> None:
    """With each flush, and what a message on its way reports stays with it."""

    class Elsewhere(MemoryDedupe):
        """Stands for a place that goes on without us."""

    shared = Elsewhere(clock=clock)
    alerter = Alerter([sink], dedupe=shared, clock=clock)
    alerter.send(alert()).wait(5)
    alerter.send(alert()).wait(5)
    assert alerter.flush(5)
    (mark,) = shared._marks
    assert shared.take(mark).count == 1
    clock.advance(300)
    alerter._lanes[0].windows.count(mark, Repeats(2, 1, 1))
    alerter._lanes[0].windows.lease(mark, "other", 60.0, NO_REPEATS)
    assert alerter.flush(5)
    assert shared.take(mark) == NO_REPEATS
    alerter.close()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_tells_of_its_own_repeats(telling: Alerter, sink: Script, clock: FakeClock) -> None:
    """The watch starts anew there."""
    telling.send(alert()).wait(5)
    telling.send(alert()).wait(5)

    def check() -> bool:
        sink.deliveries.clear()
        telling.send(alert()).wait(5)
        clock.advance(300)
        eventually(lambda: len(sink.deliveries) == 1)
        return sink.deliveries[0].repeats.count == 1

    assert in_child(check)


# --- a service that fails again and again ---


def test_a_service_that_fails_is_left_alone_for_a_while(sink: Script, clock: FakeClock) -> None:
    """After five failures in a row no message is tried for half a minute; then one finds out."""
    sink.errors = [SinkError("down")] * 5
    alerter = Alerter([sink], clock=clock, jitter=lambda longest: 0.0)
    receipts = [alerter.send(alert(word)) for word in WORDS]
    worker = alerter._lanes[0]._worker
    eventually(
        lambda: (
            len(sink.tried) == 5
            and not worker._busy
            and all(entry.due_ns > clock.monotonic_ns() for entry in worker._queue)
        )
    )
    clock.advance(29)
    assert not alerter.flush(0.2)
    assert len(sink.tried) == 5
    clock.advance(1)
    assert [receipt.wait(5) for receipt in receipts] == ["delivered"] * len(WORDS)
    alerter.close()


def test_an_outage_costs_those_that_found_out_and_nobody_else(sink: Script, clock: FakeClock) -> None:
    """Behind them messages wait for as long as it takes, and the service is hardly bothered."""
    sink.errors = [SinkError("down")] * 10_000
    alerter = Alerter([sink], clock=clock)
    receipts = [alerter.send(alert(word)) for word in WORDS]
    advance_until(clock, 10, lambda: clock.monotonic_ns() > 600 * 10**9)
    assert len(sink.tried) < 20
    sink.errors.clear()
    advance_until(clock, 10, lambda: all(receipt.wait(0) != "pending" for receipt in receipts))
    assert [receipt.wait(0) for receipt in receipts].count("delivered") >= 6
    alerter.close()


def test_a_service_that_is_never_back_is_asked_every_minute() -> None:
    """However often it has failed."""
    breaker = Breaker()
    for _ in range(2_000):
        breaker.failed(0)
    assert breaker.rest(0) == 60


def test_the_fallback_is_told_while_the_service_is_left_alone(sink: Script, clock: FakeClock) -> None:
    """And the service again once it works."""
    second = Script()
    sink.errors = [SinkError("down")] * 5
    alerter = Alerter([Route(sink, fallback=second)], clock=clock, jitter=lambda longest: 0.0)
    assert [alerter.send(alert(word)).wait(5) for word in WORDS[:4]] == ["delivered"] * 4
    assert alerter.flush(5)
    assert (sink.messages, second.messages) == ([], WORDS[:4])
    assert alerter.send(alert(WORDS[0])).outcome == "duplicate"
    clock.advance(30)
    assert alerter.send(alert(WORDS[4])).wait(5) == "delivered"
    alerter.close()
    assert sink.messages[0] == WORDS[4]
    assert second.closed
    assert_adds_up(alerter)


def test_the_fallback_is_told_what_was_refused(sink: Script) -> None:
    """And no other sink hears of what it refuses as well, but the last one of all."""
    second, last = Script(SinkRejected("no")), Memory()
    sink.errors = [SinkRejected("no"), SinkRejected("no")]
    alerter = Alerter([Route(sink, fallback=second)], dead_letter=last)
    assert [alerter.send(alert(word)).wait(5) for word in WORDS[:3]] == ["failed", "delivered", "delivered"]
    assert (sink.messages, second.messages) == ([WORDS[2]], [WORDS[1]])
    alerter.close()
    assert [told.message for told in last.alerts] == [WORDS[0]]
    assert alerter.stats()["dead_letters"] == 1


def test_a_fallback_that_alerts_about_itself_is_refused(sink: Script) -> None:
    """It is a sink like any other."""
    outcomes: list[str] = []
    alerter: Alerter
    sink.errors = [SinkRejected("no")]
    second = Callback(lambda delivery: outcomes.append(alerter.send(alert("inner")).outcome))
    alerter = Alerter([Route(sink, fallback=second)])
    assert alerter.send(alert()).wait(5) == "delivered"
    alerter.close()
    assert outcomes == ["dropped"]


def test_a_full_fallback_is_no_place_to_go(sink: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert has failed then."""
    sink.errors = [SinkRejected("no")]
    alerter = Alerter([Route(sink, fallback=Script())])
    fallback = alerter._lanes[0].fallback
    assert fallback is not None
    monkeypatch.setattr(fallback._worker, "_capacity", 0)
    assert alerter.send(alert()).wait(5) == "failed"
    alerter.close()


def test_a_dead_letter_sink_that_fails_is_told_once(sink: Script, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nobody left after it."""
    sink.errors = [SinkRejected("no")] * 2
    last = Script(SinkError("full"), SinkError("full"))
    alerter = Alerter([sink], dead_letter=last)
    assert [alerter.send(alert(word)).wait(5) for word in WORDS[:2]] == ["failed"] * 2
    alerter.close()
    assert capsys.readouterr().err.count("the dead letter sink failed: SinkError") == 1


def test_a_storm_is_told_while_the_spool_is_full_of_work(clock: FakeClock, tmp_path: Path) -> None:
    """What waits for its next try takes no place from what is to be told."""
    sink = Script(SinkError("wait", retry_after=300.0))
    alerter = Alerter([Route(sink, burst=5, per_minute=1)], spool=tmp_path / "spool.db", clock=clock)
    receipts = [alerter.send(alert(word)) for word in WORDS[:5]]
    assert [receipt.wait(5) for receipt in receipts] == ["spooled"] * 5
    assert alerter.send(alert("one too many")).outcome == "throttled"
    advance_until(clock, 10, lambda: any("A storm" in text for text in sink.messages))
    alerter.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fallback": "discord"}, "sinks must be alert sinks or routes, got 'discord'"),
        ({"burst": 0}, "burst must be a whole number of at least 1, got 0"),
        ({"burst": True}, "burst must be a whole number of at least 1, got True"),
        ({"per_minute": 0}, "per_minute must be a number above 0, got 0"),
        ({"per_minute": float("inf")}, "per_minute must be a number above 0, got inf"),
    ],
)
def test_a_wrong_route_is_refused(settings: Any, message: str) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match=message):
        Route(Memory(), **settings)


def test_a_wrong_dead_letter_sink_is_refused() -> None:
    """As any other sink."""
    with pytest.raises(ConfigError, match="sinks must be alert sinks or routes, got list"):
        Alerter([], dead_letter=[])  # type: ignore[arg-type]


# --- asyncio ---


def test_a_coroutine_waits_for_a_receipt_without_holding_up_the_loop(sink: Script) -> None:
    """Others run meanwhile; every way an alert may end is told."""
    sink.open.clear()
    alerter = Alerter([sink])

    async def main() -> list[str]:
        receipt = alerter.send(alert())
        waiting = asyncio.ensure_future(_result(receipt))
        given_up = asyncio.ensure_future(_result(receipt))
        await asyncio.sleep(0)
        assert not waiting.done()
        given_up.cancel()
        sink.open.set()
        return [await waiting, await receipt, await alerter.send(alert()), await alerter.resolve("none")]

    async def _result(receipt: Any) -> str:
        return str(await receipt)

    assert asyncio.run(main()) == ["delivered", "delivered", "duplicate", "duplicate"]
    alerter.close()


def test_a_loop_that_is_gone_is_told_nothing(sink: Script) -> None:
    """The delivery goes on."""
    sink.open.clear()
    alerter = Alerter([sink])
    receipt = alerter.send(alert())

    async def main() -> None:
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(_wait())), 0.01)

    async def _wait() -> None:
        await receipt

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    sink.open.set()
    assert receipt.wait(5) == "delivered"
    alerter.close()


def test_a_coroutine_that_was_cancelled_waits_no_more() -> None:
    """The result comes to the others."""

    async def main() -> bool:
        ledger = Ledger()
        receipt = Receipt("queued", "key", ledger, sinks=1)

        async def wait() -> None:
            await receipt

        given_up = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        given_up.cancel()
        ledger.settled(Job(delivery=delivery(), receipt=receipt), "delivered")
        await asyncio.sleep(0)
        return given_up.cancelled() and await receipt == "delivered"

    assert asyncio.run(main())


def test_a_coroutine_that_asks_again_and_again_leaves_nothing_behind() -> None:
    """An outage may last, and a program may look every second what has become of its alert."""

    async def main() -> Receipt:
        receipt = Receipt("queued", "key", Ledger(), sinks=1)
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(receipt, 0.001)
        return receipt

    assert asyncio.run(main())._waiting == ()
