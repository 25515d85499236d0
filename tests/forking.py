"""Children that a test forks from busy threads, under coverage."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture(autouse=True)
def unmeasured_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave children unmeasured: coverage has a lock that another thread may hold at the fork."""
    if not hasattr(os, "fork"):
        return
    import posix

    def fork() -> int:
        # Before the fork: what runs first in the child are the functions registered for that.
        tracer = sys.gettrace()
        sys.settrace(None)
        child = posix.fork()
        if child:
            sys.settrace(tracer)
        return child

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(os, "_exit", posix._exit)
