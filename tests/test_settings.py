"""What set-up is given wrongly is one clear error, and what a call is given wrongly is none."""

from __future__ import annotations

import contextlib
import gzip
import io
import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

import obskit
from obskit.alerts import Alerter, Route
from obskit.alerts.dedupe import MemoryDedupe, SQLiteDedupe
from obskit.alerts.sinks import Alertmanager, Callback, Console, DiscordChannel, DiscordWebhook, Email, Memory
from obskit.errors import ConfigError
from obskit.integrations import asgi, wsgi
from obskit.sinks import FileSink, FilteredSink, MemorySink, QueuedSink, StreamSink, TeeSink
from obskit.testing import FakeClock, capture
from obskit.traces.stores import MemoryTraceStore, SQLiteTraceStore

Build = Callable[[Any], object]


def email(**wrong: Any) -> object:
    """Set up mail with one thing wrong."""
    settings: dict[str, Any] = {
        "host": "mail.example.com",
        "port": 587,
        "sender": "a@example.com",
        "recipients": ["b@example.com"],
    }
    return Email(**(settings | wrong))


def read_only() -> io.BufferedReader:
    """Open a stream that cannot be written to."""
    return io.BufferedReader(io.BytesIO())


def closed() -> io.StringIO:
    """Open a stream and close it."""
    stream = io.StringIO()
    stream.close()
    return stream


