"""The rules of a trace store."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ..clock import SYSTEM_CLOCK, isoformat
from ..ids import new_trace_id
from ..traces import ExecutionTrace, SafeTrace, Step, TraceStore
from ..traces.current import enter, leave
from .rules import PATIENCE, complain, complaints, in_threads, starts_nothing

MakeTraceStore: TypeAlias = Callable[[], TraceStore]

_THREADS: Final = 8
_ROUNDS: Final = 10


def check_trace_store(
    make_store: MakeTraceStore, *, per_user: int | None = None, total: int | None = None
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
    setting = Setting(make_store, per_user, total)
    complain("store", "obskit.traces.TraceStore", complaints(RULES, setting))


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules are tried with."""

    make: MakeTraceStore
    per_user: int | None
    total: int | None

    @contextmanager
    def store(self) -> Iterator[TraceStore]:
        """Build a store for the length of the block."""
        store = self.make()
        try:
            yield store
        finally:
            store.close()


class _Trace(ExecutionTrace):
    """A trace that is recorded by hand; as the current one it is the caller's own."""

    __slots__ = ("is_open", "trace", "up")

    def __init__(self, user_id: str | None, trace_id: str | None = None) -> None:
        super().__init__(
            trace_id or new_trace_id(),
            "/check",
            user_id=user_id,
            correlation_id=None,
            started_at=isoformat(SYSTEM_CLOCK.time_ns()),
        )
        self.is_open, self.up, self.trace = True, None, self

    def begin(self, name: str) -> Step:
        """Begin a step."""
        step = Step(name, new_trace_id()[:16], None)
        self.steps.append(step)
        return step

    def end(self) -> None:
        """End, successfully."""
        self.status, self._duration_ms = "ok", 12.5


def _user() -> str:
    return f"user {new_trace_id()}"


def _record(store: TraceStore, *traces: _Trace) -> None:
    for trace in traces:
        store.started(SafeTrace(trace))
        trace.end()
        store.ended(SafeTrace(trace))


def _ids(traces: Iterable[ExecutionTrace]) -> list[str]:
    return [trace.trace_id for trace in traces]


def _seen(trace: ExecutionTrace | None) -> list[str] | None:
    """Return the status of a trace and of its steps."""
    return None if trace is None else [trace.status, *(f"{step.name} {step.status}" for step in trace.steps)]


def _expected(what: str, wanted: object, got: object) -> str | None:
    return None if got == wanted else f"{what}: expected {wanted!r:.300}, got {got!r:.300}"


# --- the rules ---


def _starts_nothing(setting: Setting) -> str | None:
    return starts_nothing(setting.make)


def _gives_back(setting: Setting) -> str | None:
    user = _user()
    trace = _Trace(user)
    trace.attributes = {
        "amount": 2**70,
        "text": "\x00\ud800\u2028 ' ; DROP TABLE trace --",
        "list": [None, {"a": 0.5}],
    }
    trace.links = {"View <b>Run</b>": "https://example.org/?a=%27"}
    step = trace.begin("Look up \U0001f50e")
    step.status, step.details = "ok", {"found": "</script>" * 50}
    with setting.store() as store:
        store.started(SafeTrace(trace))
        trace.end()
        wanted = trace.to_dict()
        store.ended(SafeTrace(trace))
        found = store.last(user)
        return _expected("what was kept", wanted, found and found.to_dict())


def _shows_what_runs(setting: Setting) -> str | None:
    user = _user()
    trace = _Trace(user)
    with setting.store() as store:
        store.started(SafeTrace(trace))
        first, second = trace.begin("first"), trace.begin("second")
        for step in (first, second):
            store.changed(SafeTrace(trace), step)
        first.status = "error"
        store.changed(SafeTrace(trace), first)
        trace.links = {"Run": "https://example.org/run"}
        store.changed(SafeTrace(trace), None)
        running = store.last(user)
        if fault := _expected("while it runs", ["running", "first error", "second running"], _seen(running)):
            return fault
        second.status = "ok"
        trace.end()
        store.ended(SafeTrace(trace))
        links = None if running is None else running.links
        return _expected("its links", trace.links, links) or _expected(
            "in the end", ["ok", "first error", "second ok"], _seen(store.last(user))
        )


def _keeps_order_of_start(setting: Setting) -> str | None:
    user = _user()
    traces = [_Trace(user) for _ in range(3)]
    with setting.store() as store:
        for trace in traces:
            store.started(SafeTrace(trace))
        for trace in reversed(traces):
            trace.end()
            store.ended(SafeTrace(trace))
        newest = _ids(list(reversed(traces)))
        last = store.last(user)
        return (
            _expected("recent", newest, _ids(store.recent(user)))
            or _expected("recent with a limit", newest[:2], _ids(store.recent(user, 2)))
            or _expected("recent with a limit of 0", [], store.recent(user, 0))
            or _expected("last", newest[:1], _ids([last] if last else []))
            or _expected(
                "recent of everybody", newest, [i for i in _ids(store.recent(limit=1_000)) if i in newest]
            )
        )


