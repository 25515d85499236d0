"""
The public API as type checkers see it. Never run, only checked, by mypy and by pyright.

A line with ``type: ignore`` is a use that has to be refused: a checker that accepts it complains that the
comment is not needed.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true, reportUnnecessaryComparison=true

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import assert_type

import obskit
from obskit.alerts import Alert, Alerter, Receipt, Route, Severity
from obskit.alerts.dedupe import MemoryDedupe
from obskit.alerts.sinks import Console, DiscordChannel, DiscordWebhook, Memory
from obskit.event import Event, SafeEvent
from obskit.sinks import Sink
from obskit.testing import FakeClock
from obskit.traces import ExecutionTrace, Step, TraceStore
from obskit.traces.stores import MemoryTraceStore


class Lines:
    """A sink as a user would write it: it inherits from nothing."""

    def emit(self, item: bytes, /) -> None: ...

    def close(self) -> None: ...


# --- logs ---------------------------------------------------------------------------------------------------


def logs(error: Exception) -> None:
    """Configure, bind, log."""
    runtime = obskit.configure(service="bot", level="info", output=io.BytesIO())
    assert_type(runtime, obskit.Runtime)
    assert_type(runtime.flush(1.0), bool)
    obskit.configure(output="bot.log")
    obskit.configure(output=Path("bot.log"))
    obskit.configure(output=Lines())
    obskit.configure(output=io.StringIO(), levels={"httpx": "warn"})
    obskit.configure(format="console", flight_recorder=50)
    assert_type(obskit.logs.write_recorded(), int)
    with obskit.configure():
        pass

    log = obskit.get_logger("name", component="github")
    assert_type(log, obskit.Logger)
    assert_type(log.bind(a=1).unbind("a"), obskit.Logger)
    log.info("%s of %d", "one", 2, anything=object())
    log.warning("msg is positional", msg="so this is a field", exc_info=error)
    try:
        log.warn("about to fail")
    except ValueError:
        log.exception("failed", attempt=1)

    obskit.configure("bot")  # type: ignore[call-arg]
    obskit.configure(service=3)  # type: ignore[arg-type]
    obskit.configure(output=3)  # type: ignore[arg-type]
    log.unbind(3)  # type: ignore[arg-type]
    log.notice("no such level")  # type: ignore[attr-defined]


def contexts() -> None:
    """Bind fields to what runs."""
    obskit.set_context(user_id="42")
    obskit.clear_context("user_id")
    assert_type(obskit.get_context(), Mapping[str, object])
    with obskit.bound_context(cmd="/status"):
        pass
    obskit.get_context()["user_id"] = "43"  # type: ignore[index]
    obskit.clear_context(3)  # type: ignore[arg-type]


@obskit.bound_context(cmd="/status")
def bound(number: int) -> str:
    """A decorated function keeps its signature."""
    return str(number)


def bound_keeps_its_signature() -> None:
    """... for callers too."""
    assert_type(bound(1), str)
    bound("1")  # type: ignore[arg-type]


# --- redaction ----------------------------------------------------------------------------------------------


def redaction() -> None:
    """What goes in comes out, in type."""
    safe: dict[str, object] = obskit.redact({"token": "text"})
    print(safe)
    assert_type(obskit.redact_text("text"), str)
    redactor = obskit.Redactor(keys=["shoe_size"], detectors=[re.compile("ticket-(?P<secret>[0-9]+)")])
    assert_type(redactor([1]), list[int])
    obskit.register_secret("an-invented-secret", name="database")
    obskit.redact_text(b"bytes")  # type: ignore[arg-type]
    obskit.Redactor(tail="4")  # type: ignore[arg-type]


# --- traces -------------------------------------------------------------------------------------------------


def traces(carrier: dict[str, str]) -> None:
    """Record, read, carry on."""
    with obskit.trace("/diagnose", user_id="42", attempt=1) as trace:
        with trace.step("Validate", option="x") as step:
            step.add(found=3)
            step.fail("handled problem")
        with obskit.step("Look up") as step:
            step.add(found=3)
        trace.link("View Run", "https://example.com/run")
        trace.fail("handled")

    store = obskit.get_trace_store()
    assert_type(store, TraceStore)
    assert_type(store.last("42"), ExecutionTrace | None)
    assert_type(store.recent(limit=3), list[ExecutionTrace])
    assert_type(store.forget("42"), int)
    here: ExecutionTrace | None = obskit.current_trace()
    print(here)
    for each in store.find("0af76519"):
        assert_type(list(each.steps), list[Step])
        assert_type(obskit.traces.render(each, limit=2000, style="discord"), str)
        obskit.traces.render(each, limit="2000")  # type: ignore[arg-type]

    obskit.inject(carrier)
    with obskit.trace("/diagnose", parent=obskit.extract(carrier)):
        pass
    obskit.trace()  # type: ignore[call-arg]
    obskit.traces.render("0af76519")  # type: ignore[arg-type]
    store.recent(limit="3")  # type: ignore[arg-type]


async def traces_in_a_coroutine() -> None:
    """The same with ``async with``."""
    async with obskit.trace("/diagnose", user_id="42") as trace, trace.step("Validate") as step:
        step.add(found=3)


@obskit.traced()
def one(number: int) -> str:
    """A function."""
    return str(number)


@obskit.traced("two")
async def two(number: int) -> str:
    """A coroutine."""
    return str(number)


@obskit.traced()
def three(number: int) -> Iterator[str]:
    """A generator."""
    yield str(number)


@obskit.traced
async def four(number: int) -> AsyncIterator[str]:
    """An asynchronous generator, and the decorator without its brackets."""
    yield str(number)


async def traced_keeps_signatures() -> None:
    """Whatever the kind of function."""
    assert_type(one(1), str)
    assert_type(await two(1), str)
    assert_type(list(three(1)), list[str])
    assert_type([item async for item in four(1)], list[str])
    one("1")  # type: ignore[arg-type]
    await two(number="1")  # type: ignore[arg-type]


# --- alerts -------------------------------------------------------------------------------------------------


def alerts() -> None:
    """Send, wait, resolve."""
    memory = Memory()
    alerter = Alerter([memory, Console()], window=300.0, dedupe=MemoryDedupe(), clock=FakeClock())
    Alerter([DiscordChannel("token", "1"), Route(DiscordWebhook("url"), min_severity="error")])
    receipt = alerter.send(Alert(severity="critical", message="down", links={"Run": "https://example.com"}))
    _ = assert_type(receipt, Receipt)
    assert_type(receipt.key, str)
    assert_type(alerter.flush(1.0), bool)
    assert_type(memory.alerts, list[Alert])
    assert_type(memory.alerts[0].severity, Severity)
    _ = assert_type(obskit.alert("error", "down", root_cause="no disk"), Receipt)
    if receipt.outcome == "queued" and receipt.wait(1.0) == "delivered":
        _ = alerter.resolve(receipt.key)
    print(receipt.outcome == "sent")  # type: ignore[comparison-overlap]
    Alert("error", "down")  # type: ignore[call-arg]
    Alert(severity="error")  # type: ignore[call-arg]
    Alerter([Lines()])  # type: ignore[list-item]
    memory.alerts[0].message = "changed"  # type: ignore[misc]


# --- safe items ---------------------------------------------------------------------------------------------


def only_safe_items_leave(raw: Event, sink: Sink[SafeEvent], write: Callable[[SafeEvent], bytes]) -> None:
    """What did not pass the gate cannot be given to a sink or an encoder."""
    sink.emit(raw)  # type: ignore[arg-type]
    write(raw)  # type: ignore[arg-type]


def stores_are_found_by_shape() -> None:
    """A store or a sink needs no base class, only the methods."""
    obskit.configure(trace_store=MemoryTraceStore(per_user=10, total=100))
    lines: Sink[bytes] = Lines()
    lines.close()
    events: Sink[SafeEvent] = Lines()  # type: ignore[assignment]
    events.close()
    obskit.configure(trace_store=Lines())  # type: ignore[arg-type]
