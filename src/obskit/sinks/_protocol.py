"""What obskit asks of whatever takes a finished item out of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar, cast

from ..interrupts import let_pass
from ..settings import having

S = TypeVar("S", bound="Sink[Any]")
T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """
    Takes finished items out of the process.

    - An item is safe to show and never changes.
    - `emit` may be called from any thread, also from several at once, and from a
      signal handler that interrupts an `emit`.
    - `emit` returns soon: it never waits longer than the sink's own timeout.
    - What `emit` raises is counted by the caller and never reaches the application.

    A sink that holds items back has ``flush(timeout) -> bool`` as well; one that
    may lose items after `emit` returned counts them in ``stats()``, a flat mapping
    where ``dropped`` is the total. `obskit.testing.check_sink` checks these rules.
    """

    def emit(self, item: T_contra, /) -> None:
        """Deliver *item*, or raise `obskit.errors.SinkError`."""

    def close(self) -> None:
        """Deliver what is held back and release everything; idempotent."""


def checked_sink(setting: str, sink: S) -> S:
    """Check, when something is set up, that *sink* is one."""
    return having(setting, sink, "a sink with emit() and close()", "emit", "close")


def flush_sink(sink: object, timeout: float) -> bool:
    """Let *sink* deliver what it holds back, if it ever does; False if something is left."""
    flush = cast("Callable[[float], bool | None] | None", getattr(sink, "flush", None))
    try:
        return flush is None or flush(timeout) is not False
    except Exception as error:  # a sink of the user's own
        let_pass(error)
        return False


def sink_stats(sink: object) -> Mapping[str, float]:
    """Return what *sink* counts, nothing if it does not count."""
    stats = cast("Callable[[], Mapping[str, float]] | None", getattr(sink, "stats", None))
    try:
        return stats() if stats is not None else {}
    except Exception as error:  # a sink of the user's own
        let_pass(error)
        return {}


def summed(*counts: Mapping[str, float]) -> dict[str, float]:
    """
    Add up counters of the same name.

    >>> summed({"dropped": 1, "written": 9}, {"dropped": 2})
    {'dropped': 3, 'written': 9}
    """
    total: dict[str, float] = {}
    for part in counts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total
