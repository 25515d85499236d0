"""Record traces into a store that a test has made, and wait for what becomes of them."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator

import obskit
from obskit.testing import FakeClock
from obskit.traces import ExecutionTrace, TraceStore

#: Seconds for what takes a moment where the machine is not busy.
PATIENCE = 60.0


@contextlib.contextmanager
def recording(store: TraceStore) -> Iterator[TraceStore]:
    """Let the traces of this block go to *store*, which is closed after it."""
    with obskit.configure(output=io.BytesIO(), trace_store=store, capture_logging=False, hooks=False):
        yield store


def finish(store: TraceStore, clock: FakeClock | None = None) -> None:
    """Wait until all is written, on a busy machine after some attempts, between which *clock* advances."""

    def is_done() -> bool:
        if clock is not None:
            clock.advance(61)
        return store.flush(10)

    until(is_done)


def record(command: str = "/diagnose", user_id: str = "ada") -> str:
    """Record a trace of one step; returns its id."""
    with obskit.trace(command, user_id=user_id) as trace, obskit.step("Look", at="logs"):
        return trace.trace_id


def commands(traces: list[ExecutionTrace]) -> list[str]:
    """Name the traces."""
    return [trace.command for trace in traces]


def until(holds: Callable[[], bool]) -> None:
    """Wait for what somebody else is about to do."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"it did not come about within {PATIENCE:g} seconds"
        time.sleep(0.02)
