"""Every run of a Celery task is a trace, which goes on with that of whoever sent it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from celery import Celery  # type: ignore[import-untyped]
from celery.contrib.testing.worker import start_worker  # type: ignore[import-untyped]
from celery.exceptions import Ignore, Reject  # type: ignore[import-untyped]
from celery.signals import worker_process_shutdown  # type: ignore[import-untyped]

import obskit
from obskit.integrations.celery import observe
from obskit.traces import ExecutionTrace, MemoryTraceStore
from tests.integrations.bots import Observed, example, observed
from tests.traces.recorded import last, shape

SECRET = "ghp_" + "fake" * 9
log = obskit.get_logger("shop")


@pytest.fixture(scope="module")
def program() -> Iterator[ModuleType]:
    """The example, with a real worker in a thread of this process and a broker in its memory."""
    loaded = example("celery_app")
    with start_worker(loaded.app, pool="solo", perform_ping_check=False, loglevel="debug"):
        yield loaded


@pytest.fixture(scope="module")
def eager() -> Celery:
    """An application whose tasks run where they are sent."""
    app = observe(Celery("eager"), user_id=lambda task: task.request.kwargs.get("user"))
    assert observe(app) is app  # a second time changes nothing
    app.conf.task_always_eager = True
    return app


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What a program that wants alerts writes, keeps and sends."""
    with observed() as what:
        yield what


def runs() -> list[ExecutionTrace]:
    """Return the traces of tasks, oldest first."""
    return [trace for trace in reversed(obskit.get_trace_store().recent()) if "task_id" in trace.attributes]


def test_the_example_shows_trace_context_and_redaction(program: ModuleType, seen: Observed) -> None:
    """A task has the trace and the user of whoever sent it; one that is tried again is no failure."""
    with obskit.trace("/order", user_id="42") as sent:
        result = program.ship.delay(7, token=SECRET)
    assert result.get(timeout=30) == "14 kg"
    assert seen.runtime.flush(5)
    first, second = runs()
    assert {(trace.trace_id, trace.user_id, trace.command) for trace in (first, second)} == {
        (sent.trace_id, "42", "ship")
    }
    assert (first.parent_id, second.parent_id) == (sent.span_id, first.span_id)
    assert (first.status, first.attributes["retry"]) == (
        "cancelled",
        "Retry in 0s: ConnectionError('the parcel service is busy')",
    )
    assert (second.status, second.attributes) == ("ok", {"task_id": result.id, "retries": 1})
    assert shape(second) == [("Print the label", None)]
    assert seen.ends() == [("/order", "ok"), ("ship", "cancelled"), ("ship", "ok")]
    assert {line["user_id"] for line in seen.lines(msg="label printed")} == {"42"}
    assert seen.stacks() == []
    seen.shows_none_of(SECRET)


def test_a_repeated_failure_of_the_example_is_one_alert(program: ModuleType, seen: Observed) -> None:
    """Celery tells of it by itself: that line has the context, and there is no other."""
    for _ in range(2):
        with obskit.trace("/order", user_id="42"), pytest.raises(ZeroDivisionError):
            program.ship.delay(0).get(timeout=30)
    assert seen.runtime.flush(5)
    kept = last("42")
    assert (kept.command, kept.status, kept.error and kept.error.type) == (
        "ship",
        "error",
        "ZeroDivisionError",
    )
    stacks = seen.stacks()
    assert [line["logger"] for line in stacks] == ["celery.app.trace"] * 2
    assert (stacks[1]["trace_id"], stacks[1]["cmd"], stacks[1]["user_id"]) == (kept.trace_id, "ship", "42")
    assert len(seen.alerts()) == 1


def test_the_worker_writes_no_line_twice(program: ModuleType, seen: Observed) -> None:
    """Celery leaves `logging` alone, its levels too, and its own lines have the context."""
    assert program.ship.delay(2).get(timeout=30) == "50 kg"
    [received] = [line for line in seen.lines(logger="celery.worker.strategy") if "received" in line["msg"]]
    [succeeded] = [line for line in seen.lines(logger="celery.app.trace") if "succeeded" in line["msg"]]
    assert "trace_id" not in received
    assert succeeded["trace_id"] == runs()[0].trace_id
    assert runs()[0].user_id is None
    assert not any(type(handler) is logging.StreamHandler for handler in logging.getLogger().handlers)


def test_a_task_of_nobody_is_nobodys(program: ModuleType, seen: Observed) -> None:
    """The ids of whoever sent it are there all the same."""
    with obskit.trace("/order") as sent:
        program.ship.delay(2).get(timeout=30)
    assert seen.runtime.flush(5)
    [kept] = runs()
    assert (kept.trace_id, kept.parent_id, kept.user_id) == (sent.trace_id, sent.span_id, None)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(None, "ok"), (Ignore(), "ok"), (Reject("later"), "cancelled"), (SystemExit(1), "cancelled")],
)
def test_what_a_task_asks_for_is_no_failure(
    eager: Celery, seen: Observed, outcome: BaseException | None, status: str
) -> None:
    """A run that is left out by its own wish has ended; one that is given back has not."""

    @eager.task(name="clean")  # type: ignore[untyped-decorator]
    def clean(user: str) -> None:
        obskit.set_context(step="cleaning")
        if outcome is not None:
            raise outcome

    def run() -> None:
        clean.delay(user="7")

    if isinstance(outcome, SystemExit):
        with pytest.raises(SystemExit):
            run()
    else:
        run()
    eager.tasks.unregister("clean")
    [kept] = runs()
    assert (kept.command, kept.user_id, kept.status) == ("clean", "7", status)
    assert (obskit.current_trace(), obskit.get_context()) == (None, {})


def test_a_task_inside_a_trace_is_a_trace_of_its_own(eager: Celery, seen: Observed) -> None:
    """It is joined to the one around it, whose context comes back."""

    @eager.task(name="inner")  # type: ignore[untyped-decorator]
    def inner() -> None:
        log.info("inside")

    with obskit.trace("/outer", user_id="42") as outer:
        inner.delay()
        assert obskit.current_trace() is outer
    assert (runs()[0].correlation_id, seen.lines(msg="inside")[0]["cmd"]) == (outer.trace_id, "inner")


def test_tasks_of_other_applications_are_left_alone(eager: Celery, seen: Observed) -> None:
    """Signals come from all applications of a process."""
    other = Celery("other")
    other.conf.task_always_eager = True

    @other.task(name="other", bind=True, max_retries=1)  # type: ignore[untyped-decorator]
    def task(self: Any) -> None:
        if not self.request.retries:
            raise self.retry(countdown=0, exc=ValueError("once"))
        raise ValueError("twice")

    task.apply()
    assert (runs(), len(seen.stacks())) == ([], 1)


def test_a_process_of_the_worker_writes_all_before_it_ends() -> None:
    """It does not end in the usual way, so nothing else would."""

    class Slow(MemoryTraceStore):
        flushed = 0.0

        def flush(self, timeout: float) -> bool:
            self.flushed = timeout
            return True

    store = Slow()
    observe(Celery("ending"))
    with obskit.configure(trace_store=store, capture_logging=False, hooks=False):
        worker_process_shutdown.send(sender="worker", pid=1, exitcode=0)
    assert store.flushed > 0