#: What is set up, what the error calls the setting, and what it refuses.
WRONG: list[tuple[str, Build, str, list[Any]]] = [
    ("capture_logging", lambda x: obskit.configure(capture_logging=x), "True or False", ["no", 1, None]),
    ("hooks", lambda x: obskit.configure(hooks=x), "True or False", ["no", 0]),
    ("propagate", lambda x: obskit.configure(propagate=x), "True or False", ["x"]),
    ("service", lambda x: obskit.configure(service=x), "text", [3, b"bot", str]),
    ("schema", lambda x: obskit.configure(schema=x), "one of default,", [{}, [], 1, str]),
    ("format", lambda x: obskit.configure(format=x), "one of json, console", [{}, b"json"]),
    ("level", lambda x: obskit.configure(level=x), "one of debug,", [{}, True, 1.5]),
    (
        "output",
        lambda x: obskit.configure(output=x),
        "a stream, a path or a sink",
        [1, io.StringIO, MemorySink],
    ),
    (
        "output",
        lambda x: obskit.configure(output=x),
        "a stream that can be written to",
        [closed(), read_only()],
    ),
    ("output", lambda x: obskit.configure(output=x), "the path of a file", ["a\0b", ""]),
    (
        "trace_store",
        lambda x: obskit.configure(trace_store=x),
        "a TraceStore",
        [MemoryTraceStore, 1, "memory:"],
    ),
    ("alerter", lambda x: obskit.configure(alerter=x), "an Alerter", [Alerter, [Memory()]]),
    ("redactor", lambda x: obskit.configure(redactor=x), "a Redactor", [obskit.Redactor, len]),
    ("clock", lambda x: obskit.configure(clock=x), "a Clock", [FakeClock, 1]),
    ("enabled", lambda x: Alerter([Memory()], enabled=x), "True or False", ["false", "", 1, None]),
    ("digest", lambda x: Alerter([Memory()], digest=x), "True or False", ["no"]),
    (
        "window",
        lambda x: Alerter([Memory()], x),
        "a number of seconds above 0",
        ["5", 0, True, math.inf, math.nan],
    ),
    ("window", lambda x: Alerter([Memory()], x), "at most 1e+09 seconds", [1e300, 10**400]),
    ("ttl", lambda x: MemoryTraceStore(ttl=x), "at most 1e+09 seconds", [1e300]),
    ("sinks", lambda x: Alerter([x]), "alert sinks or routes", [Memory, "console:", None]),
    ("sinks", Alerter, "a list of alert sinks", [{}, "console:", None, Memory()]),
    ("dedupe", lambda x: Alerter([], dedupe=x), "a Dedupe", [1, MemoryDedupe, "sqlite:///alerts.db"]),
    ("key", lambda x: Alerter([], key=x), "a function or some of", [1, "message", (), ["colour"], [[]]]),
    ("spool", lambda x: Alerter([], spool=x), "the path of a file", [1, b"x", "a\0b", "\ud800", ""]),
    ("clock", lambda x: Alerter([], clock=x), "a Clock", [1, FakeClock]),
    ("min_severity", lambda x: Route(Memory(), x), "one of warning,", ["loud", 1, None]),
    ("burst", lambda x: Route(Memory(), burst=x), "a whole number of at least 1", [0, 1.5, True, "9"]),
    ("per_minute", lambda x: Route(Memory(), per_minute=x), "a number above 0", ["x", 0, math.nan]),
    ("tls", lambda x: email(tls=x), "True or False", ["no", 0]),
    ("port", lambda x: email(port=x), "a whole number from 1 to 65535", [True, 0, 65_536, "587"]),
    ("recipients", lambda x: email(recipients=x), "a list of mail addresses", ["b@example.com", {}, None]),
    ("channel_id", lambda x: DiscordChannel("fake" * 5, x), "the number of a Discord channel", [None, "abc"]),
    (
        "expires_after",
        lambda x: Alertmanager("http://127.0.0.1:1", expires_after=x),
        "a number of seconds",
        ["x", 0],
    ),
    ("stream", Console, "a stream with write()", [1, io.StringIO]),
    ("function", Callback, "callable", [None, "print"]),
    ("capacity", lambda x: Memory(capacity=x), "a whole number", [0, "1", None]),
    ("stream", StreamSink, "a stream with write()", [1, "app.log", io.StringIO]),
    ("sink", QueuedSink, "a sink with emit() and close()", [None, "app.log", MemorySink]),
    ("sink", lambda x: FilteredSink(x, bool), "a sink with emit() and close()", [None]),
    ("predicate", lambda x: FilteredSink(MemorySink[Any](), x), "callable", [None, "debug"]),
    ("sinks", TeeSink, "a sink with emit() and close()", [None]),
    ("output", FileSink, "the path of a file", [None, 1, b"x", "a\0b", ""]),
    ("every", lambda x: FileSink("never.log", every=x), '"day" or at least 1 second', ["hour", 0, True]),
    ("path", SQLiteTraceStore, "the path of a file", [None, 1, b"x", ""]),
    ("path", SQLiteDedupe, "the path of a file", [None, 1, b"x", ""]),
    ("per_user", MemoryTraceStore, "a whole number of at least 1", [2.5, "x", 0, True, None]),
    ("per_user", lambda x: SQLiteTraceStore("never.db", x), "a whole number of at least 1", [2.5, "x"]),
    ("total", lambda x: MemoryTraceStore(total=x), "a whole number of at least 1", [True, "x", math.nan]),
    ("ttl", lambda x: MemoryTraceStore(ttl=x), "a number of seconds above 0", ["x", 0, math.nan, True]),
    ("capacity", lambda x: MemoryDedupe(capacity=x), "a whole number of at least 1", ["x", 0, None]),
    ("app", asgi.ObskitMiddleware, "callable", [None]),
    ("app", wsgi.ObskitMiddleware, "callable", [None]),
    ("user_id", lambda x: asgi.ObskitMiddleware(print, user_id=x), "callable", ["42"]),  # type: ignore[arg-type]
    ("start", FakeClock, "seconds since 1970-01-01 or a datetime", ["x", None, math.nan]),
    ("names", obskit.register_env, "names of environment variables", [None, b"TOKEN"]),
    ("name", obskit.env_flag, "the name of an environment variable", [None, 1]),
    ("default", lambda x: obskit.env_flag("UNSET", x), "True or False", ["false"]),
    ("trace", obskit.traces.render, "an ExecutionTrace", [None, "0af76519"]),
    ("style", lambda x: render(style=x), "one of text, discord", ["html", {}, None]),
    ("limit", lambda x: render(limit=x), "a whole number of at least 100", ["2000", 99, None]),
]


def render(**wrong: Any) -> str:
    """Show a trace with one thing wrong."""
    with obskit.trace("/shown") as trace:
        pass
    return obskit.traces.render(trace, **wrong)


@pytest.mark.parametrize(
    ("setting", "build", "takes", "value"),
    [
        pytest.param(setting, build, takes, value, id=f"{setting}-{number}-{place}")
        for number, (setting, build, takes, values) in enumerate(WRONG)
        for place, value in enumerate(values)
    ],
)
def test_what_is_set_up_wrongly_is_refused_at_once(
    tmp_path: Path, setting: str, build: Build, takes: str, value: object
) -> None:
    """The error says which setting it was, what it takes and what it got; nothing is left behind."""
    with contextlib.chdir(tmp_path), pytest.raises(ConfigError) as caught:
        build(value)
    text = str(caught.value)
    assert text.startswith(f"{setting} must be {takes}")
    assert ", got " in text
    assert list(tmp_path.iterdir()) == []


