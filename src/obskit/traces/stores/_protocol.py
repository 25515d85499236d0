"""What obskit asks of whatever keeps traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..model import ExecutionTrace, SafeTrace, Step


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

    def stepped(self, trace: SafeTrace, step: Step, /) -> None:
        """Keep a step of *trace* that has just ended."""

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
