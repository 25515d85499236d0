"""A log call becomes one line, whatever it is given."""

from __future__ import annotations

import _thread
import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.errors import SinkError
from obskit.runtime import CELL
from obskit.testing import FakeClock, capture
from tests.strategies import Hostile, any_text, any_value


class Lines:
    """A sink that keeps lines, and fails when it is told to."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.error: Exception | None = None

    def emit(self, line: bytes, /) -> None:
        """Keep *line* or raise."""
        if self.error is not None:
            raise self.error
        self.raw.append(line)

    def close(self) -> None:
        """Do nothing: everything is in memory."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines, decoded."""
        return [json.loads(line) for line in self.raw]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of a program that is set up with a known clock."""
    sink = Lines()
    with obskit.configure(service="shop", output=sink, clock=FakeClock(), capture_logging=False, hooks=False):
        yield sink


def test_a_line_has_the_core_fields_in_their_order(lines: Lines) -> None:
    """Names and order are those that dashboards know."""
    with obskit.bound_context(cmd="/status", user_id="42", correlation_id="c", trace_id="t", guild="g"):
        obskit.get_logger("bot", component="github").info("done", runs=3)
    assert list(lines.events[0].items()) == [
        ("ts", "2023-11-14T22:13:20.000000+00:00"),
        ("level", "info"),
        ("service", "shop"),
        ("fn", "test_a_line_has_the_core_fields_in_their_order"),
        ("trace_id", "t"),
        ("correlation_id", "c"),
        ("user_id", "42"),
        ("cmd", "/status"),
        ("msg", "done"),
        ("guild", "g"),
        ("component", "github"),
        ("runs", 3),
        ("logger", "bot"),
    ]


def test_context_that_is_not_set_is_left_out(lines: Lines) -> None:
    """No field stands there empty."""
    obskit.get_logger().info("done")
    assert list(lines.events[0]) == ["ts", "level", "service", "fn", "msg"]


@pytest.mark.parametrize("method", ["debug", "info", "warn", "warning", "error", "critical", "exception"])
def test_each_method_writes_its_level(method: str) -> None:
    """`warning` is `warn`, and `exception` is an error."""
    sink = Lines()
    with obskit.configure(level="debug", output=sink, capture_logging=False, hooks=False):
        getattr(obskit.get_logger(), method)("x")
    expected = {"warning": "warn", "exception": "error"}.get(method, method)
    assert [event["level"] for event in sink.events] == [expected]


def test_levels_by_name_apply_to_everything_below_the_name() -> None:
    """The longest known prefix of a logger's name decides."""
    sink = Lines()
    levels = {"noisy": "error", "noisy.useful": "debug"}
    with obskit.configure(output=sink, levels=levels, capture_logging=False, hooks=False):
        for name in ("noisy", "noisy.http", "noisy.useful.deep", "noisyother", None):
            obskit.get_logger(name).info(name or "none")
    assert [event["msg"] for event in sink.events] == ["noisy.useful.deep", "noisyother", "none"]


def test_bound_fields_stand_on_each_line_of_their_logger(lines: Lines) -> None:
    """bind() and unbind() make new loggers and leave the old one alone."""
    log = obskit.get_logger(a=1)
    log.bind(b=2, a=3).info("both")
    log.bind(b=2).unbind("a", "unknown").info("one")
    log.info("old")
    shown = [{name: event[name] for name in ("a", "b") if name in event} for event in lines.events]
    assert shown == [{"a": 3, "b": 2}, {"b": 2}, {"a": 1}]


def test_a_field_of_the_call_wins_over_bound_and_context(lines: Lines) -> None:
    """The nearest value counts, also for names of the context."""
    obskit.set_context(user_id="context", x=1)
    obskit.get_logger(user_id="bound", x=2).info("done", x=3)
    obskit.clear_context()
    assert (lines.events[0]["user_id"], lines.events[0]["x"]) == ("bound", 3)


@pytest.mark.parametrize("name", ["ts", "level", "service", "fn", "error", "stack", "event", "logger", "msg"])
def test_a_field_cannot_pose_as_a_core_field(lines: Lines, name: str) -> None:
    """The value is kept next to ours, under the name with an underscore."""
    obskit.get_logger("bot").info("done", **{name: "mine"})
    event = lines.events[0]
    assert event[f"{name}_"] == "mine"
    assert event.get(name) != "mine"


