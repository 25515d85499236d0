"""With a spool an alert outlives its process, however it ends."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from obskit.alerts import Alert, Alerter, Delivery, Kind, Route
from obskit.alerts.dedupe import SQLiteDedupe
from obskit.alerts.sinks import Memory
from obskit.alerts.spool import _read, _written
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected
from obskit.testing import FakeClock
from tests.alerts.messages import RUN, TRACE_ID, alert, delivery, hostile_deliveries
from tests.alerts.recorded import Script, advance_until, assert_adds_up
from tests.test_worker import eventually, in_child, needs_fork

WORDS = ("ash", "beech", "cedar", "elm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the spool lies."""
    return tmp_path / "alerts.db"


@pytest.fixture
def stuck() -> Iterator[Script]:
    """A sink that hangs until the test is over."""
    sink = Script()
    sink.open.clear()
    yield sink
    sink.open.set()


def rows(path: Path) -> int:
    """Messages that lie in the spool."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM spool").fetchone()[0]
        return count


def left_behind(path: Path, *words: str, **more: Any) -> None:
    """Leave alerts in the spool as a process does that is killed."""
    code = f"""
        import os
        from obskit.alerts import Alert, Alerter
        from obskit.alerts.dedupe import SQLiteDedupe
        from obskit.alerts.sinks import Callback
        from threading import Event

        started = Event()
        def hang(delivery):
            started.set()
            Event().wait()

        alerter = Alerter([Callback(hang)], spool={str(path)!r}, **{more!r})
        for word in {words!r}:
            links = {{"Run": {RUN!r}}}
            alerter.send(Alert(severity="error", message=word, trace_id={TRACE_ID!r}, links=links))
        assert not {words!r} or started.wait(10)
        os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=60, check=False)