def _finds_by_id(setting: Setting) -> str | None:
    trace = _Trace(_user())
    known = trace.trace_id
    dashes = "-".join((known[:8], known[8:12], known[12:16], known[16:20], known[20:]))
    with setting.store() as store:
        _record(store, trace)
        for asked in (known, known.upper(), dashes):
            found = store.get(asked)
            if fault := _expected(f"get({asked!r})", known, found and found.trace_id):
                return fault
        for asked in ("", "x", "0" * 32, known[:31], known + "0", "' OR 1=1 --", "\x00", "%" * 32, "{*}"):
            if fault := _expected(f"get({asked!r})", None, store.get(asked)):
                return fault
        for asked in ("", "zz", "%", "_" * 8, known + "0", "' OR 1=1 --", "*"):
            if fault := _expected(f"find({asked!r})", [], store.find(asked)):
                return fault
        return _expected("find", [known], _ids(store.find(known[:20].upper())))


def _ids_are_not_unique(setting: Setting) -> str | None:
    users = [_user(), _user()]
    shared = new_trace_id()
    with setting.store() as store:
        _record(store, *(_Trace(user, shared) for user in users))
        for user in users:
            if fault := _expected("last of either user", [user], [t.user_id for t in store.recent(user)]):
                return fault
        newest = store.get(shared)
        return _expected("traces of that id", 2, len(store.find(shared))) or _expected(
            "the newest of them", users[1], newest and newest.user_id
        )


def _users_are_apart(setting: Setting) -> str | None:
    user = _user()
    others = [
        user.upper(),
        f"{user}%",
        f"{user}:*",
        f"{user}\x00",
        f"{user}'\"{{}}",
        f"{user}é😀" * 3,
        user[:-1],
    ]
    with setting.store() as store:
        _record(store, _Trace(user))
        for other in others:
            before = store.recent(other)
            _record(store, _Trace(other))
            found = [trace.user_id for trace in (*before, *store.recent(user), *store.recent(other))]
            if fault := _expected("one trace of each", [user, other], found):
                return fault
            store.forget(other)
    return None


def _leaves_out_own(setting: Setting) -> str | None:
    user = _user()
    before, own = _Trace(user), _Trace(user)
    with setting.store() as store:
        _record(store, before)
        store.started(SafeTrace(own))
        node: Any = own
        enter(node)
        try:
            last = store.last(user)
        finally:
            own.is_open = False
            leave(node)
        return _expected("last inside a trace", before.trace_id, last and last.trace_id)


def _forgets(setting: Setting) -> str | None:
    user, other = _user(), _user()
    traces = [_Trace(user) for _ in range(3)]
    with setting.store() as store:
        _record(store, *traces[:2], _Trace(other))
        store.started(SafeTrace(traces[2]))
        step = traces[2].begin("late")
        store.changed(SafeTrace(traces[2]), step)
        forgotten = store.forget(user)
        store.changed(SafeTrace(traces[2]), step)
        traces[2].end()
        store.ended(SafeTrace(traces[2]))
        store.flush(PATIENCE / 2)
        left = [store.last(user), *store.recent(user), *(store.get(trace.trace_id) for trace in traces)]
        return (
            _expected("forget", 3, forgotten)
            or _expected("what is left", [None] * 4, left)
            or _expected("a second forget", 0, store.forget(user))
            or _expected("traces of another user", 1, len(store.recent(other)))
        )


def _takes_the_unknown(setting: Setting) -> str | None:
    user = _user()
    trace = _Trace(user)
    with setting.store() as store:
        store.changed(SafeTrace(trace), trace.begin("x"))
        store.changed(SafeTrace(trace), None)
        store.ended(SafeTrace(trace))
        return _expected("what was kept", [], store.recent(user))


def _accounts_for_all(setting: Setting) -> str | None:
    with setting.store() as store:
        _record(store, *(_Trace(_user()) for _ in range(5)))
        if fault := _expected("flush", True, store.flush(PATIENCE / 2)):
            return fault
        stats = store.stats()
        parts = sum(count for name, count in stats.items() if name.startswith("dropped_"))
        return _expected("made", 5, stats["made"]) or _expected(
            "written + dropped, and the parts of dropped",
            (5, stats["dropped"]),
            (stats["written"] + stats["dropped"], parts),
        )


