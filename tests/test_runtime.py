"""The cell that holds the runtime: made once, at first need, and whole in a forked child."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

import pytest

import obskit
from obskit import lazy, runtime
from obskit.runtime import Later
from obskit.traces.stores import MemoryTraceStore


class Slow:
    """A part whose making takes until it is let go on."""

    def __init__(self, begun: threading.Event, go_on: threading.Event) -> None:
        begun.set()
        assert go_on.wait(10)

    def flush(self, timeout: float) -> bool:
        """Nothing is pending."""
        return True

    def close(self) -> None:
        """Nothing is open."""

    def stats(self) -> Mapping[str, float]:
        """Nothing is counted."""
        return {}


def can_load() -> bool:
    """Tell whether another thread than this one could load something now."""
    done = threading.Event()

    def load() -> None:
        with lazy.LOADING:
            done.set()

    threading.Thread(target=load, daemon=True).start()
    return done.wait(5)


def test_a_part_is_made_once_however_many_ask() -> None:
    """Threads that ask at the same time get the same part."""
    begun, go_on = threading.Event(), threading.Event()
    later = Later(lambda: Slow(begun, go_on))
    got: list[runtime.Part] = []
    threads = [threading.Thread(target=lambda: got.append(later.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(got) == 4
    assert len(set(map(id, got))) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of POSIX systems")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("patience", [5.0, 0.0])
def test_a_child_forked_while_a_part_is_made_can_make_its_own(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fork waits for the thread that is making it, but not for ever; the child never does."""
    monkeypatch.setattr(lazy, "_LONGEST", patience)
    begun, go_on = threading.Event(), threading.Event()
    builder = threading.Thread(target=Later(lambda: Slow(begun, go_on)).get)
    builder.start()
    assert begun.wait(10)
    if patience:
        threading.Timer(0.05, go_on.set).start()
    child = os.fork()
    if child == 0:
        os._exit(0 if can_load() and obskit.get_trace_store() is not None else 1)
    go_on.set()
    builder.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert can_load()


def test_a_runtime_that_never_made_a_part_has_nothing_to_finish_there() -> None:
    """Flushing and closing make nothing; counting does."""
    with obskit.configure(capture_logging=False, hooks=False) as built:
        assert built.flush(1)
        assert built.parts() == [built.logs]
        assert built.stats()["alerts_sent"] == 0
        assert len(built.parts()) == 3


def test_a_part_that_does_not_count_is_passed_over(capfd: pytest.CaptureFixture[str]) -> None:
    """Its `stats` gives something else than counts."""

    class Silent(MemoryTraceStore):
        def stats(self) -> None:  # type: ignore[override]
            """Say nothing."""

    store: Any = Silent()
    with obskit.configure(trace_store=store, capture_logging=False, hooks=False) as built:
        assert built.stats()["logs_written"] == 0
    assert "Silent failed: TypeError; the other parts go on" in capfd.readouterr().err


def test_threads_that_need_a_runtime_at_once_get_the_same() -> None:
    """The default one is made once."""
    cell, begun, go_on = runtime.Cell(), threading.Event(), threading.Event()

    def make() -> None:
        begun.set()
        assert go_on.wait(10)
        cell.fill(obskit.runtime.current())

    cell.make_default = make
    got: list[runtime.Runtime] = []
    threads = [threading.Thread(target=lambda: got.append(cell.current())) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    threading.Event().wait(0.05)  # the other one waits for what is being made
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(got) == 2
    assert got[0] is got[1]


def test_a_default_that_is_closed_at_once_is_made_again() -> None:
    """Another thread may close what it has just got, before this one has it."""
    cell, made = runtime.Cell(), 0

    def make() -> None:
        nonlocal made
        made += 1
        cell.fill(obskit.runtime.current() if made == 2 else None)

    cell.make_default = make
    assert cell.current() is obskit.runtime.current()


def test_closing_throws_nothing_out_that_is_put_in_force_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread configures while the runtime before is being taken out of force."""
    fill, threads, built = runtime.Cell.fill, list[threading.Thread](), list[runtime.Runtime]()

    def configure() -> None:
        built.append(obskit.configure(capture_logging=False, hooks=False))

    def slowly(cell: runtime.Cell, new: runtime.Runtime | None) -> None:
        if new is None and not threads:
            threads.append(threading.Thread(target=configure))
            threads[0].start()
            threads[0].join(0.2)
        fill(cell, new)

    before = obskit.configure(capture_logging=False, hooks=False)
    with monkeypatch.context() as patch:
        patch.setattr(runtime.Cell, "fill", slowly)
        before.close()
        threads[0].join(10)
        assert obskit.runtime.current() is built[0]
    built[0].close()