def test_a_signal_handler_may_close_what_is_looking_into_the_spool(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in the same thread, which cannot wait for itself."""
    alerter = Alerter([Memory()], spool=path)
    spool = alerter._terms.spool
    assert spool is not None
    claim = spool.claim

    def interrupted(limit: int) -> object:
        monkeypatch.undo()
        alerter.close(1)
        return claim(limit)

    monkeypatch.setattr(spool, "claim", interrupted)
    thread = threading.Thread(target=alerter.flush, args=(1,), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_what_is_delivered_leaves_the_spool(path: Path) -> None:
    """The file does not grow."""
    memory = Memory()
    alerter = Alerter([memory, Memory()], spool=path)
    assert [alerter.send(alert(word)).wait(5) for word in WORDS] == ["delivered"] * 4
    assert alerter.flush(5)
    assert (rows(path), alerter.stats()["written"]) == (0, 8)
    alerter.close()


def test_a_killed_process_loses_nothing(path: Path) -> None:
    """The next one delivers what was said, with the token of the first attempt."""
    left_behind(path, *WORDS)
    assert rows(path) == 4
    sink = Script()
    alerter = Alerter([sink], spool=path)
    assert alerter.flush(10)
    assert sorted(sink.messages) == sorted(WORDS)
    told = sink.deliveries[0]
    assert (told.alert.trace_id, told.alert.links, told.service) == (TRACE_ID, {"Run": RUN}, "app")
    assert rows(path) == 0
    assert alerter.stats()["spool_delivered"] == 4
    assert alerter.send(alert("ash")).outcome == "queued"  # of another service: the one left was of "app"
    alerter.close()
    assert not list(path.parent.glob("*-owner-*"))


def test_the_window_of_what_was_left_begins_with_its_delivery(path: Path) -> None:
    """The same failure is not told twice."""
    left_behind(path, "ash")
    sink = Script()
    alerter = Alerter([sink], spool=path)
    key = alerter.flush(10) and sink.deliveries[0].key
    marks = alerter._lanes[0].windows._marks
    assert [mark.startswith(str(key)) for mark in marks] == [True]
    alerter.close()


def test_what_was_left_counts_where_it_is_being_told_already(path: Path, clock: FakeClock) -> None:
    """A new occurrence that came first has told people; the repeats that it was to tell of count, too."""
    left_behind(path, "ash")
    repeats = "'$.repeats.count', 2, '$.repeats.first_ns', 1, '$.repeats.last_ns', 2"
    with sqlite3.connect(path) as connection:
        (mark,) = connection.execute("SELECT mark FROM spool").fetchone()
        connection.execute(f"UPDATE spool SET delivery = json_set(delivery, {repeats})")
    sink = Script()
    alerter = Alerter([sink], spool=path, clock=clock)
    alerter._lanes[0].windows.lease(mark, "other", 60.0, Repeats())
    assert alerter.flush(10)
    eventually(lambda: rows(path) == 0)
    assert not sink.deliveries
    assert alerter._lanes[0].windows.end(mark).count == 3
    alerter.close()


def test_what_the_killed_process_had_told_is_not_told_again_with_a_shared_place(
    path: Path, tmp_path: Path
) -> None:
    """Its lease is taken over; its window holds."""
    marks = tmp_path / "marks.db"
    left_behind(path, "ash", "beech")
    with sqlite3.connect(path) as connection:
        first, second = connection.execute("SELECT mark, lease FROM spool ORDER BY row").fetchall()
    place = SQLiteDedupe(marks)
    for mark, lease in (first, second):
        place.lease(mark, lease, 30.0, Repeats())
    place.delivered(first[0], first[1], 300.0)
    sink = Script()
    alerter = Alerter([sink], spool=path, dedupe=place)
    assert alerter.flush(10)
    assert sink.messages == ["beech"]
    assert (alerter.stats()["spool_duplicate"], rows(path)) == (1, 0)
    alerter.close()


def test_no_time_at_the_end_means_spooled(path: Path, stuck: Script) -> None:
    """The receipt says so, and the next process goes on."""
    alerter = Alerter([stuck], spool=path)
    first, second = (alerter.send(alert(word)) for word in ("ash", "beech"))
    alerter.close(0.05)
    assert second.wait(0) == "spooled"
    assert_adds_up(alerter)
    sink = Script()
    later = Alerter([sink], spool=path)
    assert later.flush(10)
    assert "beech" in sink.messages
    later.close()
    stuck.open.set()
    eventually(lambda: first.wait(0) != "pending")


def test_an_outage_longer_than_all_patience_is_survived(path: Path, clock: FakeClock) -> None:
    """What was not delivered in time is tried again half a minute later, by the same process too."""
    sink = Script(*[SinkError("down")] * 1_000)
    alerter = Alerter([sink], spool=path, clock=clock)
    receipt = alerter.send(alert())
    while receipt.wait(0.01) == "pending":
        clock.advance(10)
    assert (receipt.wait(0), rows(path)) == ("spooled", 1)
    sink.errors.clear()
    advance_until(clock, 10, lambda: rows(path) == 0)
    assert sink.messages == ["GitHub answered 502"]
    assert alerter.send(alert()).outcome == "duplicate"
    alerter.close()
    assert_adds_up(alerter)


def test_recoveries_and_summaries_are_kept_too(path: Path, clock: FakeClock) -> None:
    """Whatever people are to be told."""
    sink = Script()
    alerter = Alerter([sink], spool=path, clock=clock)
    receipts = [alerter.send(alert(word)) for word in ("ash", "beech", "beech")]
    assert alerter.flush(5)
    sink.errors = [SinkRejected("gone", revoked=True)]
    assert alerter.resolve(receipts[0].key).wait(5) == "spooled"
    alerter.close()
    later = Script()
    alerter = Alerter([later], spool=path, clock=clock)
    assert alerter.flush(5)
    assert [(told.kind, told.repeats.count) for told in later.deliveries] == [
        (Kind.RECOVERY, 0),
        (Kind.SUMMARY, 1),
    ]
    alerter.close()


def test_what_is_refused_for_good_is_not_kept(path: Path) -> None:
    """It would be refused again; but a webhook that is revoked may be put right."""
    sink = Script(SinkRejected("no"), SinkRejected("gone", revoked=True))
    alerter = Alerter([sink], spool=path)
    assert [alerter.send(alert(word)).wait(5) for word in WORDS[:3]] == ["failed", "spooled", "spooled"]
    alerter.close()
    assert rows(path) == 2


def test_a_full_queue_is_no_loss(path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk holds what memory does not."""
    sink = Script()
    alerter = Alerter([sink], spool=path, clock=clock)
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 0)
    receipt = alerter.send(alert())
    assert (receipt.outcome, receipt.wait(5), rows(path)) == ("queued", "spooled", 1)
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 9)
    assert alerter.flush(5)
    assert sink.messages == ["GitHub answered 502"]
    alerter.close()


