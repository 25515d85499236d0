"""
What obskit asks of whatever keeps traces.

`TraceStore` is the whole of it. A store outside of this process is a `Backend`
under a `BufferedTraceStore`: the backend knows how documents are laid out in one
kind of place, and nothing of threads, failures or traces that are still open.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ..model import ExecutionTrace, SafeTrace


class TraceStore(Protocol):
    """
    Keeps traces and gives them back, also those that still run.

    - Everything it gets is safe to keep.
    - Its methods may be called from any thread; the three that record return soon
      and never raise: what cannot be kept is counted.
    - Reads see what the same process recorded before.
    - An id may name several traces, since services that continue a trace share it;
      nothing that is kept of one user is replaced by a trace of another.
    - The id of a user is kept as `ExecutionTrace.user_id` has it; who asks gives the
      original, and `obskit.traces.users.names_of` tells what to look for.
    """

    def started(self, trace: SafeTrace, /) -> None:
        """Keep a trace that has just begun."""

    def changed(self, trace: SafeTrace, /) -> None:
        """Keep what is new of a running trace; one that is not known any more is passed over."""

    def ended(self, trace: SafeTrace, /) -> None:
        """Keep the final form of a trace; one that is not known any more is passed over."""

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        """Return the user's trace that started last, the caller's own open ones left out."""

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        """Return the newest trace of that id, written in any case, with or without dashes."""

    def find(self, fingerprint: str, /) -> list[ExecutionTrace]:
        """Return the traces whose id begins with *fingerprint*, newest start first."""

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        """Return the newest traces of a user, or of everybody where that is None, newest start first."""

    def forget(self, user_id: object, /) -> int:
        """Erase all traces of a user; returns how many there were."""

    def flush(self, timeout: float) -> bool:
        """Finish pending writes within *timeout* seconds; False if some are left."""

    def close(self) -> None:
        """Finish and release everything; idempotent."""

    def stats(self) -> Mapping[str, float]:
        """Return what was counted so far, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be kept of one trace from now on."""

    #: Trace ids are not unique, so this names the trace: 16 hex digits for its start, in nanoseconds since
    #: 1970, and 16 for the process that records it. What sorts later began later.
    key: str
    trace_id: str
    #: Never the id of a user but what `users.user_key` makes of it: up to 21 characters that are safe
    #: anywhere; empty for nobody.
    user: str
    is_new: bool  #: nothing of it is kept yet
    is_final: bool  #: it has ended
    document: bytes  #: the whole of it, as JSON


def began_ns(key: str) -> int:
    """Return when the trace of *key* began, by the wall clock."""
    return int(key[:16], 16)


def process_of(key: str) -> str:
    """Return which process records the trace of *key*."""
    return key[16:32]


class Kept(NamedTuple):
    """What a backend gives back of one trace."""

    key: str
    document: bytes
    is_lost: bool = False  #: if it has not ended: its process is gone


class Backend(Protocol):
    """
    A place outside of this process, or at least a file, that keeps documents.

    - `write`, `forget`, `beat` and `close` are called by one thread at a time; reads from
      any thread, also meanwhile.
    - In a forked child it leaves to the parent what belongs to that; `os.register_at_fork`
      tells it when.
    - Every call ends within about a second, whatever happens outside.
    - `obskit.errors.StoreError` says that the place is out of reach: the same changes
      come again later, so a repeated one must do no harm. Any other exception says that
      a change can never be written: it is dropped and counted.
    - It keeps its own bounds, also among several processes. What must give way is the
      oldest; better one that has ended. Reads may give what is too old.
    """

    @property
    def name(self) -> str:
        """The kind of place, as people know it; stands in notices."""

    @property
    def beat_every(self) -> float | None:
        """Seconds from one `beat` to the next while traces run; None for no beat."""

    def write(self, changes: Sequence[Change], /) -> int:
        """Keep *changes*; returns how many final ones found their trace gone."""

    def recent(self, user: str | None, limit: int, /) -> list[Kept]:
        """Return the newest traces of *user*, or of everybody."""

    def find(self, prefix: str, limit: int, /) -> list[Kept]:
        """Return the newest traces whose id begins with *prefix*, up to 32 lowercase hex digits."""

    def forget(self, user: str, /) -> Collection[str]:
        """Erase all traces of *user*, so that nothing of them is left anywhere; returns their keys."""

    def beat(self, process: str, /) -> None:
        """Keep in mind for about three beats that *process* is alive."""

    def close(self) -> None:
        """Release everything; idempotent."""