def test_both_a_core_name_and_its_stand_in_are_kept(lines: Lines) -> None:
    """No field is lost to another one's new name."""
    obskit.get_logger().info("done", level="a", level_="b")
    event = lines.events[0]
    assert (event["level__"], event["level_"]) == ("a", "b")


@pytest.mark.parametrize("name", ["self", "args", "fields", "name", "exc_text", "lineno", "message", "extra"])
def test_every_other_name_can_be_a_field(lines: Lines, name: str) -> None:
    """Names that collide in other loggers are ordinary here."""
    obskit.get_logger().info("done", **{name: 1})
    assert lines.events[0][name] == 1


@pytest.mark.parametrize(
    ("call", "msg"),
    [
        (("100%",), "100%"),
        (("%s of %d", "one", 3), "one of 3"),
        (("%(a)s", {"a": 1}), "1"),
        (("%s", {}), "{}"),
        ((7,), "7"),
        ((ValueError("x"),), "x"),
        (("{} <red> %s",), "{} <red> %s"),
    ],
)
def test_messages_are_formatted_as_logging_does(lines: Lines, call: tuple[Any, ...], msg: str) -> None:
    """Arguments go in by %, and without arguments nothing is interpreted."""
    obskit.get_logger().info(*call)
    assert lines.events[0]["msg"] == msg


def test_arguments_that_do_not_fit_are_kept_beside_the_template(lines: Lines) -> None:
    """A slip in a format string loses nothing."""
    obskit.get_logger().info("%d left", "many")
    event = lines.events[0]
    assert (event["msg"], event["_args"], event["_format_error"]) == ("%d left", ["many"], "TypeError")


def test_an_unreadable_message_is_named(lines: Lines) -> None:
    """A message whose text cannot be had is still an event."""
    obskit.get_logger().info(Hostile(ValueError("no")))
    assert lines.events[0]["msg"] == "[unreadable Hostile]"


def test_an_exception_becomes_fields(lines: Lines) -> None:
    """`error` is one line, `stack` tells the way."""
    log = obskit.get_logger()
    error = ValueError("no such run")
    try:
        raise error
    except ValueError:
        log.exception("failed")
        log.warning("odd", exc_info=True)
    log.error("later", exc_info=error)
    log.error("tuple", exc_info=(ValueError, error, None))
    log.error("none", exc_info=None)
    log.exception("nothing handled")
    shown = [event.get("error") for event in lines.events]
    assert shown == ["ValueError: no such run"] * 4 + [None, None]
    assert "test_logger.py" in lines.events[0]["stack"]


@given(
    msg=any_text,
    fields=st.dictionaries(any_text.filter(lambda name: name != "exc_info"), any_value, max_size=4),
)
def test_no_field_and_no_message_can_break_a_line(msg: str, fields: dict[str, Any]) -> None:
    """Every call gives exactly one line of strict JSON and raises nothing."""
    stream = io.BytesIO()
    with obskit.configure(output=stream, capture_logging=False, hooks=False):
        obskit.get_logger().info(msg, **fields)
    written = stream.getvalue().decode()
    assert len(written.splitlines()) == 1
    assert isinstance(json.loads(written, parse_constant=pytest.fail)["ts"], str)


def test_a_value_that_changes_later_does_not_change_the_line(lines: Lines) -> None:
    """The line shows what was there at the call."""
    cart = ["a"]
    obskit.get_logger().info("cart", cart=cart)
    cart.append("b")
    assert lines.events[0]["cart"] == ["a"]


