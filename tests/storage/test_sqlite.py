"""One file for several parts and processes: versions, damage, and forks."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from obskit.errors import ConfigError, StoreError
from obskit.storage import sqlite
from obskit.storage.sqlite import _FORKS, Database, Tables
from tests.traces.stores.children import Child, forked

FIRST = ["CREATE TABLE note (text TEXT) STRICT"]
SECOND = ["ALTER TABLE note ADD COLUMN author TEXT", "CREATE INDEX note_author ON note (author)"]
NOTES = Tables(part="notes", versions=[FIRST])


#: Begins as a database does, and goes on as none.
DAMAGED = b"SQLite format 3\0" + b"nothing of use" * 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "shared.db"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for longer than a fifth of a second."""
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.2)


def write(database: Database, text: str) -> None:
    """Add a note."""
    database.write(lambda connection: connection.execute("INSERT INTO note (text) VALUES (?)", (text,)))


def notes(database: Database) -> list[str]:
    """Read all notes."""
    return [text for (text,) in database.read("SELECT text FROM note ORDER BY rowid")]


def test_nothing_happens_before_the_first_use(path: Path) -> None:
    """Making a database makes no file; closing one that was never open does no harm."""
    database = Database(path, NOTES)
    database.close()
    assert list(path.parent.iterdir()) == []


def test_parts_share_a_file_and_each_knows_its_version(path: Path) -> None:
    """Tables of one part are no concern of another."""
    first, second = Database(path, NOTES), Database(path, Tables(part="x", versions=[["CREATE TABLE x (y)"]]))
    write(first, "one")
    second.write(lambda connection: connection.execute("INSERT INTO x VALUES (1)"))
    assert notes(first) == ["one"]
    assert first.read("SELECT * FROM obskit ORDER BY part") == [("notes", 1), ("x", 1)]
    first.close()
    second.close()


def test_an_older_file_is_brought_up_to_date(path: Path) -> None:
    """What is in it stays."""
    old, new = Database(path, NOTES), Database(path, Tables(part="notes", versions=[FIRST, SECOND]))
    write(old, "one")
    assert new.read("SELECT text, author FROM note") == [("one", None)]
    assert new.read("SELECT version FROM obskit") == [(2,)]
    old.close()
    with pytest.raises(StoreError, match="written by a newer obskit: version 2 of notes"):
        notes(old)
    new.close()


def test_a_step_between_versions_is_done_as_a_whole_or_not_at_all(path: Path) -> None:
    """An error in it leaves the older version as it was."""
    write(Database(path, NOTES), "one")
    broken = Database(path, Tables(part="notes", versions=[FIRST, [*SECOND, "CREATE TABLE note (again)"]]))
    with pytest.raises(StoreError, match="SQLITE_ERROR"):
        notes(broken)
    database = Database(path, NOTES)
    assert database.read("SELECT name FROM sqlite_schema WHERE type = 'index' AND name = 'note_author'") == []
    assert notes(database) == ["one"]
    database.close()


