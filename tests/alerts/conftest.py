"""A runtime and a clock for the tests of alerts."""

from __future__ import annotations

import io

import pytest

from obskit import Runtime, configure
from obskit.testing import FakeClock


@pytest.fixture(autouse=True)
def runtime() -> Runtime:
    """A runtime in force, for the gate and the name of the service."""
    return configure(service="orders", output=io.BytesIO(), capture_logging=False, hooks=False)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still at a known instant."""
    return FakeClock()
