"""A program whose traces go to a memory store, under a clock that stands still."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

import obskit
from obskit.testing import FakeClock
from obskit.traces import MemoryTraceStore

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture(autouse=True)
def store(clock: FakeClock) -> Iterator[MemoryTraceStore]:
    """The store of a program that is set up with that clock."""
    kept = MemoryTraceStore(clock=clock)
    with obskit.configure(
        output=io.BytesIO(), trace_store=kept, clock=clock, capture_logging=False, hooks=False
    ):
        yield kept
