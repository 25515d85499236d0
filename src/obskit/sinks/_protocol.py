"""What obskit asks of whatever takes a finished item out of the process."""

from __future__ import annotations

from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """
    Takes finished items out of the process.

    - An item is safe to show and never changes.
    - `emit` may be called from any thread, also from several at once.
    - `emit` returns soon: it never waits longer than the sink's own timeout.
    - What `emit` raises is counted by the caller and never reaches the application.
    """

    def emit(self, item: T_contra, /) -> None:
        """Deliver *item*, or raise `obskit.errors.SinkError`."""

    def close(self) -> None:
        """Deliver what is held back and release everything; idempotent."""
