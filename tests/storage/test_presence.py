"""Who is alive is known at once, whoever ends in whatever way."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from obskit.storage import presence
from obskit.storage.presence import Presence
from tests.traces.stores.children import Child, forked

NAME = "0123456789abcdef"


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    """What the names of the files begin with."""
    return f"{tmp_path}/alive-"


def test_a_process_is_there_until_it_leaves(prefix: str) -> None:
    """For itself and for others; afterwards no file is left."""
    mine, other = Presence(prefix), Presence(prefix)
    mine.show(NAME)
    mine.show(NAME)
    assert (mine.is_gone(NAME), other.is_gone(NAME)) == (False, False)
    mine.leave()
    mine.leave()
    assert (mine.is_gone(NAME), other.is_gone(NAME)) == (True, True)
    assert list(Path(prefix).parent.iterdir()) == []


def test_a_process_that_was_killed_is_gone(prefix: str) -> None:
    """Whoever finds out removes its file."""

    def run(child: Child) -> None:
        Presence(prefix).show(NAME)
        held.append(presence)
        child.tell(1)
        child.tell(int(Presence(prefix).is_gone(NAME)))
        os.read(os.pipe()[0], 1)

    held: list[object] = []
    with forked(run) as child:
        child.wait_for(1)
        child.kill()
        assert Presence(prefix).is_gone(NAME)
    assert list(Path(prefix).parent.iterdir()) == []


def test_what_killed_processes_have_left_is_removed_by_the_next(prefix: str) -> None:
    """Not what a living one shows, what has no lock yet because it is so new, and what is somebody else's."""
    living = Presence(prefix)
    living.show(NAME)
    others = [f"{prefix}{letter * 16}" for letter in "abc"] + [f"{prefix}notes"]
    for path in others:
        Path(path).touch()
    for path in (prefix + NAME, *others[1:]):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    mine = Presence(prefix)
    mine.show("f" * 16)
    left = {path.name for path in Path(prefix).parent.iterdir()}
    assert left == {f"alive-{name}" for name in (NAME, "a" * 16, "f" * 16, "notes")}
    mine.leave()
    living.leave()


def test_a_forked_child_shows_nothing_of_its_parent(prefix: str) -> None:
    """It asks like any other process, and shows itself under its own name."""
    mine = Presence(prefix)
    mine.show(NAME)

    def run(child: Child) -> None:
        child.tell(int(mine.is_gone(NAME)))
        mine.show(NAME[::-1])
        mine.leave()

    with forked(run) as child:
        assert child.told() == [0]
        assert child.exit_code() == 0
    assert not Presence(prefix).is_gone(NAME)
    mine.leave()


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0123456789ABCDEF", f"{NAME}0", f"{NAME}\n", "*"])
def test_what_is_no_name_is_nobody(prefix: str, name: str) -> None:
    """It may come from anybody, and no file of anybody is touched for it."""
    assert Presence(prefix).is_gone(name)


def test_where_nobody_can_tell_a_process_counts_as_alive(
    prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have no locks."""
    Path(prefix + NAME).touch()

    def refuse(_: int) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(presence, "try_lock_file", refuse)
    assert not Presence(prefix).is_gone(NAME)


def test_starting_anew_shows_nothing(prefix: str) -> None:
    """What a forked child does, without one."""
    mine = Presence(prefix)
    mine.start_anew()
    mine.show(NAME)
    mine.start_anew()
    assert mine.is_gone(NAME)
