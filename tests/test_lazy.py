"""Names that are loaded when somebody first asks for them."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import obskit
from obskit import lazy

LOADED = """
import sys, obskit
before = "obskit.traces" in sys.modules
obskit.trace
print(before, "obskit.traces" in sys.modules, "trace" in vars(obskit))
"""


def test_a_part_is_loaded_at_first_use() -> None:
    """Before, it costs nothing; afterwards, the name is there like any other."""
    answer = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "True", "True"]


@pytest.mark.parametrize("package", [obskit, obskit.logs, obskit.sinks])
def test_an_unknown_name_is_an_ordinary_attribute_error(package: object) -> None:
    """As for any module, and naming the package."""
    with pytest.raises(AttributeError, match=r"obskit.*'nonsense'"):
        _ = package.nonsense  # type: ignore[attr-defined]


def test_at_the_end_of_the_process_nobody_waits_for_a_frozen_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that was loading something when the process ended never lets go."""
    begun, ended = threading.Event(), threading.Event()

    def load() -> None:
        with lazy.LOADING:
            begun.set()
            ended.wait(10)

    thread = threading.Thread(target=load)
    thread.start()
    assert begun.wait(10)
    monkeypatch.setattr(lazy, "is_finalizing", lambda: True)
    with pytest.raises(RuntimeError, match="end of the process"), lazy.LOADING:
        pass
    ended.set()
    thread.join(10)


def test_a_fork_that_waited_in_vain_leaves_the_lock_to_whoever_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process forks although another thread loads something for a long time."""
    begun, ended = threading.Event(), threading.Event()
    held = []

    def load() -> None:
        with lazy.LOADING:
            begun.set()
            ended.wait(10)
            held.append("to the end")

    thread = threading.Thread(target=load)
    thread.start()
    assert begun.wait(10)
    monkeypatch.setattr(lazy, "_LONGEST", 0.01)
    lazy.LOADING._hold()
    lazy.LOADING._let_go()
    ended.set()
    thread.join(10)
    assert held == ["to the end"]
