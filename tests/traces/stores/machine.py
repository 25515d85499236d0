"""One model of what a trace store should hold, for the stores of all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from obskit.clock import isoformat
from obskit.testing import FakeClock
from obskit.traces import ExecutionTrace, SafeTrace, Step

if TYPE_CHECKING:
    from obskit.traces import TraceStore

USERS = ("ada", "b'o\"b;--", "é\u20ac😀" * 80, None)


def make_trace(number: int, user_id: str | None, clock: FakeClock) -> SafeTrace:
    """Make a running trace; its id is the number."""
    return SafeTrace(
        ExecutionTrace(
            f"{number:032x}",
            "/x",
            user_id=user_id,
            correlation_id=None,
            started_at=isoformat(clock.time_ns()),
        )
    )


def make_step(trace: SafeTrace, name: str = "Look up") -> Step:
    """Begin a step of *trace*."""
    step = Step(name, f"{len(trace.steps) + 1:016x}", None)
    trace.steps.append(step)
    return step


class TraceStoreMachine(RuleBasedStateMachine):
    """
    A store against a plain list of the traces that should be in it.

    Subclasses say how a store is made, with these bounds and `clock`.
    """

    PER_USER: ClassVar = 3
    TOTAL: ClassVar = 5
    TTL: ClassVar = 100.0

    running: Bundle[SafeTrace] = Bundle("running")

    def make_store(self) -> TraceStore:
        """Make an empty store."""
        raise AssertionError("subclasses say how")

    def open_again(self) -> TraceStore:
        """Open what `store` keeps as another process would; in memory nobody else can."""
        return self.store

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.store = self.make_store()
        self.other = self.open_again()
        self.model: list[SafeTrace] = []
        self.began: dict[SafeTrace, int] = {}
        self.open = 0

    @rule(target=running, user_id=st.sampled_from(USERS), number=st.integers(1, 6))
    def start(self, user_id: str | None, number: int) -> SafeTrace:
        """Begin a trace; where there is no room, the oldest gives way, or the oldest that has ended."""
        self.clock.advance(0.001)  # so that each has a start of its own
        trace = make_trace(number, user_id, self.clock)
        self._expire()
        own = [known for known in self.model if known.user_id == user_id]
        crowd = own if len(own) >= self.PER_USER else self.model if len(self.model) >= self.TOTAL else []
        self.store.started(trace)
        self.began[trace] = self.clock.time_ns()
        self.open += 1
        if crowd:
            assert self.store.flush(10)
            may_go = [crowd[0], next((known for known in crowd if known.status != "running"), crowd[0])]
            there = {known.started_at for known in self.store.recent(limit=99)}
            self.model.remove(next(known for known in may_go if known.started_at not in there))
        self.model.append(trace)
        return trace

    @rule(trace=running, name=st.text(max_size=20))
    def begin_step(self, trace: SafeTrace, name: str) -> None:
        """Begin a step, of a trace that may be gone."""
        make_step(trace, name)
        self.store.changed(trace)

    @rule(trace=running, value=st.text(max_size=20))
    def tell_more(self, trace: SafeTrace, value: str) -> None:
        """Tell more of the last step, or of the trace where it has none."""
        if trace.steps:
            trace.steps[-1].details = {"value": value}
            self.store.changed(trace)
        else:
            trace.attributes = {"value": value}
            self.store.changed(trace)

    @rule(trace=running)
    def end_step(self, trace: SafeTrace) -> None:
        """End the last step."""
        if trace.steps:
            trace.steps[-1].status = "ok"
            self.store.changed(trace)

    @rule(trace=consumes(running))
    def end(self, trace: SafeTrace) -> None:
        """End a trace, which may be gone."""
        trace.status = "ok"
        self.open -= 1
        self.store.ended(trace)

    @rule(user_id=st.sampled_from(USERS))
    def forget(self, user_id: str | None) -> None:
        """Erase a user."""
        self._expire()
        gone = [known for known in self.model if known.user_id == user_id]
        assert self.store.forget(user_id) == len(gone)
        self.model = [known for known in self.model if known not in gone]

    @rule(seconds=st.sampled_from([1, 60]))
    def wait(self, seconds: float) -> None:
        """Let time pass, after which old traces are gone."""
        self.clock.advance(seconds)

    @rule()
    def flush(self) -> None:
        """Wait for what is pending."""
        assert self.store.flush(10)

    @invariant()
    def agrees(self) -> None:
        """Every way to read gives what the list holds, to another process when it is written."""
        self._expire()
        assert self.store.flush(10)
        newest = self.model[::-1]
        self._same(self.store.recent(limit=99), newest)
        self._same(self.other.recent(limit=99), newest)
        for user_id in USERS:
            own = [known for known in newest if known.user_id == user_id]
            if user_id is not None:
                self._same(self.store.recent(user_id, 2), own[:2])
            last = self.store.last(user_id)
            self._same([] if last is None else [last], own[:1])
        for trace_id in {known.trace_id for known in newest}:
            same_id = [known for known in newest if known.trace_id == trace_id]
            self._same(
                self.store.find(trace_id[:31]), [k for k in newest if k.trace_id[:31] == trace_id[:31]]
            )
            found = self.store.get(trace_id.upper())
            self._same([] if found is None else [found], same_id[:1])

    @invariant()
    def counts(self) -> None:
        """Whatever was made is accounted for."""
        assert self.store.flush(10)
        stats = self.store.stats()
        assert stats["made"] == len(self.began)
        assert stats["written"] + stats["dropped"] <= stats["made"]
        assert stats["written"] + stats["dropped"] >= stats["made"] - self.open

    def teardown(self) -> None:
        """Close the store."""
        self.store.close()
        self.other.close()

    def _expire(self) -> None:
        oldest = self.clock.time_ns() - int(self.TTL * 1e9)
        self.model = [trace for trace in self.model if self.began[trace] > oldest]

    @staticmethod
    def _same(found: list[ExecutionTrace], wanted: list[SafeTrace]) -> None:
        assert [_visible(trace) for trace in found] == [_visible(trace) for trace in wanted]


def _visible(trace: ExecutionTrace) -> dict[str, object]:
    """Return all that is told of a trace but how long it and its steps have taken so far."""
    values = trace.to_dict()
    del values["duration_ms"]
    for step in values.get("steps", ()):
        del step["duration_ms"]
    return values
