"""Sinks made of sinks: send a line to several, let only some pass, keep the last ones in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from ..clock import Deadline
from ..errors import ConfigError
from ..interrupts import let_pass
from ..settings import at_most, function, whole_number
from ._protocol import Sink, checked_sink, flush_sink, sink_stats, summed

T = TypeVar("T")


class TeeSink(Generic[T]):
    """
    Gives every item to each of *sinks*.

    One that fails does not keep the others from getting the item. Its error is
    raised when all were served, so an item that missed one of them counts as lost.
    """

    def __init__(self, *sinks: Sink[T]) -> None:
        if not sinks:
            raise ConfigError("TeeSink needs at least one sink, got none")
        self._sinks = [checked_sink("sinks", sink) for sink in sinks]

    def emit(self, item: T, /) -> None:
        """Deliver *item* to all; raises the first error."""
        self._for_each(lambda sink: sink.emit(item))

    def flush(self, timeout: float) -> bool:
        """Flush all within *timeout* seconds; False if something is left."""
        deadline = Deadline(at_most(timeout))
        done = [flush_sink(sink, deadline.left()) for sink in self._sinks]
        return all(done)

    def close(self) -> None:
        """Close all; raises the first error."""
        self._for_each(lambda sink: sink.close())

    def stats(self) -> Mapping[str, float]:
        """Add up what the sinks count."""
        return summed(*map(sink_stats, self._sinks))

    def _for_each(self, act: Callable[[Sink[T]], None]) -> None:
        first: Exception | None = None
        for sink in self._sinks:
            try:
                act(sink)
            except Exception as error:
                let_pass(error)
                first = first or error
        if first is not None:
            raise first


class FilteredSink(Generic[T]):
    """
    Gives *sink* the items for which *predicate* is true.

    An item on which *predicate* raises passes: a wrong filter must not cost lines.
    ``filter_failures`` in `stats` counts them.
    """

    def __init__(self, sink: Sink[T], predicate: Callable[[T], bool]) -> None:
        self._sink = checked_sink("sink", sink)
        self._predicate = function("predicate", predicate)
        self._failures = 0

    def emit(self, item: T, /) -> None:
        """Deliver *item* if it passes."""
        try:
            passes = self._predicate(item)
        except Exception as error:
            let_pass(error)
            self._failures += 1
            passes = True
        if passes:
            self._sink.emit(item)

    def flush(self, timeout: float) -> bool:
        """Flush the sink."""
        return flush_sink(self._sink, at_most(timeout))

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()

    def stats(self) -> Mapping[str, float]:
        """Return what the sink counts, and ``filter_failures``."""
        return {**sink_stats(self._sink), "filter_failures": self._failures}


class MemorySink(Generic[T]):
    """
    Keeps the last *capacity* items in memory, oldest first.

    >>> sink = MemorySink[bytes](capacity=2)
    >>> for line in (b"one", b"two", b"three"):
    ...     sink.emit(line)
    >>> sink.items
    [b'two', b'three']
    """

    def __init__(self, *, capacity: int = 1_000) -> None:
        self._items: deque[T] = deque(maxlen=whole_number("capacity", capacity))

    @property
    def items(self) -> list[T]:
        """What is kept, oldest first."""
        return list(self._items)

    def emit(self, item: T, /) -> None:
        """Keep *item*; the oldest gives way."""
        self._items.append(item)

    def close(self) -> None:
        """Keep what is there: it can still be read."""