@pytest.mark.parametrize("version", [-1, 2, "two", None, 1.5])
def test_a_version_that_makes_no_sense_is_refused(path: Path, version: object) -> None:
    """Whoever wrote it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE obskit (part PRIMARY KEY, version)")
        connection.execute("INSERT INTO obskit VALUES ('notes', ?)", (version,))
        connection.commit()
    with pytest.raises(StoreError, match="written by a newer obskit"):
        notes(Database(path, NOTES))


def test_a_change_that_raises_is_undone(path: Path) -> None:
    """The error comes as it is, and the next change works."""
    database = Database(path, NOTES)

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note VALUES ('one')")
        raise KeyError("one")

    with pytest.raises(KeyError):
        database.write(fail)
    write(database, "two")
    assert notes(database) == ["two"]
    database.close()


def test_an_error_about_a_value_comes_as_it_is(path: Path) -> None:
    """The file is fine, so trying again would not help."""
    database = Database(path, NOTES)
    with pytest.raises(sqlite3.IntegrityError):
        database.write(lambda connection: connection.execute("INSERT INTO note VALUES (x'00')"))
    with pytest.raises(sqlite3.ProgrammingError):
        database.read("SELECT ?", ())
    database.close()


def test_a_change_that_undid_itself_is_not_undone_twice(path: Path) -> None:
    """Some errors end the transaction on their own."""
    database = Database(path, NOTES)

    def give_up(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        raise KeyError("x")

    with pytest.raises(KeyError):
        database.write(give_up)
    write(database, "one")
    database.close()


@pytest.mark.usefixtures("impatient")
def test_scrubbing_ends_only_when_nobody_reads_the_old(path: Path) -> None:
    """What was deleted is nowhere in the files then."""
    database = Database(path, NOTES)
    write(database, "quidditch")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM note").fetchall()
        database.write(lambda connection: connection.execute("DELETE FROM note"))
        with pytest.raises(StoreError, match="SQLITE_BUSY"):
            database.scrub()
    database.scrub()
    assert b"quidditch" not in b"".join(file.read_bytes() for file in path.parent.iterdir())
    database.close()


def test_scrubbing_a_damaged_file_says_so(path: Path) -> None:
    """As every other use does."""
    database = Database(path, NOTES)
    write(database, "one")
    database.close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8_000)
    with pytest.raises(StoreError, match="the damaged file is now"):
        database.scrub()
    write(database, "two")
    database.scrub()
    database.close()


@pytest.mark.parametrize("content", [b'{"my": "config"}' * 100, b"xy", b"SQLite format 2\0" * 9])
def test_a_file_that_was_never_a_database_is_left_alone(path: Path, content: bytes) -> None:
    """A wrong path costs the user nothing, and every use says what is wrong with it."""
    path.write_bytes(content)
    database = Database(path, NOTES)
    for _ in range(2):
        with pytest.raises(StoreError, match="is no SQLite file and left as it is"):
            write(database, "one")
    database.close()
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == content


@pytest.mark.parametrize("damage", [b"\0" * 4096, b"\xff" * 16])
def test_a_database_with_a_damaged_beginning_is_one_all_the_same(path: Path, damage: bytes) -> None:
    """A page that was not written before the power failed, or a few wrong bytes: it is put aside."""
    database = Database(path, NOTES)
    write(database, "one")
    database.close()
    path.write_bytes(damage + path.read_bytes()[len(damage) :])
    with pytest.raises(StoreError, match="the damaged file is now"):
        notes(database)
    assert notes(database) == []
    database.close()


def test_a_damaged_file_that_cannot_be_renamed_stays_where_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every use says what is wrong with it."""
    path.write_bytes(DAMAGED)
    database = Database(path, NOTES)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "rename", refuse)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"^SQLITE_NOTADB$"):
            write(database, "one")
    assert len(list(path.parent.iterdir())) == 1


def test_a_damaged_file_that_nobody_may_look_into_is_put_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing speaks against its having been a database."""
    path.write_bytes(DAMAGED)

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StoreError, match="the damaged file is now"):
        notes(Database(path, NOTES))


def test_a_damaged_file_is_renamed_by_one_of_those_who_find_it(path: Path) -> None:
    """Whoever comes second finds the new one."""
    database = Database(path, NOTES)
    write(database, "one")
    other = Database(path, NOTES)
    assert notes(other) == ["one"]
    for file in list(path.parent.iterdir()):
        file.unlink()
    path.write_bytes(DAMAGED)
    with pytest.raises(StoreError, match="damaged file"):
        write(database, "two")
    write(database, "three")
    assert notes(other) == ["three"]
    assert len(list(path.parent.glob("*.corrupt-*"))) == 1
    for each in (database, other):
        each.close()


def test_many_processes_may_open_a_new_file_at_once(path: Path) -> None:
    """All of them write, and nobody is told that the file is busy."""

    def run(number: int, child: Child) -> None:
        database = Database(path, NOTES)
        child.tell(0)
        for _ in range(5):
            write(database, str(number))
        database.close()

    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(forked(run, number)) for number in range(8)]
        assert [child.exit_code() for child in children] == [0] * 8
    database = Database(path, NOTES)
    assert len(notes(database)) == 40
    database.close()


@pytest.mark.usefixtures("impatient")
def test_a_file_that_stays_busy_while_it_is_opened_is_out_of_reach(path: Path) -> None:
    """It is not waited for longer than about a second."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="SQLITE_BUSY"):
            notes(Database(path, NOTES))


