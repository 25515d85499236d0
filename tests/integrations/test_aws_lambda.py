"""Each invocation of a function on AWS Lambda is a trace; nothing is lost in the freeze, nothing leaks."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.alerts import Alerter
from obskit.alerts.sinks import Memory
from obskit.errors import ConfigError
from obskit.integrations.asgi import ObskitMiddleware
from obskit.integrations.aws_lambda import observed
from obskit.testing import FakeClock, assert_no_secret, capture
from obskit.traces import ExecutionTrace, MemoryTraceStore

SECRET = "ghp_" + "fake" * 9
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=a87bd80c:1"


@dataclass
class Context:
    """What the runtime tells a handler."""

    function_name: str = "shop"
    aws_request_id: str = "r-1"
    left_ms: int = 60_000
    told: dict[str, str] = field(default_factory=dict)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return self.left_ms

    def w3c(self) -> dict[str, str]:
        """What came in the client context."""
        return self.told


class Store(MemoryTraceStore):
    """A store that takes part in the tests."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None  #: what writing fails with
        self.is_written = True
        self.timeouts: list[float] = []

    def flush(self, timeout: float) -> bool:
        """Remember how long it might have taken."""
        self.timeouts.append(timeout)
        if self.error is not None:
            raise self.error
        return self.is_written


@pytest.fixture
def store() -> Store:
    """What traces are kept in."""
    return Store()


