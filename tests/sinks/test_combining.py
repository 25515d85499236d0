"""Sinks made of sinks keep what the sinks in them promise."""

from __future__ import annotations

import sys

import pytest

from obskit.errors import ConfigError, SinkError
from obskit.sinks import FilteredSink, MemorySink, QueuedSink, TeeSink, flush_sink, sink_stats
from obskit.testing import RecordingSink, check_sink


class Counting(RecordingSink[bytes]):
    """A sink with everything that a sink may have."""

    answer = True

    def flush(self, timeout: float) -> bool:
        """Say whether it is done."""
        return self.answer

    def stats(self) -> dict[str, float]:
        """Count one loss."""
        return {"dropped": 1}


class Broken(RecordingSink[bytes]):
    """A sink of a user, written without care."""

    def flush(self) -> None:
        """Forget about the timeout."""

    def stats(self) -> dict[str, float]:
        """Fail."""
        raise ValueError

    def close(self) -> None:
        """Fail."""
        raise OSError("close")


def test_a_tee_serves_all_although_one_fails() -> None:
    """The error comes when everybody has the line."""
    failing, working = RecordingSink[bytes](error=SinkError("EPIPE")), RecordingSink[bytes]()
    with pytest.raises(SinkError, match="EPIPE"):
        TeeSink(failing, working, RecordingSink[bytes](error=ValueError())).emit(b"one\n")
    assert working.items == [b"one\n"]


def test_a_tee_closes_all_although_one_fails() -> None:
    """What can be closed is closed."""
    working = RecordingSink[bytes]()
    with pytest.raises(OSError, match="close"):
        TeeSink[bytes](Broken(), working).close()
    assert working.closed == 1


def test_a_tee_flushes_all_and_adds_up() -> None:
    """One answer for all: done when all are done, and the sum of the losses."""
    tee = TeeSink[bytes](Counting(), Counting(), RecordingSink[bytes]())
    assert tee.flush(1)
    assert tee.stats() == {"dropped": 2}
    tee.close()
    unfinished = Counting()
    unfinished.answer = False
    assert not TeeSink[bytes](unfinished, Counting()).flush(1)


def test_a_tee_of_nothing_is_refused() -> None:
    """A tee without a sink would lose every line in silence."""
    with pytest.raises(ConfigError, match="at least one"):
        TeeSink[bytes]()


def test_a_filter_lets_pass_what_the_predicate_says() -> None:
    """The other lines are not lost, they are not wanted."""
    inner = Counting()
    sink = FilteredSink[bytes](inner, lambda line: b"error" in line)
    sink.emit(b"info\n")
    sink.emit(b"error\n")
    assert inner.items == [b"error\n"]
    assert sink.flush(1)
    assert sink.stats() == {"dropped": 1, "filter_failures": 0}
    sink.close()
    assert inner.closed == 1


def test_a_filter_that_fails_costs_no_line() -> None:
    """A wrong predicate is counted, and the line goes out."""
    inner = RecordingSink[bytes]()
    sink = FilteredSink[bytes](inner, lambda line: 1 / 0 > 0)
    sink.emit(b"one\n")
    assert inner.items == [b"one\n"]
    assert sink.stats() == {"filter_failures": 1}


def test_memory_keeps_the_last_lines() -> None:
    """Memory is bounded, and can be read after close()."""
    sink = MemorySink[bytes](capacity=2)
    for line in (b"1", b"2", b"3"):
        sink.emit(line)
    sink.close()
    assert sink.items == [b"2", b"3"]


@pytest.mark.parametrize("capacity", [0, -1, True, 1.5, "9"])
def test_a_wrong_capacity_is_refused(capacity: int) -> None:
    """Set-up errors come at set-up."""
    with pytest.raises(ConfigError, match="capacity must be a whole number of at least 1, got"):
        MemorySink[bytes](capacity=capacity)
    with pytest.raises(ConfigError, match="capacity"):
        QueuedSink(MemorySink(), capacity=capacity)


def test_a_sink_need_not_flush_or_count() -> None:
    """Both are asked for only where they are."""
    assert flush_sink(RecordingSink[bytes](), 1)
    assert sink_stats(RecordingSink[bytes]()) == {}


def test_what_a_users_sink_raises_stays_inside() -> None:
    """flush() and stats() of the runtime never raise."""
    assert not flush_sink(Broken(), 1)
    assert sink_stats(Broken()) == {}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(sys.gettrace() is not None, reason="coverage has a lock that hangs in forked children")
def test_combinations_keep_the_rules_of_a_sink() -> None:
    """They may be nested as one likes."""
    check_sink(lambda: TeeSink(FilteredSink(MemorySink[bytes](), lambda line: True), MemorySink[bytes]()))
