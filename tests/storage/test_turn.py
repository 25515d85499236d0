"""Whoever waits for a file that processes share is next, however often another one wants it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from obskit.storage import turn
from obskit.storage.sqlite import Database, Tables
from obskit.storage.turn import Turns

NOTES = Tables(part="notes", versions=[["CREATE TABLE note (text TEXT) STRICT"]])
PATIENCE = 30.0


def is_taken(folder: Path) -> bool:
    """Tell whether somebody has the turn."""
    turns = Turns(folder)
    is_free = turns._try()
    turns.close()
    return not is_free


def wait_until_taken(folder: Path) -> None:
    """Wait until somebody has the turn."""
    deadline = time.monotonic() + PATIENCE
    while not is_taken(folder):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_one_has_the_turn_and_the_others_wait(tmp_path: Path) -> None:
    """It is given back at the end of the block, also where that fails."""
    first, second = Turns(tmp_path), Turns(tmp_path)
    with pytest.raises(KeyError), first.turn():
        assert not second._try()
        raise KeyError
    with second.turn():
        assert not first._try()
    first.close()
    second.close()
    first.close()
    assert list(tmp_path.iterdir()) == []


def test_a_turn_that_is_not_given_back_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may be stopped while it has it."""
    monkeypatch.setattr(turn, "_PATIENCE", 0.02)
    holder, other = Turns(tmp_path), Turns(tmp_path)
    with holder.turn(), other.turn():
        assert is_taken(tmp_path)
    assert not is_taken(tmp_path)
    holder.close()
    other.close()


def test_where_nothing_can_be_locked_there_are_no_turns(tmp_path: Path) -> None:
    """Nobody is kept from the file."""
    with Turns(tmp_path / "gone").turn():
        pass


def test_who_waits_is_next_although_another_writes_without_pause(tmp_path: Path) -> None:
    """Without turns the one that never sleeps would be faster."""
    busy, waiting = (Database(tmp_path / "shared.db", NOTES) for _ in range(2))
    for database in (busy, waiting):
        database.read("SELECT * FROM note")
    started = threading.Event()

    def write(database: Database, text: str, wait: bool = False) -> None:
        def change(connection: object) -> None:
            connection.execute("INSERT INTO note VALUES (?)", (text,))  # type: ignore[attr-defined]
            if wait:
                started.set()
                wait_until_taken(tmp_path)
                time.sleep(0.02)  # who waits for SQLite sleeps by now

        database.write(change)

    def write_without_pause() -> None:
        write(busy, "first", wait=True)
        for _ in range(20):
            write(busy, "again")

    thread = threading.Thread(target=write_without_pause)
    thread.start()
    assert started.wait(PATIENCE)
    write(waiting, "waited")
    thread.join()
    notes = [text for (text,) in waiting.read("SELECT text FROM note ORDER BY rowid")]
    assert notes == ["first", "waited", *["again"] * 20]
    busy.close()
    waiting.close()