def test_lost_lines_are_counted_and_told_once_each_way(
    lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stderr hears of the first loss, the log itself of all, and stats() has the reasons."""
    log = obskit.get_logger()
    lines.error = SinkError("ENOSPC")
    log.info("one")
    log.info("two")
    lines.error = ZeroDivisionError()
    log.info("three")
    lines.error = None
    log.info("four")
    told = [event for event in lines.events if event.get("event") == "obskit.dropped"]
    assert [event["msg"] for event in lines.events] == ["four", "3 log lines were lost"]
    assert told[0]["reasons"] == {"ENOSPC": 2, "ZeroDivisionError": 1}
    assert capsys.readouterr().err.count("\n") == 2
    stats = obskit.configure(output=lines).stats()
    assert stats["logs_dropped"] == 0


def test_counters_name_the_reasons(lines: Lines) -> None:
    """Each kind of loss has a counter of its own."""
    from obskit import runtime

    lines.error = SinkError("EPIPE")
    obskit.get_logger().info("one")
    lines.error = None
    obskit.get_logger().info("two")
    stats = runtime.current().stats()
    assert (stats["logs_written"], stats["logs_dropped"], stats["logs_dropped_epipe"]) == (2, 1, 1)


def test_no_stderr_is_no_reason_to_fail(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be told, losses are still counted."""
    monkeypatch.setattr("sys.stderr", None)
    lines.error = SinkError("EPIPE")
    obskit.get_logger().info("one")


def test_an_unconfigured_logger_works(capsys: pytest.CaptureFixture[str]) -> None:
    """Importing and logging is enough."""
    obskit.get_logger("bot").info("ready", guilds=2)
    event = json.loads(capsys.readouterr().out)
    assert (event["service"], event["msg"], event["guilds"]) == ("app", "ready", 2)


def test_a_logger_shows_no_bound_value() -> None:
    """repr() names the bound fields only."""
    assert repr(obskit.get_logger("bot", token="x" * 20)) == "<Logger bot bound=['token']>"
    token = "ghp_" + "fakeFAKE0123" * 3
    assert token not in repr(obskit.get_logger("bot", **{token: 1}))


def test_is_enabled_tells_what_would_be_written(lines: Lines) -> None:
    """Costly fields can be left out where nobody would see them."""
    log = obskit.get_logger("bot")
    assert log.is_enabled(logging.INFO)
    assert not log.is_enabled(logging.DEBUG)


def test_captured_events_are_those_of_the_block(lines: Lines) -> None:
    """Inside a capture nothing is written, and a capture inside another has its own events."""
    log = obskit.get_logger()
    with capture() as outer:
        log.info("one")
        with capture() as inner:
            log.info("two", n=1)
        log.info("three")
    log.info("four")
    assert [event["msg"] for event in outer] == ["one", "three"]
    assert [(event["msg"], event["n"]) for event in inner] == [("two", 1)]
    assert [event["msg"] for event in lines.events] == ["four"]


class LyingClass:
    """What a proxy is outside of its context: even its class cannot be asked for."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise ZeroDivisionError

    def __bool__(self) -> bool:
        raise ZeroDivisionError


def test_hostile_arguments_in_unusual_places_raise_nothing(lines: Lines) -> None:
    """Wherever a program may put a value, a hostile one is only a value."""
    hostile: Any = LyingClass()
    obskit.get_logger().error("x", exc_info=hostile)
    with obskit.trace("/x", trace_id=hostile) as trace, trace.step("y") as step:
        step.fail(hostile)
        trace.fail(hostile)
    _ = obskit.alert(hostile, "m", root_cause=hostile, run_id=4)
    with obskit.trace("/x"):
        _ = obskit.alert("error", "m", links=cast("Any", "abc"), fields=cast("Any", [1]))
    assert [event["msg"] for event in lines.events[:1]] == ["x"]


@pytest.mark.parametrize("place", ["value", "sink", "detector"])
def test_what_a_signal_handler_raises_ends_the_call(place: str, lines: Lines) -> None:
    """A time limit of the program holds inside a log call too."""

    def give_up(number: int, frame: object) -> None:
        raise TimeoutError

    class Interrupted:
        def __repr__(self) -> str:
            give_up(15, sys._getframe())
            return ""

    class Limited(Lines):
        def emit(self, line: bytes, /) -> None:
            give_up(15, sys._getframe())

    class Detector:
        def find(self, text: str, /) -> list[tuple[int, int, str]]:
            give_up(15, sys._getframe())
            return []

    if place == "detector":
        redactor = obskit.Redactor(detectors=[Detector()])
        with (
            obskit.configure(output=Lines(), redactor=redactor, capture_logging=False, hooks=False),
            pytest.raises(TimeoutError),
        ):
            obskit.get_logger().info("x", n=1)
        return
    if place == "value":
        with pytest.raises(TimeoutError):
            obskit.get_logger().info("%s", Interrupted())
        with pytest.raises(TimeoutError):
            obskit.get_logger().info("x", value=Interrupted(), level="y")
        return
    with obskit.configure(output=Limited(), capture_logging=False, hooks=False), pytest.raises(TimeoutError):
        obskit.get_logger().info("x")


def test_an_encoder_that_fails_loses_the_line_and_counts_it() -> None:
    """Whatever breaks on the way to a line is counted by its kind."""
    from obskit.clock import SYSTEM_CLOCK
    from obskit.event import Event, SafeEvent
    from obskit.gate import Gate
    from obskit.levels import Thresholds
    from obskit.logs.pipeline import Pipeline
    from obskit.redaction import Redactor

    def encode(event: SafeEvent) -> bytes:
        raise ZeroDivisionError

    pipeline = Pipeline(
        gate=Gate(Redactor()), encode=encode, sink=Lines(), clock=SYSTEM_CLOCK, thresholds=Thresholds()
    )
    pipeline.emit(Event(0, 20, "x", "f", None, (), {}))
    assert pipeline.stats()["dropped_zerodivisionerror"] == 1


_NOTHING_LOADS = """
import datetime, decimal, sys, uuid
import obskit

class Refusal:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(f"too late for {name}")

obskit.configure(service="app")
sys.meta_path.insert(0, Refusal())
log = obskit.get_logger("late")
values = [datetime.datetime.now(), decimal.Decimal(1), uuid.uuid4(), [b"a", {"b"}], "password=hunter2hunter2"]
for value in values:
    log.info("url https://ada:not-real@example.org/?a=%22b\\\\n", value=value)
try:
    raise ValueError("password=not-real-at-all")
except ValueError:
    log.exception("failed", **{"user token": "not-real-at-all"})
"""


def test_a_configured_program_loads_nothing_in_the_middle_of_a_line() -> None:
    """A signal handler, a process without descriptors or one at its end could not load it."""
    done = subprocess.run(
        [sys.executable, "-c", _NOTHING_LOADS], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 6
    for secret in ("failed:", "too late", "hunter2", "not-real"):
        assert secret not in done.stdout + done.stderr


_AT_THE_END = """
import obskit

class Kept:
    def __del__(self):
        log.info("bye to %s", "https://ada:not-real@example.org", number=42)

obskit.configure(service="app")
log, kept = obskit.get_logger(), Kept()
"""


def test_a_finaliser_at_the_end_of_the_process_logs_as_ever() -> None:
    """Modules are not to be found any more by then; what was loaded before is kept."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_END], capture_output=True, text=True, timeout=60, check=True
    )
    line = json.loads(done.stdout)
    assert (line["msg"], line["number"]) == ("bye to https://ada:***@example.org", 42)


