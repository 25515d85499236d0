"""
What pytest loads by itself where obskit is installed: a fixture.

This module is a plugin of pytest and is not imported by anything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..testing import capture


@pytest.fixture
def obskit_events() -> Iterator[list[dict[str, Any]]]:
    """The events that are logged during the test, as a list of dicts; nothing is written."""
    with capture() as events:
        yield events
