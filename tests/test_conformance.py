"""check_sink passes good sinks, and tells of a bad one which rule it breaks and why."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from obskit.conformance import rules
from obskit.errors import SinkError
from obskit.sinks import FileSink, Sink
from obskit.testing import RecordingSink, check_sink

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="most rules need fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sink that hangs is given up soon."""
    monkeypatch.setattr(rules, "PATIENCE", 3.0)


def faults_of(make_sink: Callable[[], Sink[bytes]]) -> str:
    """Return what check_sink says of a bad sink."""
    with pytest.raises(AssertionError) as caught:
        check_sink(make_sink)
    return str(caught.value)


def test_a_good_sink_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said, however busy the machine."""
    monkeypatch.setattr(rules, "PATIENCE", 60.0)
    path = tmp_path / "log"
    check_sink(lambda: FileSink(path), received=path.read_bytes)
    check_sink(RecordingSink[bytes])


class StartsThread(RecordingSink[bytes]):
    """Works from the beginning."""

    def __init__(self) -> None:
        super().__init__()
        threading.Thread(target=threading.Event().wait, args=(1,), daemon=True).start()


class Raises(RecordingSink[bytes]):
    """Never works, in its own words."""

    def emit(self, item: bytes, /) -> None:
        """Fail."""
        raise ValueError("no")


class ClosesOnce(RecordingSink[bytes]):
    """Cannot be closed twice, and breaks when it is used afterwards."""

    def emit(self, item: bytes, /) -> None:
        """Fail after close."""
        if self.closed:
            raise KeyError("file")

    def close(self) -> None:
        """Fail the second time."""
        super().close()
        if self.closed > 1:
            raise RuntimeError("closed already")


class OneThread(RecordingSink[bytes]):
    """Belongs to the thread that used it first."""

    owner = 0

    def emit(self, item: bytes, /) -> None:
        """Refuse other threads."""
        self.owner = self.owner or threading.get_ident()
        if self.owner != threading.get_ident():
            raise RuntimeError("wrong thread")


class NeverFlushed(RecordingSink[bytes]):
    """Cannot say whether it is done."""

    def flush(self, timeout: float) -> None:
        """Say nothing."""


class PlainLock(RecordingSink[bytes]):
    """Uses the usual lock, which hangs in a signal handler and in a forked child."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def emit(self, item: bytes, /) -> None:
        """Take some time under the lock."""
        with self._lock:
            threading.Event().wait(0.002)


class RaisesInChild(RecordingSink[bytes]):
    """Works in one process only."""

    def __init__(self) -> None:
        super().__init__()
        self._pid = os.getpid()

    def emit(self, item: bytes, /) -> None:
        """Refuse other processes."""
        if os.getpid() != self._pid:
            raise RuntimeError("wrong process")


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        (StartsThread, ["starts no thread", "Here: 1 threads"]),
        (Raises, ["`emit` delivers a line", "SinkError only", "Here: ValueError: no"]),
        (ClosesOnce, ["`close` is idempotent", "After close", "Here: KeyError"]),
        (OneThread, ["from several threads", "wrong thread"]),
        (NeverFlushed, ["flush(timeout)", "expected True, got None"]),
        (PlainLock, ["interrupt itself", "forked child", "in a forked child: did not come back"]),
        (RaisesInChild, ["forked child", "in a forked child: RuntimeError: wrong process"]),
    ],
)
def test_a_bad_sink_is_told_which_rule_it_breaks(sink: type[RecordingSink[bytes]], words: list[str]) -> None:
    """Each rule finds the sink that was made to break it; all faults come in one message."""
    faults = faults_of(sink)
    assert [word for word in words if word not in faults] == []
    assert faults.startswith(f"the sink breaks {faults.count('Here:')} rule")


def test_a_sink_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """check_sink itself always comes back."""
    monkeypatch.setattr(rules, "PATIENCE", 0.2)

    class Hangs(RecordingSink[bytes]):
        def close(self) -> None:
            threading.Event().wait(5)

    assert "nothing came back within 0.2 seconds" in faults_of(Hangs)


def test_torn_lines_are_seen_where_it_can_be_looked_at(tmp_path: Path) -> None:
    """A sink that cuts a line is found by looking at what arrived."""
    path = tmp_path / "log"

    class Cuts(FileSink):
        def emit(self, line: bytes, /) -> None:
            super().emit(line[:5_000])

    with pytest.raises(AssertionError, match="arrived once and whole: expected 400, got 0"):
        check_sink(lambda: Cuts(path), received=path.read_bytes)


def test_a_recording_sink_records() -> None:
    """It keeps items, fails when told to, and counts how often it was closed."""
    sink = RecordingSink[str]()
    sink.emit("one")
    sink.error = SinkError("EPIPE")
    with pytest.raises(SinkError):
        sink.emit("two")
    sink.close()
    assert (sink.items, sink.closed) == (["one"], 1)
