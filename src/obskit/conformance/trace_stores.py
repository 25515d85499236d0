"""The rules of a trace store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, Final

from ..clock import SYSTEM_CLOCK, isoformat
from ..ids import new_trace_id
from ..traces import ExecutionTrace, SafeTrace, Step, TraceStore
from ..traces.current import enter, leave
from . import rules
from .rules import Rules, check, expect, in_forks, in_threads


def check_trace_store(
    make_store: Callable[[], TraceStore], *, per_user: int | None = None, total: int | None = None
) -> None:
    """
    Check that the stores which *make_store* builds keep the rules of `obskit.traces.TraceStore`.

    Args:
        make_store: Builds a working store; called several times. Where the stores share
            a place, what other checks left there is of no matter.
        per_user: Traces that these stores keep of one user, three at least; not checked
            where None.
        total: Traces that they keep in all, six at least; not checked where None.

    Raises:
        AssertionError: If a rule is broken; names each, what it is for, and what happened.
    """
    check("store", "obskit.traces.TraceStore", StoreRules(make_store, per_user, total))


class _Trace(ExecutionTrace):
    """A trace that is recorded by hand; as the current one it is the caller's own."""

    __slots__ = ("is_running", "trace", "up")

    def __init__(self, user_id: str = "", trace_id: str = "") -> None:
        super().__init__(
            trace_id or new_trace_id(),
            "/check",
            user_id=user_id or _user(),
            correlation_id=None,
            started_at=isoformat(SYSTEM_CLOCK.time_ns()),
        )
        self.is_running, self.up, self.trace = True, None, self

    def begin(self, name: str) -> Step:
        """Begin a step."""
        step = Step(name, new_trace_id()[:16], None)
        self.steps.append(step)
        return step

    def end_in(self, store: TraceStore) -> None:
        """End, successfully."""
        self.status, self._duration_ms = "ok", 12.5
        store.ended(SafeTrace(self))


def _user() -> str:
    return f"user {new_trace_id()}"


def _record(store: TraceStore, *traces: _Trace) -> None:
    for trace in traces:
        store.started(SafeTrace(trace))
        trace.end_in(store)


def _ids(traces: Iterable[ExecutionTrace | None]) -> list[str | None]:
    return [None if trace is None else trace.trace_id for trace in traces]


def _seen(trace: ExecutionTrace | None) -> list[str] | None:
    """Return the status of a trace and of its steps."""
    return None if trace is None else [trace.status, *(f"{step.name} {step.status}" for step in trace.steps)]


