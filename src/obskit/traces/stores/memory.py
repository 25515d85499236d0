"""
Keep the newest traces in this process.

A running trace is the very object that is being recorded. Once it has ended only
its bytes are kept.
"""

from __future__ import annotations

import marshal
import threading
from collections.abc import Collection, Iterable
from itertools import takewhile
from typing import Final

from ...clock import SYSTEM_CLOCK, Clock
from ...ids import parse_fingerprint, parse_trace_id
from ...settings import at_most
from ...worker import restart_after_fork
from ..current import open_traces
from ..model import ExecutionTrace, SafeTrace
from ..users import names_of
from ._bounds import Bounds

_COUNTED: Final = (
    "made",
    "written",
    "evicted",
    "expired",
    "forgotten",
    "dropped",
    "dropped_late",
    "steps_dropped",
    "fields_dropped",
    "links_dropped",
    "ids_dropped",
)


class MemoryTraceStore:
    """
    Keeps traces in this process, the newest of each user.

    Where there is no room, the oldest trace that has ended gives way; where all still
    run, the oldest.

    Args:
        per_user: Traces kept of one user.
        total: Traces kept in all.
        ttl: Seconds from its start after which a trace is forgotten; None keeps it
            until others take its place.
        clock: The source of time.

    Raises:
        ConfigError: If a bound is not above 0.
    """

    def __init__(
        self,
        per_user: int = 100,
        total: int = 1_000,
        *,
        ttl: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._bounds: Final = Bounds(per_user, total, ttl)
        self._clock = clock
        self._counts: dict[str, float] = dict.fromkeys(_COUNTED, 0)
        # Dicts, since they keep the order of start and let go of any entry at once.
        self._entries: dict[_Entry, None] = {}
        self.start_anew()
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Go on in a forked child, where a thread of the parent may have stopped half-way."""
        self._lock = threading.RLock()
        self._by_user: dict[str | None, dict[_Entry, None]] = {}
        # Services that continue a trace share its id, so it may name several.
        self._by_id: dict[str, list[_Entry]] = {}
        for entry in self._entries:
            self._index(entry)

    def started(self, trace: SafeTrace, /) -> None:
        """Keep a trace that has just begun."""
        entry = _Entry(trace, self._clock.monotonic_ns())
        with self._lock:
            self._counts["made"] += 1
            self._expire()
            ring = self._by_user.get(trace.user_id, {})
            if len(ring) >= self._bounds.per_user:
                self._remove([_oldest(ring)], "evicted")
            elif len(self._entries) >= self._bounds.total:
                self._remove([_oldest(self._entries)], "evicted")
            self._entries[entry] = None
            self._index(entry)

    def changed(self, trace: SafeTrace, /) -> None:
        """Do nothing: the running trace itself is kept, its steps with it."""

    def ended(self, trace: SafeTrace, /) -> None:
        """Keep the bytes of a trace in place of the trace."""
        packed = _pack(trace)
        with self._lock:
            known = self._by_id.get(trace.trace_id, ())
            entry = next((entry for entry in known if entry.running is trace), None)
            for what, count in trace.dropped.items():
                self._counts[f"{what}_dropped"] += count
            if entry is None:
                self._counts["dropped"] += 1
                self._counts["dropped_late"] += 1
            else:
                entry.packed, entry.running = packed, None
                self._counts["written"] += 1

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        """Return the user's trace that started last, the caller's own open ones left out."""
        own: Collection[ExecutionTrace | None] = open_traces()
        with self._lock:
            newest = _newest_first(self._ring(user_id))
            entry = next((entry for entry in newest if entry.running not in own), None)
        return None if entry is None else entry.read()

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        """Return the newest trace of that id."""
        with self._lock:
            self._expire()
            known = self._by_id.get(parse_trace_id(trace_id) or "")
            entry = known[-1] if known else None
        return None if entry is None else entry.read()

    def find(self, fingerprint: str, /) -> list[ExecutionTrace]:
        """Return the traces whose id begins with *fingerprint*, newest start first."""
        wanted = parse_fingerprint(fingerprint)
        if wanted is None:
            return []
        with self._lock:
            self._expire()
            newest = _newest_first(self._entries)
            found = [entry for entry in newest if entry.trace_id.startswith(wanted)]
        return [entry.read() for entry in found]

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        """Return the newest traces of a user, or of everybody, newest start first."""
        with self._lock:
            self._expire()
            newest = _newest_first(self._entries if user_id is None else self._ring(user_id))
        return [entry.read() for entry in newest[: int(at_most(limit, self._bounds.total))]]

    def forget(self, user_id: object, /) -> int:
        """Erase all traces of a user; returns how many there were."""
        with self._lock:
            entries = list(self._ring(user_id))
            self._remove(entries, "forgotten")
        return len(entries)

    def flush(self, timeout: float) -> bool:
        """Return True: nothing is ever pending in memory."""
        return True

    def close(self) -> None:
        """Do nothing: what is kept stays readable."""

    def stats(self) -> dict[str, float]:
        """
        Count traces: ``made`` and ``written``, and those taken out again.

        ``dropped`` counts traces whose end was lost, since they had to give way while
        they ran; ``steps_dropped`` and the like count what the kept ones left out.
        ``kept`` and ``users`` tell what is there now.
        """
        with self._lock:
            return {**self._counts, "kept": len(self._entries), "users": len(self._by_user)}

    def _index(self, entry: _Entry) -> None:
        self._by_user.setdefault(entry.user_id, {})[entry] = None
        self._by_id.setdefault(entry.trace_id, []).append(entry)

    def _ring(self, user_id: object) -> dict[_Entry, None]:
        """Return the traces of a user, oldest start first."""
        self._expire()
        return next((self._by_user[name] for name in names_of(user_id) if name in self._by_user), {})

    def _expire(self) -> None:
        """Take out what is too old; traces lie in the order of their start."""
        if self._bounds.ttl is not None:
            horizon_ns = self._bounds.horizon_ns(self._clock.monotonic_ns())
            self._remove([*takewhile(lambda entry: entry.began_ns <= horizon_ns, self._entries)], "expired")

    def _remove(self, entries: Iterable[_Entry], reason: str) -> None:
        for entry in entries:
            if entry not in self._entries:  # a signal handler has recorded meanwhile
                continue
            del self._entries[entry]
            ring, known = self._by_user[entry.user_id], self._by_id[entry.trace_id]
            del ring[entry]
            if not ring:
                del self._by_user[entry.user_id]
            known.remove(entry)
            if not known:
                del self._by_id[entry.trace_id]
            self._counts[reason] += 1


class _Entry:
    """A trace in the store: the running object, later its bytes."""

    __slots__ = ("began_ns", "packed", "running", "trace_id", "user_id")

    def __init__(self, trace: SafeTrace, began_ns: int) -> None:
        self.running: SafeTrace | None = trace
        self.packed = b""
        self.trace_id = trace.trace_id
        self.user_id = trace.user_id
        self.began_ns = began_ns

    def read(self) -> ExecutionTrace:
        """Return the trace; of a running one a copy of this moment."""
        running = self.running
        packed = self.packed if running is None else _pack(running)
        return ExecutionTrace.from_dict(marshal.loads(packed))  # noqa: S302 - written by this process


def _pack(trace: ExecutionTrace) -> bytes:
    # In a third of the time of JSON. It must not leave the process: `marshal` must not be given bytes of
    # others, and is another format in another Python.
    return marshal.dumps(trace.to_dict())


def _newest_first(entries: Iterable[_Entry]) -> list[_Entry]:
    # A list, made at once: a signal handler or a finaliser may record while somebody goes through it.
    return list(entries)[::-1]


def _oldest(entries: Iterable[_Entry]) -> _Entry:
    """Choose what gives way: the oldest that has ended, or the oldest where all still run."""
    first = next(iter(entries))
    if first.running is None:
        return first
    return next((entry for entry in entries if entry.running is None), first)