def test_a_class_in_the_place_of_an_object_is_told_what_to_do() -> None:
    """The parentheses are easily forgotten."""
    with pytest.raises(ConfigError, match="got the class Memory: call it to make one"):
        Alerter([Memory])  # type: ignore[list-item]


def test_a_member_of_an_enumeration_is_the_text_that_it_has() -> None:
    """Names of services often come from one."""

    class Service(StrEnum):
        BOT = "bot"

    stream = io.StringIO()
    with obskit.configure(service=Service.BOT, output=stream, hooks=False, capture_logging=False):
        obskit.get_logger().info("up")
    assert '"service":"bot"' in stream.getvalue()


@pytest.mark.parametrize(
    "wrong", [{"flight_recorder": -1}, {"alert_level": "loud"}, {"hooks": "no"}, {"alerter": 1}]
)
def test_a_set_up_that_fails_leaves_no_file_behind(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """The file of the lines is made when everything else is known to be right."""
    with pytest.raises(ConfigError):
        obskit.configure(output=tmp_path / "app.log", **wrong)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "build",
    [
        lambda secret: obskit.configure(level=secret),
        lambda secret: obskit.configure(format=secret),
        lambda secret: obskit.configure(levels={secret: "loud"}),
        lambda secret: obskit.configure(output=f"/no/such/folder/{secret}"),
        lambda secret: email(sender=secret),
        lambda secret: DiscordChannel("fake" * 5, secret),
        lambda secret: SQLiteTraceStore(f"{secret}\0"),
        lambda secret: obskit.Redactor(keys=[f"{secret}..x"]),
    ],
    ids=["level", "format", "levels", "output", "sender", "channel", "path", "keys"],
)
def test_a_registered_secret_in_the_wrong_place_is_not_quoted(build: Build) -> None:
    """Not even one that is as short as what belongs there."""
    obskit.register_secret("zebra#crossing")
    try:
        with pytest.raises(ConfigError) as caught:
            build("zebra#crossing")
    finally:
        obskit.unregister_secret("zebra#crossing")
    assert "zebra" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALERT_CHANNEL_ID", "general"),
        ("DISCORD_BOT_TOKEN", "not a token"),
        ("DISCORD_API_BASE", "http://example.com"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """It alone, not all that the sink is made of."""
    good = {"ENABLE_ALERTS": "true", "ALERT_CHANNEL_ID": "1" * 18, "DISCORD_BOT_TOKEN": "fake" * 5}
    for name, text in (good | {variable: value}).items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ConfigError, match=f"^{variable}: "):
        obskit.configure()


def test_a_url_of_discord_without_a_real_token_says_what_it_takes() -> None:
    """It does not complain of a secret that nobody has named."""
    with pytest.raises(ConfigError, match="url must end in /webhooks/<id>/<token>"):
        DiscordWebhook("http://127.0.0.1:9/api/webhooks/1/x")