def test_a_queue_that_is_full_when_the_spool_is_read_gives_back(
    path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing gets lost between disk and memory."""
    left_behind(path, "ash")
    sink = Script()
    alerter = Alerter([sink], spool=path, enabled=False, clock=clock)
    monkeypatch.setattr(alerter._lanes[0]._worker, "_capacity", 0)
    assert alerter.flush(5)
    assert rows(path) == 1
    alerter.close()
    later = Alerter([sink], spool=path)
    assert later.flush(5)
    assert sink.messages == ["ash"]
    later.close()


def test_living_processes_keep_what_is_theirs(path: Path, stuck: Script) -> None:
    """A second process on the same spool waits for the end of the first."""
    first = Alerter([stuck], spool=path)
    _ = first.send(alert("ash"))
    sink = Script()
    second = Alerter([sink], spool=path)
    assert second.flush(5)
    assert (sink.messages, rows(path)) == ([], 1)
    second.close()
    stuck.open.set()
    assert first.flush(5)
    first.close()


def test_messages_go_to_a_sink_that_takes_them_if_theirs_is_gone(path: Path) -> None:
    """A new set-up still tells people, and best those who would have been told."""
    left_behind(path, "ash")
    critical, rest = Script(), Script()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE spool SET lane = 'Pager-9'")
    alerter = Alerter([Route(critical, "critical"), rest], spool=path)
    assert alerter.flush(5)
    assert (critical.messages, rest.messages) == ([], ["ash"])
    alerter.close()
    left_behind(path, "beech")
    alerter = Alerter([Route(critical, "critical")], spool=path)
    assert alerter.flush(5)
    assert critical.messages == ["beech"]
    alerter.close()


def test_without_sinks_the_spool_is_left_alone(path: Path) -> None:
    """There is nobody to tell."""
    left_behind(path, "ash")
    alerter = Alerter([], spool=path)
    assert alerter.flush(5)
    alerter.close()
    assert rows(path) == 1


def test_an_unreadable_message_is_left_out_and_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are delivered."""
    left_behind(path, "ash", "beech")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE spool SET delivery = '{' WHERE row = 1")
    sink = Script()
    alerter = Alerter([sink], spool=path)
    assert alerter.flush(5)
    alerter.close()
    assert sink.messages == ["beech"]
    assert "a message in the spool cannot be read" in capsys.readouterr().err


def test_a_broken_disk_stops_no_alert(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Alerts go on in memory, and stderr says so once."""
    sink = Script()
    alerter = Alerter([sink], spool=path)
    alerter.close()
    path.unlink()
    path.mkdir()
    alerter = Alerter.__new__(Alerter)
    with pytest.raises(ConfigError, match="spool must be the path of an SQLite file"):
        alerter.__init__([sink], spool=path)  # type: ignore[misc]


def test_a_disk_that_breaks_later_stops_no_alert(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Alerts go on in memory, and stderr says so once."""
    sink = Script()
    alerter = Alerter([sink], spool=path)
    for name in path.parent.glob(path.name + "*"):
        name.unlink()
    path.mkdir()
    assert [alerter.send(alert(word)).wait(5) for word in WORDS] == ["delivered"] * 4
    assert alerter.flush(5)
    assert alerter.stats()["spool_failures"] >= 4
    assert capsys.readouterr().err.count("the spool failed") == 1
    path.rmdir()
    alerter.close()


def test_a_disk_that_breaks_meanwhile_stops_no_delivery(path: Path) -> None:
    """What cannot be taken off the disk may be told twice; that is better than not at all."""
    sink = Script()
    sink.open.clear()
    alerter = Alerter([sink], spool=path)
    receipt = alerter.send(alert())
    eventually(lambda: len(sink.tried) == 1)
    for name in path.parent.glob(path.name + "*"):
        name.unlink()
    path.mkdir()
    sink.open.set()
    assert receipt.wait(5) == "delivered"
    path.rmdir()
    alerter.close()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_owns_only_what_it_sends(path: Path, stuck: Script) -> None:
    """The parent's messages stay the parent's while it lives."""
    alerter = Alerter([stuck], spool=path)
    _ = alerter.send(alert("of the parent"))
    eventually(lambda: len(stuck.tried) == 1)

    def check() -> bool:
        stuck.open.set()
        _ = alerter.send(alert("of the child"))
        return alerter.flush(5) and stuck.messages == ["of the child"] and rows(path) == 1

    assert in_child(check)
    stuck.open.set()
    assert alerter.flush(5)
    assert rows(path) == 0
    alerter.close()


def test_no_secret_is_written_to_disk(path: Path, stuck: Script) -> None:
    """What lies there has been through the gate."""
    secret = "ghp_" + "fake1234" * 5
    alerter = Alerter([stuck], spool=path)
    _ = alerter.send(alert(f"login with {secret}", fields={"token": secret}, labels={"tenant": secret}))
    eventually(lambda: len(stuck.tried) == 1)
    for name in path.parent.iterdir():
        assert secret[4:].encode() not in name.read_bytes()
    stuck.open.set()
    alerter.close()


@given(hostile_deliveries)
@settings(max_examples=50)
def test_any_message_comes_back_from_disk_as_it_was(what: Delivery) -> None:
    """Everything that a sink may show."""
    back = _read(_written(what))
    assert _read(_written(back)) == back
    assert (back.token, back.key, back.kind, back.repeats) == (what.token, what.key, what.kind, what.repeats)
    assert back.alert.message == what.alert.message
    assert back.alert.fields == what.alert.fields


def test_repeats_and_kind_come_back_too() -> None:
    """A summary stays one."""
    told = delivery(Alert(severity="critical", message="m"), repeats=Repeats(3, 5, 9), kind=Kind.SUMMARY)
    assert _read(_written(told)) == told


KILLED = """
    import os, sys
    from obskit.alerts import Alert, Alerter
    from obskit.alerts.sinks import Callback

    def word(number):
        return "".join(chr(97 + int(digit)) for digit in str(number))

    def tell(delivery):
        os.write(delivered, (delivery.alert.message + "\\n").encode())

    delivered = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    alerter = Alerter([Callback(tell)], spool=sys.argv[1])
    os.write(1, b"ready\\n")
    for number in range(int(sys.argv[3]), int(sys.argv[3]) + 400):
        alerter.send(Alert(severity="error", message=word(number)))
        os.write(1, (word(number) + "\\n").encode())
    alerter.close(60)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.timeout(600)  # two hundred interpreters start
def test_killed_at_two_hundred_points_nothing_is_lost(path: Path, tmp_path: Path) -> None:
    """Whatever send() has returned for is delivered in the end; at most one message twice for each kill."""
    random = Random(11)
    accepted: list[str] = []
    told = tmp_path / "delivered"
    for point in range(200):
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(told), str(point * 400)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            accepted += [process.stdout.readline().decode().strip() for _ in range(random.randrange(60))]
            process.kill()
            accepted += process.stdout.read().decode().split()
    last = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), str(told), str(200 * 400)]
    accepted += subprocess.run(last, capture_output=True, text=True, check=True, timeout=120).stdout.split()[
        1:
    ]
    delivered = told.read_text().split()
    assert set(accepted) <= set(delivered)
    assert len(delivered) - len(set(delivered)) <= 200
    assert rows(path) == 0
