"""
Keep the newest traces in this process.

A running trace is the very object that is being recorded. Once it has ended only
its bytes are kept, since they take a sixth of the room and most traces are never
asked for.
"""

from __future__ import annotations

import marshal
import threading
from collections.abc import Iterable
from itertools import chain, islice, takewhile
from typing import Final

from ...clock import SYSTEM_CLOCK, Clock
from ...errors import ConfigError
from ..current import open_trace_ids
from ..model import ExecutionTrace, SafeTrace, Step


class MemoryTraceStore:
    """
    Keeps traces in this process, the newest of each user.

    Args:
        per_user: Traces kept of one user.
        total: Traces kept in all.
        ttl: Seconds after which a trace is forgotten; None keeps it until others
            take its place.
        clock: The source of time.
    """

    def __init__(
        self,
        per_user: int = 100,
        total: int = 1_000,
        *,
        ttl: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        for name, value in (("per_user", per_user), ("total", total), ("ttl", 1 if ttl is None else ttl)):
            if value <= 0:
                raise ConfigError(f"{name} must be a number above 0, got {value!r}")
        self._per_user: Final = per_user
        self._total: Final = total
        self._ttl_ns: Final = None if ttl is None else int(ttl * 1e9)
        self._clock = clock
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._by_user: dict[str | None, dict[str, _Entry]] = {}
        self._counts: dict[str, float] = dict.fromkeys(
            ("made", "ended", "evicted", "expired", "forgotten", "late"), 0
        )

    def started(self, trace: SafeTrace, /) -> None:
        """Keep a trace that has just begun; the oldest give way to it."""
        entry = _Entry(trace, self._clock.monotonic_ns())
        with self._lock:
            self._counts["made"] += 1
            self._expire()
            self._drop([known for known in (self._entries.get(trace.trace_id),) if known], "evicted")
            ring = self._by_user.setdefault(trace.user_id, {})
            if len(ring) >= self._per_user:
                self._drop([_oldest(ring.values())], "evicted")
            elif len(self._entries) >= self._total:
                self._drop([_oldest(self._entries.values())], "evicted")
            # Dropping the user's only other trace removes an empty ring.
            self._by_user.setdefault(trace.user_id, ring)[trace.trace_id] = entry
            self._entries[trace.trace_id] = entry

    def stepped(self, trace: SafeTrace, step: Step, /) -> None:
        """Do nothing: the running trace itself is kept, its steps with it."""

    def ended(self, trace: SafeTrace, /) -> None:
        """Keep the bytes of a trace in place of the trace."""
        frozen = marshal.dumps(trace.to_dict())
        with self._lock:
            entry = self._entries.get(trace.trace_id)
            if entry is not None and entry.running is trace:
                entry.freeze(frozen)
                self._counts["ended"] += 1
            else:
                self._counts["late"] += 1

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        """Return the user's trace that started last, the caller's own open one left out."""
        own = set(open_trace_ids())
        with self._lock:
            self._expire()
            ring = self._by_user.get(_user(user_id), {})
            entry = next((ring[trace_id] for trace_id in reversed(ring) if trace_id not in own), None)
        return entry.thaw() if entry is not None else None

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        """Return the trace of that id."""
        with self._lock:
            self._expire()
            entry = self._entries.get(trace_id)
        return entry.thaw() if entry is not None else None

    def find(self, fingerprint: str, /) -> list[ExecutionTrace]:
        """Return the traces whose id begins with *fingerprint*, newest start first."""
        wanted = fingerprint.strip().lower()
        with self._lock:
            self._expire()
            found = [self._entries[known] for known in reversed(self._entries) if known.startswith(wanted)]
        return [entry.thaw() for entry in found] if wanted else []

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        """Return the newest traces of a user, or of everybody, newest start first."""
        with self._lock:
            self._expire()
            entries = self._entries if user_id is None else self._by_user.get(_user(user_id), {})
            newest = [entries[trace_id] for trace_id in islice(reversed(entries), max(0, limit))]
        return [entry.thaw() for entry in newest]

    def forget(self, user_id: object, /) -> int:
        """Erase all traces of a user; returns how many there were."""
        with self._lock:
            entries = list(self._by_user.get(_user(user_id), {}).values())
            self._drop(entries, "forgotten")
        return len(entries)

    def flush(self, timeout: float) -> bool:
        """Return True: nothing is ever pending in memory."""
        return True

    def close(self) -> None:
        """Do nothing: what is kept stays readable."""

    def stats(self) -> dict[str, float]:
        """Count what was made, ended and taken out again, and what is kept now."""
        with self._lock:
            return {**self._counts, "kept": len(self._entries), "users": len(self._by_user)}

    def _expire(self) -> None:
        """Take out what is too old; traces lie in the order of their start."""
        if self._ttl_ns is None:
            return
        oldest = self._clock.monotonic_ns() - self._ttl_ns
        self._drop([*takewhile(lambda entry: entry.began_ns <= oldest, self._entries.values())], "expired")

    def _drop(self, entries: Iterable[_Entry], reason: str) -> None:
        for entry in entries:
            del self._entries[entry.trace_id]
            ring = self._by_user[entry.user_id]
            del ring[entry.trace_id]
            if not ring:
                del self._by_user[entry.user_id]
            self._counts[reason] += 1


class _Entry:
    """A trace in the store: the running object, later its bytes."""

    __slots__ = ("began_ns", "frozen", "running", "trace_id", "user_id")

    def __init__(self, trace: SafeTrace, began_ns: int) -> None:
        self.running: SafeTrace | None = trace
        self.frozen = b""
        self.trace_id = trace.trace_id
        self.user_id = trace.user_id
        self.began_ns = began_ns

    def freeze(self, frozen: bytes) -> None:
        """Keep the bytes and let the object go."""
        self.frozen, self.running = frozen, None

    def thaw(self) -> ExecutionTrace:
        """Return the trace; of a running one a copy of this moment."""
        running = self.running
        # These bytes never left the process, which is what `marshal` asks for.
        values = running.to_dict() if running is not None else marshal.loads(self.frozen)  # noqa: S302
        return ExecutionTrace.from_dict(values)


def _oldest(entries: Iterable[_Entry]) -> _Entry:
    """Choose what gives way: the oldest that has ended, or the oldest where all still run."""
    known = iter(entries)
    first = next(known)
    return next((entry for entry in chain([first], known) if entry.running is None), first)


def _user(user_id: object) -> str | None:
    """Name a user as traces do: by text."""
    return None if user_id is None else str(user_id)
