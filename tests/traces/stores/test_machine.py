"""Each kind of store against the model."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant

from obskit.traces import MemoryTraceStore, TraceStore
from obskit.traces.stores import SQLiteTraceStore
from tests.traces.stores.machine import TraceStoreMachine


class MemoryMachine(TraceStoreMachine):
    """The store in memory."""

    def make_store(self) -> TraceStore:
        """Make an empty store."""
        return MemoryTraceStore(self.PER_USER, self.TOTAL, ttl=self.TTL, clock=self.clock)

    @invariant()
    def adds_up(self) -> None:
        """What was made is there, or was taken out for a reason."""
        stats = self.store.stats()
        assert stats["kept"] == len(self.model)
        assert stats["users"] == len({trace.user_id for trace in self.model})
        assert stats["made"] == stats["kept"] + stats["evicted"] + stats["forgotten"] + stats["expired"]


class SQLiteMachine(TraceStoreMachine):
    """The store in a file."""

    def make_store(self) -> TraceStore:
        """Make an empty store."""
        self.folder = tempfile.TemporaryDirectory()
        return self.open_again()

    def open_again(self) -> TraceStore:
        """Open the file once more."""
        path = f"{self.folder.name}/traces.db"
        return SQLiteTraceStore(path, self.PER_USER, self.TOTAL, ttl=self.TTL, clock=self.clock)

    def teardown(self) -> None:
        """Remove the file."""
        super().teardown()
        self.folder.cleanup()


MemoryMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
SQLiteMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestMemoryMachine = MemoryMachine.TestCase
TestSQLiteMachine = pytest.mark.slow(SQLiteMachine.TestCase)