def test_a_forked_child_opens_its_own_connections(path: Path) -> None:
    """It goes on where the parent was, and takes nothing from it."""
    database = Database(path, NOTES)
    write(database, "parent")
    assert notes(database) == ["parent"]

    def run(_: Child) -> None:
        write(database, "child")
        assert notes(database) == ["parent", "child"]
        database.close()

    with forked(run) as child:
        assert child.exit_code() == 0
    write(database, "parent again")
    assert notes(database) == ["parent", "child", "parent again"]
    assert database.read("PRAGMA integrity_check") == [("ok",)]
    database.close()


def test_a_child_forked_in_the_middle_of_a_transaction_is_not_locked_out(path: Path) -> None:
    """Forking waits for the end of it: SQLite would tell the child for ever that its parent is writing."""
    database = Database(path, NOTES)
    is_writing = threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note (text) VALUES ('parent')")
        is_writing.set()
        time.sleep(0.1)

    thread = threading.Thread(target=database.write, args=(slow,))
    thread.start()
    is_writing.wait()
    with forked(lambda _: write(database, "child")) as child:
        thread.join()
        assert child.exit_code() == 0
    assert notes(database) == ["parent", "child"]
    database.close()


def test_nobody_opens_a_file_while_the_process_forks(path: Path) -> None:
    """What forking does before and after; a trace function sees nothing of that."""
    database = Database(path, NOTES)
    write(database, "before")
    _FORKS._before()
    thread = threading.Thread(target=write, args=(database, "meanwhile"))
    thread.start()
    thread.join(0.05)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT text FROM note").fetchall() == [("before",)]
    _FORKS._after()
    thread.join()
    assert notes(database) == ["before", "meanwhile"]
    database.close()


def test_a_file_is_not_taken_from_under_a_forked_child(path: Path) -> None:
    """The child holds locks of its own, so its parent is not the last one that has the file open."""
    database = Database(path, NOTES)
    write(database, "parent")

    def run(child: Child) -> None:
        write(database, "first")
        child.tell(1)
        while path.stat().st_mode & 0o100 == 0:  # until the parent has closed its connections
            time.sleep(0.001)
        write(database, "second")
        database.close()

    with forked(run) as child:
        child.wait_for(1)
        assert notes(database) == ["parent", "first"]
        database.close()
        path.chmod(0o700)
        assert child.exit_code() == 0
    assert notes(database) == ["parent", "first", "second"]
    database.close()


def test_threads_share_a_database(path: Path) -> None:
    """Reads go on while somebody writes."""
    database = Database(path, NOTES)
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                write(database, str(number))
                assert str(number) in notes(database)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(notes(database)) == 80
    database.close()


def test_an_sqlite_without_strict_tables_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While setting up, and the error says what is there."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(ConfigError, match=r"SQLite 3\.37 or newer is needed"):
        Database(path, NOTES)


def test_a_file_below_what_is_no_directory_is_out_of_reach(path: Path) -> None:
    """The system says why."""
    path.write_text("")
    with pytest.raises(StoreError, match="SQLITE_CANTOPEN"):
        notes(Database(path / "below", NOTES))
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("impatient")
def test_a_reader_of_a_file_that_is_to_become_ours_is_waited_for(path: Path) -> None:
    """For about a second; then the file is out of reach."""
    database = Database(path, NOTES)
    write(database, "one")
    database.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("PRAGMA journal_mode=DELETE")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM note").fetchall()
        with pytest.raises(StoreError, match="SQLITE_BUSY"):
            notes(database)
    assert notes(database) == ["one"]
    database.close()


def test_a_damaged_file_that_somebody_has_renamed_already_is_left_to_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is at its place now is as new as can be."""
    path.write_bytes(DAMAGED)
    new = path.with_name("new.db")
    new.write_bytes(b"")

    def be_late(path: Path) -> bool:
        new.rename(path)
        return True

    monkeypatch.setattr(sqlite, "_was_database", be_late)
    with pytest.raises(StoreError, match=r"^SQLITE_NOTADB$"):
        notes(Database(path, NOTES))
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == b""