class StoreRules(Rules[TraceStore]):
    """What `obskit.traces.TraceStore` asks for."""

    def __init__(self, make: Callable[[], TraceStore], per_user: int | None, total: int | None) -> None:
        super().__init__(make)
        self.per_user: Final = per_user
        self.total: Final = total

    def gives_back(self) -> None:
        """What was kept comes back the same, whatever text is in it, at once and in this process."""
        trace = _Trace()
        trace.attributes = {
            "amount": 2**70,
            "text": "\x00\ud800\u2028 ' ; DROP TABLE trace --",
            "list": [None, {"a": 0.5}],
        }
        trace.links = {"View <b>Run</b>": "https://example.org/?a=%27"}
        step = trace.begin("Look up \U0001f50e")
        step.status, step.details = "ok", {"found": "</script>" * 50}
        wanted = {**trace.to_dict(), "status": "ok", "duration_ms": 12.5}
        with closing(self.make()) as store:
            _record(store, trace)
            found = store.last(trace.user_id)
            expect("what was kept", wanted, found and found.to_dict())

    def shows_what_runs(self) -> None:
        """A running trace is there, with its steps and links: people ask while it hangs."""
        trace = _Trace()
        with closing(self.make()) as store:
            store.started(SafeTrace(trace))
            first, second = trace.begin("first"), trace.begin("second")
            store.changed(SafeTrace(trace))
            first.status = "error"
            store.changed(SafeTrace(trace))
            trace.links = {"Run": "https://example.org/run"}
            store.changed(SafeTrace(trace))
            running = store.last(trace.user_id)
            expect("while it runs", ["running", "first error", "second running"], _seen(running))
            expect("its links", trace.links, running and running.links)
            second.status = "ok"
            trace.end_in(store)
            expect("in the end", ["ok", "first error", "second ok"], _seen(store.last(trace.user_id)))

    def keeps_order_of_start(self) -> None:
        """Newest start first, whatever ended when: the last command is the last one typed."""
        user = _user()
        traces = [_Trace(user) for _ in range(3)]
        with closing(self.make()) as store:
            for trace in traces:
                store.started(SafeTrace(trace))
            newest = _ids(traces[::-1])
            for trace in traces[::-1]:
                trace.end_in(store)
            expect("recent", newest, _ids(store.recent(user)))
            expect("recent with a limit", newest[:2], _ids(store.recent(user, 2)))
            expect("recent with a limit of 0", [], store.recent(user, 0))
            expect("last", newest[:1], _ids([store.last(user)]))
            of_everybody = _ids(store.recent(limit=1_000))
            expect("recent of everybody", newest, [one for one in of_everybody if one in newest])

    def finds_by_id(self) -> None:
        """`get` takes an id in any form, `find` its beginning; anything else finds nothing."""
        trace = _Trace()
        known = trace.trace_id
        dashes = "-".join((known[:8], known[8:12], known[12:16], known[16:20], known[20:]))
        with closing(self.make()) as store:
            _record(store, trace)
            for asked in (known, known.upper(), dashes):
                expect(f"get({asked!r})", [known], _ids([store.get(asked)]))
            expect("find", [known], _ids(store.find(known[:20].upper())))
            for asked in ("", "x", "0" * 32, known[:31], known + "0", "' OR 1=1 --", "\x00", "%" * 32, "{*}"):
                expect(f"get({asked!r})", None, store.get(asked))
            for asked in ("", "zz", "%", "_" * 8, known + "0", "' OR 1=1 --", "*"):
                expect(f"find({asked!r})", [], store.find(asked))

    def ids_are_not_unique(self) -> None:
        """An id may name several traces: one that comes from outside takes nobody's place."""
        users = [_user(), _user()]
        shared = new_trace_id()
        with closing(self.make()) as store:
            _record(store, *(_Trace(user, shared) for user in users))
            for user in users:
                expect("traces of either user", [user], [trace.user_id for trace in store.recent(user)])
            newest = store.get(shared)
            expect("traces of that id", 2, len(store.find(shared)))
            expect("the newest of them", users[1], newest and newest.user_id)

    def users_are_apart(self) -> None:
        """Users are told apart, whatever their ids: nobody sees the traces of another."""
        user = _user()
        ends = ("%", ":*", "\x00", "'\"{}", "é😀" * 20)
        with closing(self.make()) as store:
            _record(store, _Trace(user))
            for other in (user.upper(), user[:-1], *(user + end for end in ends)):
                expect("traces of somebody new", [], store.recent(other))
                _record(store, _Trace(other))
                found = [trace.user_id for trace in (*store.recent(user), *store.recent(other))]
                expect("one trace of each", [user, other], found)
                store.forget(other)

    def leaves_out_own(self) -> None:
        """`last` leaves out the caller's own open trace: /debug-last does not show itself."""
        user = _user()
        before, own = _Trace(user), _Trace(user)
        with closing(self.make()) as store:
            _record(store, before)
            store.started(SafeTrace(own))
            node: Any = own
            enter(node)
            try:
                last = store.last(user)
            finally:
                own.is_running = False
                leave(node)
            expect("last inside a trace", [before.trace_id], _ids([last]))

    def forgets(self) -> None:
        """`forget` erases all of a user, running traces too, and nothing brings them back."""
        user, other = _user(), _user()
        traces = [_Trace(user) for _ in range(3)]
        with closing(self.make()) as store:
            _record(store, *traces[:2], _Trace(other))
            store.started(SafeTrace(traces[2]))
            traces[2].begin("late")
            store.changed(SafeTrace(traces[2]))
            expect("forget", 3, store.forget(user))
            store.changed(SafeTrace(traces[2]))
            traces[2].end_in(store)
            store.flush(rules.PATIENCE / 2)
            left = [store.last(user), *store.recent(user), *(store.get(trace.trace_id) for trace in traces)]
            expect("what is left", [None] * 4, left)
            expect("a second forget", 0, store.forget(user))
            expect("traces of another user", 1, len(store.recent(other)))

    def takes_the_unknown(self) -> None:
        """A trace that is not known is passed over: it may have been evicted or forgotten."""
        trace = _Trace()
        with closing(self.make()) as store:
            store.changed(SafeTrace(trace))
            trace.end_in(store)
            expect("what was kept", [], store.recent(trace.user_id))

    def keeps_bounds(self) -> None:
        """The bounds are exact, and the newest stay: memory and disks are finite."""
        user = _user()
        with closing(self.make()) as store:
            if self.per_user is not None:
                traces = [_Trace(user) for _ in range(2 * self.per_user)]
                _record(store, *traces)
                newest = _ids(traces[::-1])[: self.per_user]
                expect("the newest of one user", newest, _ids(store.recent(user, 10_000)))
            if self.total is not None:
                traces = [_Trace() for _ in range(self.total + 5)]
                _record(store, *traces)
                newest = _ids(traces[::-1])[: self.total]
                expect("the newest of all", newest, _ids(store.recent(limit=10_000)))

    def accounts_for_all(self) -> None:
        """Threads may record at once; `made = written + dropped`, and `dropped` is the sum of its parts."""
        users = [_user() for _ in range(8)]

        def work(number: int) -> None:
            for _ in range(10):
                _record(store, _Trace(users[number]))
                store.last(users[number])

        with closing(self.make()) as store:
            in_threads(8, work)
            expect("flush", True, store.flush(rules.PATIENCE / 2))
            stats = store.stats()
            parts = sum(count for name, count in stats.items() if name.startswith("dropped_"))
            expect("made", 80, stats["made"])
            expect("written + dropped", 80, stats["written"] + stats["dropped"])
            expect("the parts of dropped", stats["dropped"], parts)

    def survives_fork(self) -> None:
        """A forked child records for itself, and its parent goes on."""

        def record_and_read() -> None:
            user = _user()
            _record(store, _Trace(user))
            expect("last", ["ok"], _seen(store.last(user)))
            expect("flush", True, store.flush(rules.PATIENCE / 4))

        busy = _user()
        with closing(self.make()) as store:
            in_forks(5, record_and_read, beside=lambda: _record(store, _Trace(busy)))
            record_and_read()

    def takes_late_traces(self) -> None:
        """After close all methods return, and what is recorded is counted: some code runs until the end."""
        store = self.make()
        store.close()
        trace = _Trace()
        _record(store, trace)
        store.changed(SafeTrace(trace))
        store.flush(0.1)
        store.last(trace.user_id)
        store.recent()
        store.get(trace.trace_id)
        stats = store.stats()
        expect("made", 1, stats["made"])
        expect("written + dropped", 1, stats["written"] + stats["dropped"])