def _keeps_bounds(setting: Setting) -> str | None:
    user = _user()
    with setting.store() as store:
        if setting.per_user is not None:
            traces = [_Trace(user) for _ in range(2 * setting.per_user)]
            _record(store, *traces)
            newest = _ids(traces[::-1])[: setting.per_user]
            if fault := _expected("the newest of one user", newest, _ids(store.recent(user, 10_000))):
                return fault
        if setting.total is not None:
            traces = [_Trace(_user()) for _ in range(setting.total + 5)]
            _record(store, *traces)
            newest = _ids(traces[::-1])[: setting.total]
            return _expected("the newest of all", newest, _ids(store.recent(limit=10_000)))
    return None


def _serves_threads(setting: Setting) -> str | None:
    users = [_user() for _ in range(_THREADS)]

    def work(number: int) -> None:
        for _ in range(_ROUNDS):
            _record(store, _Trace(users[number]))
            store.last(users[number])

    with setting.store() as store:
        fault = in_threads(_THREADS, work)
        store.flush(PATIENCE / 2)
        stats = store.stats()
        accounted = stats["written"] + stats["dropped"]
    return fault or _expected("traces accounted for", _THREADS * _ROUNDS, accounted)


def _survives_fork(setting: Setting) -> str | None:
    if not hasattr(os, "fork"):  # pragma: no cover
        return None
    busy, ended = _user(), threading.Event()
    with setting.store() as store:

        def work() -> None:
            while not ended.wait(0.001):
                with suppress(Exception):  # other rules look at what this thread gets
                    _record(store, _Trace(busy))

        threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        fault = next(filter(None, (_fault_of(_fork(store)) for _ in range(5))), None)
        ended.set()
        for thread in threads:
            thread.join()
        user = _user()
        _record(store, _Trace(user))
        return fault or _expected("last in the parent afterwards", ["ok"], _seen(store.last(user)))


def _fork(store: TraceStore) -> int:
    """Record and read in a child; returns its process id."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is the point
        child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        with suppress(BaseException):
            user = _user()
            _record(store, _Trace(user))
            os._exit(0 if store.last(user) is not None and store.flush(PATIENCE / 4) else 2)
        os._exit(1)
    return child


def _fault_of(child: int) -> str | None:
    """Wait for a child, which is killed if it hangs."""
    deadline = SYSTEM_CLOCK.monotonic_ns() + int(PATIENCE / 2 * 1e9)
    while SYSTEM_CLOCK.monotonic_ns() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            faults = {0: None, 2: "a forked child did not find what it had recorded"}
            return faults.get(os.waitstatus_to_exitcode(status), "a forked child failed")
        threading.Event().wait(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "a forked child hung"


def _ends_quietly(setting: Setting) -> str | None:
    store = setting.make()
    store.close()
    store.close()
    trace = _Trace(_user())
    _record(store, trace)
    store.changed(SafeTrace(trace), None)
    store.flush(0.1)
    store.last(trace.user_id)
    store.recent()
    store.get(trace.trace_id)
    stats = store.stats()
    return _expected("made, and accounted for", (1, 1), (stats["made"], stats["written"] + stats["dropped"]))


#: What obskit relies on, and why: each function says what is wrong, or raises it.
RULES: Final[dict[Callable[[Setting], str | None], str]] = {
    _starts_nothing: "Building a store starts no thread: imports and forks stay harmless.",
    _gives_back: "What was kept comes back the same, whatever text is in it, at once and in this process.",
    _shows_what_runs: "A running trace is there, with its steps and links: people ask while it hangs.",
    _keeps_order_of_start: "Newest start first, whatever ended when: the last command is the last one typed.",
    _finds_by_id: "get takes an id in any form, find its beginning; anything else finds nothing.",
    _ids_are_not_unique: "An id may name several traces: one that comes from outside takes nobody's place.",
    _users_are_apart: "Users are told apart, whatever their ids: nobody sees the traces of another.",
    _leaves_out_own: "last leaves out the caller's own open trace: /debug-last does not show itself.",
    _forgets: "forget erases all of a user, running traces too, and nothing brings them back.",
    _takes_the_unknown: "A trace that is not known is passed over: it may have been evicted or forgotten.",
    _accounts_for_all: "made = written + dropped once all has ended, and dropped is the sum of its parts.",
    _keeps_bounds: "The bounds are exact, and the newest stay: memory and disks are finite.",
    _serves_threads: "All methods may be called from several threads at once.",
    _survives_fork: "A forked child records for itself, and its parent goes on.",
    _ends_quietly: "close is idempotent, and what comes later is counted: some code runs until the end.",
}
