"""Lines from signal handlers and finalisers, which come in wherever something is called."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from itertools import combinations
from types import FrameType

import pytest

from obskit.counting import count
from obskit.sinks import _lines
from obskit.sinks._lines import LineSink
from obskit.sinks._losses import Losses


class Written(LineSink):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def close(self) -> None:
        """Nothing to release."""

    def _write(self, line: bytes) -> None:
        self.lines.append(line)


def struck(act: Callable[[], object], strike: Callable[[], object], *places: int) -> bool:
    """Call *act* and, at those of its calls and returns, *strike*; False if it has fewer of them."""
    left, passed = list(places), 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal passed
        passed += 1
        if left and passed >= left[0]:
            del left[0]
            strike()

    gc.disable()  # a finaliser of somebody else's would be struck as well
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
        gc.enable()
    return not left


def test_no_handler_loses_a_line_wherever_it_strikes() -> None:
    """Each pair of moments inside a call, two lines logged at the first and one at the second."""
    both = 0
    for places in combinations(range(1, 60), 2):
        sink = Written()
        if struck(lambda: sink.emit(b"outer"), lambda: sink.emit(b"inner"), *places):  # noqa: B023
            both += 1
            assert sorted(sink.lines) == [b"inner", b"inner", b"outer"]
            assert sink.stats() == {"dropped": 0}
    assert both > 50


class Limit(Exception):
    """What a handler raises to leave whatever the program is doing."""


def test_a_handler_that_raises_costs_no_line_unseen() -> None:
    """It strikes after another one has logged: that line is written, or lost and counted."""
    raised = 0
    for places in combinations(range(1, 60), 2):
        sink, strikes = Written(), 0

        def strike() -> None:
            nonlocal strikes
            strikes += 1
            if strikes == 2:
                raise Limit
            sink.emit(b"inner")  # noqa: B023

        try:
            struck(lambda: sink.emit(b"outer"), strike, *places)  # noqa: B023
        except Limit:
            raised += 1
            sink.emit(b"next")
            assert sink.lines.count(b"inner") + sink.stats()["dropped"] >= 1
            assert sink.lines.count(b"next") == 1
    assert raised > 50


@pytest.mark.parametrize("known", [True, False])
def test_a_handler_that_counts_disturbs_no_count(known: bool) -> None:
    """The sum is right wherever it comes in."""
    for place in range(1, 10):
        counts = {"lost": 1} if known else {}
        strikes = 1 + struck(lambda: count(counts, "lost"), lambda: count(counts, "lost"), place)  # noqa: B023
        assert counts["lost"] == known + strikes


class Garbage:
    """Counts when the collector finds it."""

    def __init__(self, counts: dict[str, int]) -> None:
        self.counts = counts
        self.me = self

    def __del__(self) -> None:
        count(self.counts, "lost")


def test_a_finaliser_that_counts_disturbs_no_count() -> None:
    """The collector runs where something is made, such as the error for a name that is new."""
    thresholds = gc.get_threshold()
    try:
        for most in range(1, 12):
            counts: dict[str, int] = {}
            gc.collect()
            gc.disable()
            Garbage(counts)
            gc.set_threshold(most, 1, 1)
            gc.enable()
            count(counts, "lost")
            gc.set_threshold(*thresholds)
            gc.collect()
            assert counts == {"lost": 2}
    finally:
        gc.set_threshold(*thresholds)


def test_what_is_untold_is_taken_once() -> None:
    """The loss of a handler that strikes meanwhile is told with this one or with the next."""
    for place in range(1, 12):
        losses = Losses()
        losses.add("full", 2)
        taken: list[dict[str, int]] = []
        strikes = struck(lambda: taken.append(losses.take_untold()), lambda: losses.add("full"), place)  # noqa: B023
        assert sum(tally["full"] for tally in (*taken, losses.untold) if tally) == 2 + strikes


def test_a_finaliser_at_the_end_waits_for_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that the end of the process froze in the middle of a line holds the lock for ever."""
    sink = Written()
    held, over = threading.Event(), threading.Event()

    def freeze() -> None:
        with sink._lock:
            held.set()
            over.wait(10)

    frozen = threading.Thread(target=freeze)
    frozen.start()
    held.wait(10)
    monkeypatch.setattr(_lines, "is_finalizing", lambda: True)
    sink.emit(b"bye")
    assert sink.lines == [b"bye"]
    over.set()
    frozen.join()
