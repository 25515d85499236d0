"""Two occurrences of one failure are one incident; two failures are two."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.alerts import Alert
from obskit.alerts.key import incident_key, normalised
from tests.alerts.messages import alert, hostile_alerts
from tests.strategies import any_text

SAME = [
    ("run 4711 failed", "run 4712 failed"),
    ("job 0af76519-16cd-43dd-8448-eb211c80319c died", "job 1bf76519-16cd-43dd-8448-eb211c80319d died"),
    ("commit 9f8e7d6c5b not found", "commit 1a2b3c4d5e not found"),
    ("at 0x7f3a9c04 access violation", "at 0x7f3a9c88 access violation"),
    ("since 2026-01-02T03:04:05.678Z", "since 2026-11-25T16:00:00Z"),
    ("since 2026-01-02 03:04:05,678+02:00", "since 2026-01-02 03:04:06,678+02:00"),
    ("on 2026-01-02", "on 2026-01-03"),
    ("at 12:00:01 it stopped", "at 12:00:02.5 it stopped"),
    ("timed out after 30.1 s", "timed out after 2.75 s"),
    ("timed out after 30s", "timed out after 31s"),
    ("took 1500ms", "took 900ms"),
    ("only 12 MB left", "only 7 MB left"),
    ("read 17 bytes", "read 99 bytes"),
    ("guild 123456789012345678 is gone", "guild 876543210987654321 is gone"),
    ("user alice@example.com unknown", "user bob+x@mail.example.org unknown"),
    ("connect to db.example.com:5432", "connect to db.example.com:5433"),
    ("connect to 10.0.0.1:5432", "connect to 10.0.0.1:40112"),
    ("connect to localhost:80", "connect to localhost:8080"),
    ("connect to [::1]:80", "connect to [::1]:8080"),
    ("bot.py:12 failed", "bot.py:17 failed"),
    ("user 'alice' not found", "user 'bob' not found"),
    ('unknown option "x y"', 'unknown option "z"'),
    ("issue #12 is closed", "issue #13 is closed"),
    ("user_id=42 is blocked", "user_id=43 is blocked"),
    ("error on line 12, column 3", "error on line 99, column 40"),
    (
        "GET https://api.example.com/v1/runs/123?page=2 failed",
        "GET https://api.example.com/v1/runs/99 failed",
    ),
    ("GET https://api.example.com:8443/a", "GET https://api.example.com:9443/a"),
    ("ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid 01BX5ZZKBKACTAV9WEVGEMMVRZ"),
    ("two   spaces\nand a line", "two spaces and a line"),
    ("x" * 3000 + "a", "x" * 3000 + "b"),
]

DIFFERENT = [
    ("GitHub answered 502", "GitHub answered 403"),
    ("HTTP (403)", "HTTP (500)"),
    ("status:403", "status:500"),
    ("answer '403' came", "answer '500' came"),
    ("host a.example.com is down", "host b.example.com is down"),
    ("cannot reach 'a.example.com'", "cannot reach 'b.example.com'"),
    ("connect to a.example.com:80", "connect to b.example.com:80"),
    ("connect to 10.0.0.1", "connect to 10.0.0.2"),
    ("exit code 1", "exit code 2"),
    ("error code 10015", "error code 50035"),
    ("shard 3 lost", "shard 4 lost"),
    ("disk full", "disk fail"),
    ("can't connect, won't retry", "can't log in, won't retry"),
    ("GET https://api.example.com/v1/runs failed", "GET https://api.example.com/v2/runs failed"),
    ("GET https://api.example.com/users failed", "GET https://api.example.com/teams failed"),
    ("decade defaced", "facade effaced"),
    ("Python 3.11 is too old", "Python 3.12 is too old"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_ids_times_and_sizes_do_not_tell_failures_apart(first: str, second: str) -> None:
    """What every occurrence has anew is left out of the key."""
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_two_failures_stay_two(first: str, second: str) -> None:
    """A status code, a host or a small number may be all the difference."""
    assert normalised(first) != normalised(second)


@given(any_text)
def test_normalising_never_raises_and_settles(text: str) -> None:
    """Any text has a normal form."""
    assert isinstance(normalised(text), str)


@pytest.mark.parametrize(
    "piece", ["a", "1", "a.", "a@", "'", "f0-", "http://", "12:", "1.1", "- ", "id=", "\\", "/1"]
)
def test_normalising_takes_linear_time(piece: str) -> None:
    """No message, however made, holds up the caller."""
    begin = time.perf_counter()
    normalised(piece * 100_000)
    assert time.perf_counter() - begin < 0.25


def boom_here() -> None:
    """Raise in one place."""
    raise ValueError("boom")


def boom_there() -> None:
    """Raise the same in another place."""
    raise ValueError("boom")


def caught(function: Callable[[], None]) -> BaseException:
    """Return what *function* raises."""
    try:
        function()
    except ValueError as error:
        return error
    raise AssertionError


def key(what: Alert, service: str = "orders") -> str:
    """The incident key by the usual rule."""
    return incident_key(what, service=service)


def test_ids_of_the_occurrence_are_no_part_of_the_key() -> None:
    """Trace id, links, fields, severity and the words of the cause differ from time to time."""
    first = alert(
        trace_id="a" * 32, links={"Run": "https://e/1"}, fields={"n": 1}, root_cause="reset by peer"
    )
    second = alert(severity="critical", trace_id="b" * 32, root_cause="timeout")
    assert key(first) == key(second)
    assert len(key(first)) == 64


def test_type_and_place_of_the_exception_are_part_of_the_key() -> None:
    """The same words from two places are two failures; from one place one."""
    here, again, there = caught(boom_here), caught(boom_here), caught(boom_there)
    assert key(alert(root_cause=here)) == key(alert(root_cause=again))
    keys = {key(alert(root_cause=cause)) for cause in (here, there, ValueError(), KeyError(), None)}
    assert len(keys) == 5


def test_the_service_is_part_of_the_key() -> None:
    """Two services that share a dedupe store do not silence each other."""
    assert key(alert(), "orders") != key(alert(), "billing")


def test_a_fingerprint_overrides_everything_but_the_service() -> None:
    """Who names the incident decides."""
    assert key(alert("a", fingerprint="db")) == key(alert("b", fingerprint="db"))
    assert key(alert("a", fingerprint="db")) != key(alert("a", fingerprint="disk"))


def test_parts_do_not_run_into_one_another() -> None:
    """Plain concatenation would merge these."""
    rule = ("message", "trace_id")
    first, second = alert("disk full ", trace_id="1abc"), alert("disk full 1", trace_id="abc")
    assert incident_key(first, service="s", rule=rule) != incident_key(second, service="s", rule=rule)


@given(hostile_alerts, st.sampled_from([None, ("severity", "message", "trace_id"), lambda what: what.fields]))
def test_any_alert_has_a_key(what: Alert, rule: object) -> None:
    """Also with values whose own code raises."""
    assert len(incident_key(what, service="s", rule=rule)) == 64  # type: ignore[arg-type]