@pytest.fixture(autouse=True)
def _configured(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A runtime of its own for each test, outside of Lambda."""
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    with obskit.configure(
        output=io.BytesIO(), trace_store=store, capture_logging=False, hooks=False, clock=FakeClock()
    ):
        yield


def newest() -> ExecutionTrace:
    """Return the trace that started last."""
    return obskit.get_trace_store().recent(limit=1)[0]


def test_an_invocation_is_a_trace_with_its_request_id() -> None:
    """All lines of it carry both ids, and the first of the process says so."""

    @observed
    def handler(event: dict[str, Any], context: Context) -> str:
        obskit.get_logger().info("at work")
        return f"done {event['n']}"

    with capture() as events:
        assert [handler({"n": n}, Context(aws_request_id=f"r-{n}")) for n in (1, 2)] == ["done 1", "done 2"]
    lines = [event for event in events if event["msg"] == "at work"]
    assert [(line["request_id"], line["cold_start"], line["cmd"]) for line in lines] == [
        ("r-1", True, "shop"),
        ("r-2", False, "shop"),
    ]
    assert (newest().trace_id, newest().status) == (lines[1]["trace_id"], "ok")
    assert "request_id" not in obskit.get_context()


def test_the_decorator_keeps_the_name_and_takes_options() -> None:
    """The trace has the name that was given, and belongs to the user of the event."""

    @observed(command="/order", user_id=lambda event: event["user"])
    def handler(event: dict[str, Any], context: Context) -> None:
        """Take an order."""

    handler({"user": "42"}, Context())
    assert (handler.__name__, handler.__doc__) == ("handler", "Take an order.")
    assert (newest().command, newest().user_id, newest().attributes) == ("/order", "42", {"cold_start": True})


def test_a_name_in_place_of_the_handler_is_refused() -> None:
    """Said when the module is loaded, not at the first invocation."""
    with pytest.raises(ConfigError, match="names as command=, got str"):
        observed("order")  # type: ignore[call-overload]


@pytest.mark.parametrize("wrong", [{"flush_timeout": "2"}, {"flush_timeout": -1}, {"user_id": "user"}])
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    """When the module is loaded: afterwards each invocation would fail when its work is done."""
    with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must be"):
        observed(**wrong)(print)


@pytest.mark.parametrize(
    "context",
    [
        None,
        SimpleNamespace(get_remaining_time_in_millis=lambda: "soon"),
        SimpleNamespace(w3c=lambda: None),
        SimpleNamespace(w3c={"traceparent": "x"}),
    ],
)
def test_a_handler_works_without_a_context(context: object, store: Store) -> None:
    """A unit test may call it with whatever it has, and the event may not tell its user."""
    handler = observed(user_id=lambda event: event["user"])(lambda event, context: event)
    assert handler([], context) == []
    assert (newest().command, newest().user_id) == ("handler", None)
    assert store.timeouts == pytest.approx([2.0], abs=0.1)


def test_coroutines_run_in_one_loop() -> None:
    """A connection that is kept for the next invocation belongs to its loop, so the loop is kept too."""
    loops: list[asyncio.AbstractEventLoop] = []
    mine: ContextVar[int] = ContextVar("mine", default=0)

    @observed
    async def handler(event: int, context: Context) -> tuple[int, object]:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return mine.get(), obskit.get_context()["request_id"]

    answers = []
    for n in (1, 2):
        mine.set(n)
        answers.append(handler(n, Context(aws_request_id=f"r-{n}")))
    assert answers == [(1, "r-1"), (2, "r-2")]
    assert loops[0] is loops[1]


class OutOfStock(Exception):
    """What a state machine may retry by its name."""

    def __str__(self) -> str:
        return f"no tea: api_key={SECRET}"


def test_an_exception_is_raised_again_without_secrets() -> None:
    """The runtime prints it, the caller gets it: name and message stay, the rest stays here."""

    @observed
    def handler(event: object, context: Context) -> None:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise OutOfStock from error

    with capture() as events, pytest.raises(Exception, match=r"^no tea: api_key=\*\*\*fake$") as caught:
        handler({}, Context())
    error = caught.value
    assert (type(error).__name__, error.__cause__, error.__context__) == ("OutOfStock", None, None)
    (line,) = [event for event in events if "stack" in event]
    assert (line["msg"], line["trace_id"]) == ("shop failed", newest().trace_id)
    assert "KeyError" in line["stack"]
    assert newest().status == "error"
    assert_no_secret([events, str(error), newest().to_dict()], SECRET)


@given(st.text(max_size=50), st.text(max_size=20))
def test_no_message_brings_a_secret_out(before: str, after: str) -> None:
    """Whatever stands around it."""

    @observed
    async def handler(event: object, context: Context) -> None:
        raise ValueError(f"{before} {SECRET} {after}")

    with capture(), pytest.raises(Exception, match=r"\*\*\*") as caught:
        handler({}, Context())
    assert SECRET not in str(caught.value)


def test_a_repeated_failure_is_one_alert() -> None:
    """Where lines of level error become alerts, the second failure is only counted."""
    sink = Memory()
    handler = observed(lambda event, context: 1 / event)
    with obskit.configure(output=io.BytesIO(), alerter=Alerter([sink]), alert_level="error", hooks=False):
        for _ in range(2):
            with pytest.raises(Exception, match="division by zero"):
                handler(0, Context())
        assert [alert.message for alert in sink.alerts] == ["shop failed"]


def test_what_ends_the_process_passes() -> None:
    """SystemExit is no failure of the handler, and its trace is kept before the process ends."""

    @observed
    def handler(event: object, context: Context) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        handler({}, Context())
    assert newest().status == "cancelled"


@pytest.mark.parametrize(("left_ms", "seconds"), [(60_000, 1.5), (1_250, 1.0), (100, 0.0)])
def test_flushing_ends_before_the_time_is_up(store: Store, left_ms: int, seconds: float) -> None:
    """The answer is worth more than what is still to be written, which is told in a line."""
    store.is_written = False
    handler = observed(flush_timeout=1.5)(lambda event, context: obskit.get_context()["trace_id"])
    with capture() as events:
        trace_id = handler({}, Context(left_ms=left_ms))
    assert store.timeouts[0] == pytest.approx(seconds, abs=0.1)
    line = events[-1]
    assert (line["msg"], line["request_id"]) == ("Frozen before all was written", "r-1")
    assert (line["trace"]["trace_id"], line["trace"]["status"]) == (trace_id, "ok")


def test_a_store_that_fails_does_not_fail_the_invocation(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody's own store may raise; the answer is given all the same, and the trace is on a line."""
    store.error = OSError("disk full")
    with capture() as events:
        assert observed(lambda event, context: event)("tea", Context()) == "tea"
    assert events[-1]["msg"] == "Frozen before all was written"
    assert events[-1]["trace"]["command"] == "shop"
    assert "Store failed: OSError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "headers", "xray", "found"),
    [
        ({"traceparent": PARENT}, {}, XRAY, ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", None)),
        ({}, {"TraceParent": PARENT}, XRAY, ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", None)),
        (
            {},
            {"x-amzn-trace-id": XRAY.partition(";")[0], "x-correlation-id": "c-1"},
            XRAY,
            ("5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8", "c-1"),
        ),
        ({}, None, XRAY, ("5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8", None)),
        ({}, ["traceparent", 5], "Root=what", None),
    ],
)
def test_an_invocation_continues_where_it_came_from(
    monkeypatch: pytest.MonkeyPatch,
    told: dict[str, str],
    headers: object,
    xray: str,
    found: tuple[str, str, str | None] | None,
) -> None:
    """By what its caller told, by the headers of a request, or by X-Ray; what does not conform is no use."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", xray)
    observed(lambda event, context: None)({"headers": headers}, Context(told=told))
    trace = newest()
    assert found is None or (trace.trace_id, trace.parent_id, trace.correlation_id) == found
    assert (trace.parent_id is None) == (found is None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON | st.fixed_dictionaries({"headers": _JSON}), st.dictionaries(st.text(), st.text()))
def test_any_event_reaches_the_handler_as_it_is(event: object, told: dict[str, str]) -> None:
    """What an event looks like is the handler's business."""
    assert observed(lambda event, context: event)(event, Context(told=told)) is event


def test_a_request_that_fails_inside_an_invocation_is_told_once() -> None:
    """The web application tells it, with the route; the handler that lets it pass does not tell it again."""

    async def broken(*_: object) -> None:
        raise LookupError("no tea")

    @observed
    async def handler(event: object, context: Context) -> None:
        await ObskitMiddleware(broken)({"type": "http", "method": "GET", "path": "/tea"}, receive, send)

    with capture() as events, pytest.raises(Exception, match="no tea"):
        handler({}, Context())
    assert [event["msg"] for event in events if "stack" in event] == ["GET /tea failed"]
    assert [trace.status for trace in obskit.get_trace_store().recent()] == ["error", "error"]


async def receive() -> dict[str, Any]:
    """Be what an application hears nothing from."""
    return {}


async def send(_message: object) -> None:
    """Be what an application says things to in vain."""
