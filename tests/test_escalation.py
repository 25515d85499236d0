"""Error lines and uncaught exceptions become alerts where that was asked for."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import obskit
from obskit.alerts import Alert, Alerter, Delivery
from obskit.alerts.dedupe import MemoryDedupe
from obskit.alerts.sinks import Callback, Memory
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError
from obskit.testing import FakeClock


@pytest.fixture
def memory() -> Memory:
    """A sink that keeps alerts."""
    return Memory()


@pytest.fixture
def alerts(memory: Memory) -> Iterator[Callable[[], list[Alert]]]:
    """Returns the alerts so far, under a set-up in which errors become alerts."""
    alerter = Alerter([memory])
    runtime = obskit.configure(service="orders", output=io.BytesIO(), alerter=alerter, alert_level="error")

    def flushed() -> list[Alert]:
        assert runtime.flush(5)
        return memory.alerts

    yield flushed
    runtime.close()


log = obskit.get_logger("orders.billing")


def test_an_error_line_becomes_an_alert(alerts: Callable[[], list[Alert]]) -> None:
    """The template is the message, so that the line's own values make no new failure."""
    log.warn("slow")
    for number in (4711, 4712):
        log.error("order %s could not be billed", number, tries=3)
    (alert,) = alerts()
    assert (alert.severity, alert.message) == ("error", "order %s could not be billed")
    assert alert.fields == {
        "text": "order 4711 could not be billed", "tries": 3, "logger": "orders.billing",
    }  # fmt: skip


def test_an_exception_is_the_root_cause(alerts: Callable[[], list[Alert]]) -> None:
    """Its type and its place tell failures apart."""
    try:
        raise LookupError("no such article")
    except LookupError:
        log.exception("failed")
    log.error("failed")
    assert [alert.root_cause for alert in alerts()] == ["LookupError: no such article", None]


def test_critical_lines_are_critical(alerts: Callable[[], list[Alert]]) -> None:
    """The level gives the severity."""
    log.critical("stopped")
    assert [alert.severity for alert in alerts()] == ["critical"]


def test_records_of_the_standard_library_count_too(alerts: Callable[[], list[Alert]]) -> None:
    """With their template; the level that is asked for is the lowest."""
    for shard in (1, 2):
        logging.getLogger("discord").error("shard %d lost", shard)
    assert [(alert.message, alert.fields["text"]) for alert in alerts()] == [
        ("shard %d lost", "shard 1 lost")
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_caught_becomes_an_alert(
    alerts: Callable[[], list[Alert]], capsys: pytest.CaptureFixture[str]
) -> None:
    """In threads and in the program itself."""

    def fail() -> None:
        raise LookupError("no such article")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except LookupError as error:
        sys.excepthook(LookupError, error, error.__traceback__)
    told = {(alert.severity, alert.message, alert.root_cause) for alert in alerts()}
    assert told == {
        ("error", "uncaught exception in a thread", "LookupError: no such article"),
        ("critical", "uncaught exception", "LookupError: no such article"),
    }
    assert capsys.readouterr().err.count("LookupError") == 2


def test_the_lines_before_the_error_are_attached_within_bounds(alerts: Callable[[], list[Alert]]) -> None:
    """The latest of what the flight recorder has kept, without secrets, and the trace's id."""
    with obskit.trace("/order", user_id="42") as trace:
        for number in range(30):
            log.debug("looked up", article="lamp" * 100, api_key="not-a-real-key", number=number)
        log.error("no such article")
    (alert,) = alerts()
    lines = str(alert.fields["recorded"]).splitlines()
    assert alert.trace_id == trace.trace_id
    assert len(lines) == 10
    assert max(map(len, lines)) <= 200
    assert "debug looked up article=lamp" in lines[0]
    assert "number=29" in lines[-1]
    assert "not-a-real-key" not in str(lines)


def test_an_error_that_is_logged_after_its_trace_still_has_its_lines(
    alerts: Callable[[], list[Alert]],
) -> None:
    """Frameworks catch what a command raises and log it outside; the next error has no part in it."""
    with pytest.raises(LookupError), obskit.trace("/order") as trace:
        log.debug("looked up")
        raise LookupError
    log.error("ignoring an exception in a command")
    log.error("something else")
    first, second = alerts()
    assert (first.trace_id, second.trace_id) == (trace.trace_id, None)
    assert str(first.fields["recorded"]).endswith("debug looked up")
    assert "recorded" not in second.fields


def test_an_error_long_after_a_failed_trace_is_not_about_it(memory: Memory) -> None:
    """Two seconds are enough for who caught it."""
    clock = FakeClock()
    with obskit.configure(
        output=io.BytesIO(), alerter=Alerter([memory]), alert_level="error", hooks=False, clock=clock
    ):
        with pytest.raises(LookupError), obskit.trace("/order"):
            raise LookupError
        clock.advance(3)
        log.error("something else")
    assert [alert.trace_id for alert in memory.alerts] == [None]


def test_what_a_sink_logs_never_alerts(memory: Memory) -> None:
    """Nor do the lines that obskit writes itself."""

    def tell(delivery: Delivery) -> None:
        log.error("a sink that complains")
        logging.getLogger("urllib3").error("connection lost")
        memory.emit(delivery)

    alerter = Alerter([Callback(tell)])
    with obskit.configure(output=io.BytesIO(), alerter=alerter, alert_level="error") as runtime:
        with pytest.raises(LookupError), obskit.trace("/order"):
            raise LookupError
        log.error("failed")
        assert runtime.flush(5)
    assert [alert.message for alert in memory.alerts] == ["failed"]
    assert alerter.stats()["dropped_inside"] == 2


def test_what_a_shared_place_logs_never_alerts(memory: Memory) -> None:
    """Its client may complain in the thread that flushes."""

    class Complaining(MemoryDedupe):
        def count(self, key: str, repeats: Repeats, /) -> None:
            log.error("the client complains")
            super().count(key, repeats)

    alerter = Alerter([memory], dedupe=Complaining())
    with obskit.configure(output=io.BytesIO(), alerter=alerter, alert_level="error") as runtime:
        for _ in range(2):
            log.error("failed")
            assert runtime.flush(5)
    assert [alert.message for alert in memory.alerts] == ["failed"]


def test_a_value_that_logs_errors_when_it_is_looked_at_starts_no_storm(
    alerts: Callable[[], list[Alert]],
) -> None:
    """What is logged while an alert is made makes none."""

    class Loud:
        def __repr__(self) -> str:
            log.error("looked at")
            return "<Loud>"

    log.error("failed", value=Loud())
    assert "failed" in [alert.message for alert in alerts()]


def test_errors_are_lines_only_unless_asked_otherwise(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment asks for it too."""
    with obskit.configure(output=io.BytesIO(), alerter=Alerter([memory])):
        log.error("quiet")
    monkeypatch.setenv("OBSKIT_ALERT_LEVEL", "warn")
    with obskit.configure(output=io.BytesIO(), alerter=Alerter([memory]), capture_logging=False):
        log.warn("loud")
    assert [(alert.message, alert.severity) for alert in memory.alerts] == [("loud", "warning")]


@pytest.mark.parametrize("level", ["loud", 3.5])
def test_a_wrong_level_is_refused(level: Any) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match="alert_level must be one of"):
        obskit.configure(alert_level=level)