def test_a_call_that_no_python_code_makes_is_a_line(lines: Lines) -> None:
    """A thread may begin in the method itself."""
    log = obskit.get_logger()
    _thread.start_new_thread(log.info, ("began here",))
    deadline = time.monotonic() + 10
    while not lines.raw and time.monotonic() < deadline:
        time.sleep(0.001)
    assert (lines.events[0]["fn"], lines.events[0]["msg"]) == ("<unknown>", "began here")


def test_above_every_level_nothing_is_written() -> None:
    """Each method looks at the level first."""
    output = io.BytesIO()
    with (
        obskit.configure(output=output, level=100, capture_logging=False, hooks=False),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(CELL, "lowest", 100)  # whatever trace another test has left open
        log = obskit.get_logger()
        for method in (log.debug, log.info, log.warn, log.error, log.critical, log.exception):
            method("x")
    assert output.getvalue() == b""


@pytest.mark.parametrize("kind", [OSError, SinkError])
def test_what_a_sink_raises_may_be_hostile_itself(kind: type[Exception]) -> None:
    """The error of somebody else's sink has code of its own, which may raise too."""

    class Hidden(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise ZeroDivisionError

    class Odd(kind, metaclass=Hidden):  # type: ignore[misc, valid-type]
        @property
        def errno(self) -> int:
            raise ZeroDivisionError

        def __str__(self) -> str:
            raise ZeroDivisionError

    class Sink(Lines):
        def emit(self, line: bytes, /) -> None:
            raise Odd("x")

    with obskit.configure(output=Sink(), capture_logging=False, hooks=False) as runtime:
        obskit.get_logger().info("x")
        assert runtime.stats()["logs_dropped_odd"] == 1
