"""The kit for authors of stores finds what is wrong with theirs, and says why it matters."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from obskit.conformance import rules
from obskit.testing import check_trace_store
from obskit.traces import ExecutionTrace, MemoryTraceStore
from obskit.traces.current import open_traces

if TYPE_CHECKING:
    from collections.abc import Callable


class Threads(MemoryTraceStore):
    """Starts a thread at once."""

    def __init__(self, *bounds: int) -> None:
        super().__init__(*bounds)
        self.ended_ = threading.Event()
        threading.Thread(target=self.ended_.wait, daemon=True).start()

    def close(self) -> None:
        self.ended_.set()


class Forgetful(MemoryTraceStore):
    """Loses details."""

    def ended(self, trace: Any, /) -> None:
        trace.attributes = {}
        super().ended(trace)


class Slow(MemoryTraceStore):
    """Shows a trace when it has ended."""

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        found = super().last(user_id)
        return None if found is None or found.status == "running" else found


class Backwards(MemoryTraceStore):
    """Returns the oldest first."""

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        return super().recent(user_id, limit)[::-1]


class Literal(MemoryTraceStore):
    """Takes an id only as it is kept."""

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        return super().get(trace_id) if trace_id == trace_id.lower() else None


class Lax(MemoryTraceStore):
    """Finds something for anything."""

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        return super().get(trace_id) or next(iter(super().recent()), None)


class LaxFind(MemoryTraceStore):
    """Takes wildcards."""

    def find(self, fingerprint: str, /) -> list[ExecutionTrace]:
        return super().recent() if fingerprint == "%" else super().find(fingerprint)


class UniqueIds(MemoryTraceStore):
    """Lets a trace take the place of another of the same id."""

    def started(self, trace: Any, /) -> None:
        if self.get(trace.trace_id) is not None:
            self.forget(next(iter(self.find(trace.trace_id))).user_id)
        super().started(trace)


class NoCase(MemoryTraceStore):
    """Does not tell users apart."""

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        own = str(user_id).lower()
        return [trace for trace in super().recent(limit=999) if str(trace.user_id).lower() == own][:limit]


class Narcissist(MemoryTraceStore):
    """Shows the caller's own open trace."""

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        return next(iter(super().recent(user_id, 1)), None)


class Nostalgic(MemoryTraceStore):
    """Forgets nobody."""

    def forget(self, user_id: object, /) -> int:
        return len(super().recent(user_id, 999))


class Undead(MemoryTraceStore):
    """Brings back what was forgotten."""

    def ended(self, trace: Any, /) -> None:
        if self.get(trace.trace_id) is None:
            self.started(trace)
        super().ended(trace)


class Strict(MemoryTraceStore):
    """Refuses what it does not know."""

    def ended(self, trace: Any, /) -> None:
        if self.get(trace.trace_id) is None:
            raise LookupError(trace.trace_id)
        super().ended(trace)


class Uncounted(MemoryTraceStore):
    """Counts nothing that it has written."""

    def stats(self) -> dict[str, float]:
        return {**super().stats(), "written": 0}


class Unflushed(MemoryTraceStore):
    """Is never done."""

    def flush(self, timeout: float) -> bool:
        return False


class Unbounded(MemoryTraceStore):
    """Keeps more than it should."""

    def __init__(self, per_user: int, total: int) -> None:
        super().__init__(99, 999)


class UnboundedInAll(MemoryTraceStore):
    """Keeps more in all than it should."""

    def __init__(self, per_user: int, total: int) -> None:
        super().__init__(per_user, 999)


class OneThread(MemoryTraceStore):
    """Works in the thread that made it... unless several use it at once."""

    inside = 0

    def started(self, trace: Any, /) -> None:
        self.inside += 1
        time.sleep(0.001)
        inside, self.inside = self.inside, 0
        if inside > 1:
            raise RuntimeError("two at once")
        super().started(trace)


class NoFork(MemoryTraceStore):
    """Works in the process that made it."""

    def __init__(self, *bounds: int) -> None:
        super().__init__(*bounds)
        self.pid = os.getpid()

    def started(self, trace: Any, /) -> None:
        if os.getpid() != self.pid:
            raise RuntimeError("another process")
        super().started(trace)


class LosesInChild(NoFork):
    """Takes nothing in another process."""

    def started(self, trace: Any, /) -> None:
        if os.getpid() == self.pid:
            MemoryTraceStore.started(self, trace)


class HangsInChild(NoFork):
    """Hangs in another process."""

    def started(self, trace: Any, /) -> None:
        if os.getpid() != self.pid:
            threading.Event().wait()
        MemoryTraceStore.started(self, trace)


class OneClose(MemoryTraceStore):
    """Minds being closed again."""

    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True


BROKEN: dict[Callable[..., MemoryTraceStore], str] = {
    Threads: "Building one starts no thread",
    Forgetful: "What was kept comes back the same",
    Slow: "A running trace is there",
    Backwards: "Newest start first",
    Literal: "`get` takes an id in any form",
    Lax: "anything else finds nothing",
    LaxFind: "anything else finds nothing",
    UniqueIds: "An id may name several traces",
    NoCase: "Users are told apart",
    Narcissist: "`last` leaves out the caller's own open trace",
    Nostalgic: "`forget` erases all of a user",
    Undead: "nothing brings them back",
    Strict: "A trace that is not known is passed over",
    Uncounted: "`made = written + dropped`",
    Unflushed: "`made = written + dropped`",
    Unbounded: "The bounds are exact",
    UnboundedInAll: "The bounds are exact",
    OneThread: "Threads may record at once",
    NoFork: "A forked child records for itself",
    LosesInChild: "in a forked child: last: expected ['ok'], got None",
    HangsInChild: "in a forked child: did not come back",
    OneClose: "`close` is idempotent",
}


@pytest.mark.parametrize("make", BROKEN, ids=lambda make: make.__name__)
def test_a_store_that_breaks_a_rule_is_told_which(
    make: Callable[..., MemoryTraceStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the rule, what it is for, and what happened."""
    monkeypatch.setattr(rules, "PATIENCE", 2.0 if make is HangsInChild else 20.0)
    with pytest.raises(AssertionError, match=r"the store breaks \d+ rules? of obskit\.traces") as raised:
        check_trace_store(lambda: make(5, 20), per_user=5, total=20)
    assert BROKEN[make] in str(raised.value)
    assert "Here: " in str(raised.value)


def test_a_store_that_keeps_the_rules_passes() -> None:
    """With or without telling its bounds."""
    check_trace_store(lambda: MemoryTraceStore(5, 20), per_user=5, total=20)
    check_trace_store(MemoryTraceStore)
    assert open_traces() == set()
    assert rules.PATIENCE == 10