def test_each_beginning_of_a_sink_url_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may stand before a URL and before its parts."""
    monkeypatch.setenv("ENABLE_ALERTS", "true")
    monkeypatch.setenv("OBSKIT_ALERT_SINKS", "carrier-pigeon://home")
    with pytest.raises(ConfigError) as caught:
        obskit.configure()
    assert [str(caught.value).count(f"discord{mark},") for mark in "+:"] == [1, 1]


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="Windows has no such devices")
@pytest.mark.parametrize("device", ["/dev/null", "/dev/stdout", "/dev/stderr"])
def test_lines_go_to_a_device_by_its_name(device: str, capfd: pytest.CaptureFixture[str]) -> None:
    """It is a stream, whatever stands behind the standard ones."""
    with obskit.configure(output=device, hooks=False, capture_logging=False) as runtime:
        obskit.get_logger().info("to a device")
        assert runtime.stats()["logs_written"] == 1
    out, err = capfd.readouterr()
    assert ("to a device" in out, "to a device" in err) == (device == "/dev/stdout", device == "/dev/stderr")


def test_a_device_that_cannot_be_opened_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason; a terminal that is not there is one."""

    def refuse(name: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr("obskit.parts.stat.S_ISCHR", lambda mode: True)
    monkeypatch.setattr("obskit.parts.os.open", refuse)
    with pytest.raises(ConfigError, match=r"output must be a writable device, got .*: Permission denied"):
        obskit.configure(output=str(Path(__file__)))


@pytest.mark.parametrize("answer", [None, OSError("no")])
def test_a_stream_that_cannot_say_whether_it_takes_writes_is_tried(answer: OSError | None) -> None:
    """A stand-in may have `write` and nothing else, or fail at whatever else it is asked."""

    class StandIn:
        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> int:
            self.text += text
            return len(text)

        def __getattr__(self, name: str) -> object:
            if name == "writable" and answer is not None:
                raise answer
            raise AttributeError(name)

    output = StandIn()
    with obskit.configure(output=output, hooks=False, capture_logging=False):  # type: ignore[arg-type]
        obskit.get_logger().info("tried")
    assert "tried" in output.text


@pytest.mark.parametrize("kind", ["gzip", "stand-in"])
def test_a_closed_stream_is_refused_whatever_it_says_of_writing(kind: str, tmp_path: Path) -> None:
    """A compressed file still calls itself writable, a stand-in may not know the question."""

    class StandIn:
        closed = True

        def write(self, text: str) -> int:
            raise ValueError

    with gzip.open(tmp_path / "log.gz", "wb") as compressed:
        pass
    output = compressed if kind == "gzip" else StandIn()
    with pytest.raises(ConfigError, match="closed"):
        obskit.configure(output=output)  # type: ignore[arg-type]


# --- at run time ---


class Hostile:
    """Whatever is asked of it, it raises."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ValueError

    def __bool__(self) -> bool:
        raise ValueError

    def __len__(self) -> int:
        raise ValueError

    def __str__(self) -> str:
        raise ValueError

    __repr__ = __str__

    def __float__(self) -> float:
        raise ValueError

    def __iter__(self) -> Iterator[object]:
        raise ValueError


class Hidden(type):
    """A class of it does not even tell its name."""

    def __getattribute__(cls, name: str) -> Any:
        raise ValueError


class Nameless(metaclass=Hidden):
    """Of a class without a name."""

    __repr__ = Hostile.__str__


class Traceless(Exception):
    """An error that hides where it came from."""

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise ValueError

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise ValueError

    def __str__(self) -> str:
        raise ValueError


ODD: list[Any] = [
    None, 1, -1, 1.5, "x", "", b"x", [], {}, set(), (), object(), type, math.nan, math.inf, 10**400,
    Hostile(), Nameless(), Traceless("x"), Hostile, Nameless,
]  # fmt: skip


#: By number: pytest itself would ask them.
every_odd_one = pytest.mark.parametrize("number", range(len(ODD)))


def in_a_trace(call: Callable[[], object]) -> None:
    """Make *call* inside of a trace."""
    with obskit.trace("/outer") as trace:
        trace.link("run", "https://example.com")
        call()


CALLS: dict[str, Build] = {
    "get_logger": lambda x: obskit.get_logger(x).info("x"),
    "message": lambda x: obskit.get_logger().info(x),
    "unbind": lambda x: obskit.get_logger(a=1).unbind(x),
    "clear_context": obskit.clear_context,
    "redact": obskit.redact,
    "redact_text": obskit.redact_text,
    "fingerprint": obskit.get_trace_fingerprint,
    "alert": lambda x: obskit.alert(x, x, root_cause=x, trace_id=x, links=x, fields=x, fingerprint=x, more=x),
    "alert in a trace": lambda x: in_a_trace(lambda: obskit.alert("error", "m", links=x, fields=x)),
    "trace": lambda x: obskit.trace(x, x, x, x, parent=x, more=x).__enter__().__exit__(None, None, None),
    "step": lambda x: in_a_trace(lambda: obskit.step(x, more=x).__enter__().__exit__(None, None, None)),
    "fail": lambda x: in_a_trace(lambda: (obskit.current_trace() or obskit.trace("/")).fail(x)),
    "link": lambda x: in_a_trace(lambda: (obskit.current_trace() or obskit.trace("/")).link(x, x)),
    "extract": obskit.extract,
    "inject": obskit.inject,
}


@every_odd_one
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_call_of_a_program_that_runs_raises(call: Build, number: int) -> None:
    """Whatever it is given: to observe a program must not break it."""
    alerter = Alerter([Memory()], clock=FakeClock())
    with obskit.configure(alerter=alerter, levels={"httpx": "warn"}, hooks=False, capture_logging=False):
        with capture():
            call(ODD[number])
        assert alerter.stats()["dropped"] == 0


@every_odd_one
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_no_question_to_a_store_raises(tmp_path: Path, kind: str, number: int) -> None:
    """The people who ask may write anything."""
    store = MemoryTraceStore() if kind == "memory" else SQLiteTraceStore(tmp_path / "traces.db")
    with obskit.configure(trace_store=store, hooks=False, capture_logging=False), obskit.trace("/x", "42"):
        for ask in (store.last, store.get, store.find, store.recent, store.forget, store.flush):
            ask(ODD[number])
        store.recent("42", ODD[number])


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize(("limit", "found"), [(None, 3), (2, 2), (1.5, 1), ("x", 0), (-1, 0), (math.inf, 3)])
def test_a_limit_is_a_number_or_none(tmp_path: Path, kind: str, limit: Any, found: int) -> None:
    """None is no limit, and what is no number lets nothing through."""
    store = MemoryTraceStore() if kind == "memory" else SQLiteTraceStore(tmp_path / "traces.db")
    with obskit.configure(trace_store=store, hooks=False, capture_logging=False):
        for _ in range(3):
            with obskit.trace("/x", "42"):
                pass
        assert len(store.recent(limit=limit)) == found
        assert len(store.recent("42", limit)) == found


@every_odd_one
def test_no_call_of_an_alerter_raises(number: int) -> None:
    """Keys and times may come from anywhere."""
    value = ODD[number]
    alerter = Alerter([Memory()], clock=FakeClock())
    receipt = alerter.send(value)
    alerter.mute(value, value)
    assert alerter.resolve(value).outcome in {"queued", "duplicate"}
    receipt.wait(value if value is not None else 0)
    alerter.flush(value)
    alerter.close(value)


def test_none_waits_for_as_long_as_it_takes(tmp_path: Path) -> None:
    """As it does for a receipt."""
    sink = Memory()
    alerter, store = Alerter([sink]), SQLiteTraceStore(tmp_path / "traces.db")
    with obskit.configure(alerter=alerter, trace_store=store, hooks=False, capture_logging=False):
        with obskit.trace("/x"):
            assert obskit.alert("error", "disk is full").outcome == "queued"
        assert alerter.flush(None)
        assert store.flush(None)  # type: ignore[arg-type]
    assert len(sink.alerts) == 1
    assert store.stats()["written"] == 1


def test_a_field_may_be_named_like_an_argument() -> None:
    """It is kept with an underscore, as log lines keep one that is named like theirs."""
    sink = Memory()
    fields: dict[str, Any] = {"message": "m7", "severity": "s7"}
    keep: Any = obskit.trace
    make: Any = obskit.get_logger
    with obskit.configure(alerter=Alerter([sink]), hooks=False, capture_logging=False):
        assert obskit.alert("error", "late", **fields).wait() == "delivered"
        with keep("/x", command="c7") as trace:
            pass
        with capture() as events:
            make("bot", name="n7").info("up")
    assert sink.alerts[0].fields == {"message_": "m7", "severity_": "s7"}
    assert trace.attributes == {"command_": "c7"}
    assert (events[0]["logger"], events[0]["name_"]) == ("bot", "n7")


def test_arguments_may_be_given_by_name() -> None:
    """As before there was a way to name fields like them."""
    sink = Memory()
    with obskit.configure(alerter=Alerter([sink]), hooks=False, capture_logging=False):
        obskit.alert(severity="critical", message="late").wait()
        with obskit.trace(command="/x") as trace, capture() as events:
            obskit.get_logger(name="bot").info("up")
    assert (sink.alerts[0].severity, sink.alerts[0].message) == ("critical", "late")
    assert (trace.command, events[0]["logger"]) == ("/x", "bot")


def test_fields_that_are_no_dict_are_not_lost_beside_others() -> None:
    """Any mapping serves."""
    sink = Memory()
    with obskit.configure(alerter=Alerter([sink]), hooks=False, capture_logging=False):
        obskit.alert("error", "late", fields=[("line", 7)], stop="zoo").wait()  # type: ignore[arg-type]
    assert sink.alerts[0].fields["stop"] == "zoo"
    assert "7" in str(sink.alerts[0].fields["fields"])
