"""What an alert costs the caller while its sink hangs: a repeat, a new one, and the slowest of a hundred."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable

import obskit
from benchmarks.measure import Contender, Scenario
from obskit.alerts import Alert, Alerter, Route
from obskit.alerts.lane import CAPACITY
from obskit.alerts.sinks import Callback

_SAID = {
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "links": {"Run": "https://github.com/o/r/actions/runs/77"},
    "fields": {"attempt": 3, "command": "/diagnose"},
}


def _hanging() -> Alerter:
    obskit.configure(service="bench", level="critical", capture_logging=False, hooks=False)
    never = threading.Event()
    return Alerter([Route(Callback(lambda _: never.wait()), burst=10**9)])


def _repeat() -> Callable[[], object]:
    alerter = _hanging()
    alert = Alert(severity="error", message="GitHub answered 502 for run 4711", **_SAID)  # type: ignore[arg-type]
    return lambda: alerter.send(alert)


def _repeat_of_another_run() -> Callable[[], object]:
    alerter = _hanging()
    alerts = itertools.cycle(
        Alert(severity="error", message=f"GitHub answered 502 for run {number}", **_SAID)  # type: ignore[arg-type]
        for number in range(5_000)
    )
    return lambda: alerter.send(next(alerts))


def _new() -> Callable[[], object]:
    """Queue a new alert each time, in a new alerter whenever the queue is full."""
    alerters = (_hanging() for _ in itertools.count())
    names = map("".join, itertools.product("abcdefghij", repeat=7))
    alerter, number = next(alerters), 0

    def call() -> None:
        nonlocal alerter, number
        number += 1
        if number == CAPACITY:
            alerter, number = next(alerters), 1
        _ = alerter.send(Alert(severity="error", message=f"failure of {next(names)}", **_SAID))  # type: ignore[arg-type]

    return call


def _floor() -> Callable[[], object]:
    told: dict[str, float] = {}

    def call() -> bool:
        key = hashlib.sha256(b"error" + b"GitHub answered 502 for run 4711").hexdigest()
        now = time.monotonic()
        if told.get(key, 0.0) > now:
            return False
        told[key] = now + 300.0
        return True

    return call


def _slowest_of_a_hundred(call: Callable[[], object]) -> float:
    """Return the 99th percentile of single calls, in microseconds."""
    took = []
    for _ in range(1_000):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return sorted(took)[-10] * 1e6


_FLOOR = Contender("floor: SHA-256 and a dict", _floor)

SCENARIOS = (
    Scenario(
        "Alert that repeats, decided in the caller",
        _FLOOR,
        (Contender("obskit", _repeat), Contender("obskit, of another run", _repeat_of_another_run)),
    ),
    Scenario("Alert that is new, redacted and queued", _FLOOR, (Contender("obskit", _new),)),
    Scenario(
        "Alerts while the sink hangs, 99th percentile",
        _FLOOR,
        (Contender("obskit, repeat", _repeat), Contender("obskit, new", _new)),
        measure=_slowest_of_a_hundred,
    ),
)
