"""Traces in one file: shared by processes, safe from their deaths, and whatever is wrong with the file."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import obskit
from obskit.errors import ConfigError
from obskit.testing import FakeClock, check_trace_store
from obskit.traces import ExecutionTrace
from obskit.traces.stores import SQLiteTraceStore, TraceStore
from obskit.traces.users import user_key
from tests.traces.stores.children import Child, forked
from tests.traces.stores.machine import make_trace
from tests.traces.stores.recording import commands, record, recording, until

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
PATIENCE = 30.0
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "traces.db"


def fill(path: Path, count: int = 3) -> None:
    """Make a file with some traces of ada."""
    with recording(SQLiteTraceStore(path)):
        for number in range(count):
            record(f"/{number}")


def works(path: Path) -> TraceStore:
    """Record with the file as it is, and read it back from wherever it is kept."""
    with recording(SQLiteTraceStore(path)) as store:
        record("/now")
        store.flush(PATIENCE)
        assert commands(store.recent("ada"))[:1] == ["/now"]
        last = store.last("ada")
        assert last is not None
        assert store.get(last.trace_id) is not None
        assert store.stats()["made"] == 1
        store.forget("ada")
    return store


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Look into the file."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def files(path: Path) -> bytes:
    """Return every byte in every file beside *path* and of it."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


# --- what every store does ---


def test_it_keeps_the_rules_of_a_store(path: Path) -> None:
    """Every rule of `TraceStore` holds."""
    check_trace_store(lambda: SQLiteTraceStore(path, 5, 20), per_user=5, total=20)


def test_another_process_reads_what_was_recorded(path: Path) -> None:
    """Every way to read finds a trace of somebody else, finished or running."""
    other = SQLiteTraceStore(path)
    with recording(SQLiteTraceStore(path)) as store:
        trace_id = record()
        with obskit.trace("/deploy", user_id="bob") as running, obskit.step("Build"):
            assert store.flush(PATIENCE)
            (found,) = other.recent("bob")
            assert (found.status, [step.status for step in found.steps]) == ("running", ["running"])
        assert store.flush(PATIENCE)
        last = other.last("ada")
        assert last is not None
        assert (last.trace_id, last.status, last.steps[0].details) == (trace_id, "ok", {"at": "logs"})
        assert commands(other.recent()) == ["/deploy", "/diagnose"]
        assert commands(other.find(trace_id[:8])) == ["/diagnose"]
        assert other.get(running.trace_id) is not None
    other.close()


def test_what_was_recorded_is_there_after_a_restart(path: Path) -> None:
    """Also for a process that has changed its directory."""
    fill(path)
    with recording(SQLiteTraceStore(path)) as store:
        assert commands(store.recent("ada")) == ["/2", "/1", "/0"]


def test_the_file_is_for_its_owner_only_and_nothing_else_is_left(path: Path) -> None:
    """A store that was closed leaves one file."""
    fill(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_relative_path_is_meant_from_where_the_store_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file does not follow the program into another directory."""
    monkeypatch.chdir(tmp_path)
    store = SQLiteTraceStore("traces.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with recording(store):
        record()
    assert (tmp_path / "traces.db").exists()


@pytest.mark.parametrize("wrong", ["", ":memory:", "a\0b"])
def test_a_path_that_names_no_file_is_refused(wrong: str) -> None:
    """While setting up; a store in memory has a class of its own."""
    with pytest.raises(ConfigError, match=r"the path of (a|an SQLite) file"):
        SQLiteTraceStore(wrong)


# --- bounds ---


def test_what_has_ended_gives_way_first(path: Path) -> None:
    """Bounds are for a user and for all."""
    with recording(SQLiteTraceStore(path, per_user=2, total=3)) as store:
        with obskit.trace("/long", user_id="ada"):
            for command, user_id in (
                ("/1", "ada"),
                ("/2", "ada"),
                ("/3", "ada"),
                ("/4", "bob"),
                ("/5", "eve"),
            ):
                record(command, user_id=user_id)
                assert store.flush(PATIENCE)
            assert commands(store.recent()) == ["/5", "/4", "/long"]
        assert store.flush(PATIENCE)
        stats = store.stats()
        assert (stats["made"], stats["written"], stats["dropped"]) == (6, 6, 0)


def test_a_trace_that_ends_after_it_gave_way_is_counted(path: Path) -> None:
    """An end, or a step, without a beginning is no error."""
    with recording(SQLiteTraceStore(path, per_user=1)) as store:
        with obskit.trace("/long", user_id="ada") as trace:
            assert store.flush(PATIENCE)
            with obskit.trace("/short", user_id="ada"):
                assert store.flush(PATIENCE)
            with trace.step("late"):
                assert store.flush(PATIENCE)
        assert store.flush(PATIENCE)
        assert commands(store.recent()) == ["/short"]
        assert store.stats()["dropped_late"] == 1


def test_smaller_bounds_hold_for_what_is_there_already(path: Path) -> None:
    """With the next trace."""
    fill(path, 8)
    with recording(SQLiteTraceStore(path, per_user=3)) as store:
        record("/new")
        assert commands(store.recent("ada")) == ["/new", "/7", "/6"]
        record("/new", user_id="bob")
    with recording(SQLiteTraceStore(path, total=2)) as store:
        record("/newer")
        assert commands(store.recent()) == ["/newer", "/new"]


def test_old_traces_expire(path: Path) -> None:
    """Past its time a trace is gone from every read, and with the next one from the file."""
    clock = FakeClock()
    with recording(SQLiteTraceStore(path, ttl=60, clock=clock)) as store:
        trace_id = record("/old")
        assert store.flush(PATIENCE)
        clock.advance(60)
        assert (store.last("ada"), store.get(trace_id), store.recent()) == (None, None, [])
        record("/new", user_id="bob")
        assert store.flush(PATIENCE)
        assert rows(path, "SELECT count(*) FROM trace") == [(1,)]


@pytest.mark.slow
@forks
def test_eight_writers_keep_the_bounds_and_share_the_file(path: Path) -> None:
    """No exception, exact bounds, and the slowest gets at least a third of the mean."""
    seconds = 4.0
    all_are_there = multiprocessing.get_context("fork").Barrier(8)

    def work(number: int, child: Child) -> None:
        with recording(SQLiteTraceStore(path, per_user=10, total=50)) as store:
            record()
            assert store.flush(PATIENCE)
            all_are_there.wait(PATIENCE)
            deadline = time.monotonic() + seconds
            done = 0
            while time.monotonic() < deadline:
                for round_number in range(20):
                    record(user_id=f"{number}-{round_number % 3}")
                assert store.flush(PATIENCE)
                done += 20
            child.tell(done)
            assert store.stats()["made"] == store.stats()["written"] + store.stats()["dropped"]

    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(forked(work, number)) for number in range(8)]
        done = [child.told()[-1] for child in children]
        assert [child.exit_code() for child in children] == [0] * 8
    assert min(done) >= sum(done) / 8 / 3
    assert rows(path, "SELECT count(*) FROM trace") == [(50,)]
    assert max(count for count, _ in rows(path, "SELECT count(*), user FROM trace GROUP BY user")) <= 10
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_the_last_trace_is_found_by_an_index(path: Path) -> None:
    """However many users and traces there are: no statement that reads looks at all of them."""
    from obskit.traces.stores import sqlite

    fill(path)
    for statement, parameters in (
        (sqlite._OF_USER, ("ada", 1)),
        (sqlite._OF_ID, ("0" * 32, 1)),
        (sqlite._OF_ALL, (None, 20)),
    ):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        # All are read in their order, so that a limit ends it.
        begins = "SCAN trace USING INDEX" if statement is sqlite._OF_ALL else "SEARCH trace USING INDEX"
        assert plan[0][-1].startswith(begins), plan


# --- the death of a process ---


def work(path: Path, user_id: str, child: Child) -> None:
    """Record steps, and tell of each that it is in the file."""
    with recording(SQLiteTraceStore(path)) as store, obskit.trace("/work", user_id=user_id):
        for number in range(1_000):
            with obskit.step(f"step {number}"):
                if store.flush(PATIENCE):
                    child.tell(number)
        signal.pause()


def check_what_is_left(trace: ExecutionTrace | None, told: list[int]) -> None:
    """Compare the trace of a killed process with what it has told."""
    assert trace is not None
    assert trace.status == "lost"
    statuses = {step.name: step.status for step in trace.steps}
    assert {statuses[f"step {number}"] for number in told[-60:-1]} <= {"ok"}
    assert statuses[f"step {told[-1]}"] in ("ok", "lost")
    assert list(statuses.values()).count("lost") <= 1


@forks
def test_a_killed_process_leaves_its_trace_as_lost(path: Path) -> None:
    """Another process sees at once with which step it died."""
    with forked(work, path, "ada") as child:
        child.wait_for(3)
        reader = SQLiteTraceStore(path)
        alive = reader.last("ada")
        assert alive is not None
        assert alive.status == "running"
        child.kill()
        check_what_is_left(reader.last("ada"), child.told())
        reader.close()
    assert [file.name for file in path.parent.glob("*-alive-*")] == []


@pytest.mark.slow
@forks
def test_killed_at_a_hundred_points_no_step_is_lost_that_was_in_the_file(path: Path) -> None:
    """Whatever the process was doing, the file stays whole and the trace is there as lost."""
    told = {}
    for number in range(100):
        user_id = f"user {number}"
        with forked(work, path, user_id) as child:
            child.wait_for(1)
            time.sleep(random.random() * 0.03)
            child.kill()
            told[user_id] = child.told()
    with recording(SQLiteTraceStore(path)) as reader:
        for user_id, numbers in told.items():
            check_what_is_left(reader.last(user_id), numbers)
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_program_that_just_ends_leaves_its_traces(path: Path) -> None:
    """Also one that records its first trace while it ends; nothing is printed."""
    program = """
import atexit, obskit
obskit.configure(capture_logging=False, hooks=False, level="critical")
def record(command):
    with obskit.trace(command, user_id="ada"), obskit.step("Look"):
        pass
{}
atexit.register(record, "/while it ends")
"""
    for body, wanted in (("record('/before')", ["/while it ends", "/before"]), ("", ["/while it ends"])):
        done = subprocess.run(
            [sys.executable, "-c", program.replace("{}", body)],
            env={**os.environ, "OBSKIT_TRACE_STORE": f"sqlite:///{path}"},
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        with recording(SQLiteTraceStore(path)) as store:
            assert commands(store.recent("ada")) == wanted
            store.forget("ada")
        assert [file.name for file in path.parent.iterdir()] == [path.name]


@forks
def test_traces_of_killed_processes_give_way_like_others(path: Path) -> None:
    """A program that crashes again and again does not fill the file with traces that never end."""

    def crash(number: int, child: Child) -> None:
        with recording(SQLiteTraceStore(path, per_user=3)) as store:
            record("/ended")
            with obskit.trace(f"/crash {number}", user_id="ada"):
                store.flush(PATIENCE)
                child.tell(1)
                signal.pause()

    for number in range(3):
        with forked(crash, number) as child:
            child.wait_for(1)
    with recording(SQLiteTraceStore(path, per_user=3)) as store:
        record("/now")
        assert commands(store.recent("ada")) == ["/now", "/crash 2", "/ended"]
        assert [trace.status for trace in store.recent("ada")] == ["ok", "lost", "ok"]


def test_running_traces_of_those_who_live_stay_open(path: Path) -> None:
    """Whoever opens the file later takes nothing from them."""
    with recording(SQLiteTraceStore(path, per_user=2)) as store:
        with obskit.trace("/running", user_id="ada"):
            assert store.flush(PATIENCE)
            other = SQLiteTraceStore(path, per_user=2)
            for number in (1, 2):
                other.started(make_trace(number, "ada", FakeClock()))
            assert other.flush(PATIENCE)
            statuses = [trace.status for trace in store.recent("ada")]
            other.close()
        assert statuses == ["running", "running"]
        assert [trace.status for trace in store.recent("ada")] == ["lost", "lost"]


@forks
def test_parent_and_child_both_go_on_after_a_fork(path: Path) -> None:
    """Each with connections of its own; the child leaves the parent's trace alone."""
    with recording(SQLiteTraceStore(path)) as store, obskit.trace("/parent", user_id="ada"):
        assert store.flush(PATIENCE)

        def run(child: Child) -> None:
            record("/child", user_id="bob")
            assert store.flush(PATIENCE)
            assert commands(store.recent()) == ["/child", "/parent"]
            store.close()

        with forked(run) as child:
            assert child.exit_code() == 0
        running = store.recent("ada")[0]
        assert running.status == "running"
        record("/after", user_id="bob")
        assert commands(store.recent("bob")) == ["/after", "/child"]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


@forks
def test_a_child_that_lives_on_does_not_keep_its_parent_alive(path: Path) -> None:
    """The sign of life of a process ends with itself, not with its children."""

    def parent(child: Child) -> None:
        with recording(SQLiteTraceStore(path)) as store, obskit.trace("/parent", user_id="ada"):
            store.flush(PATIENCE)
            if os.fork() == 0:
                child.tell(os.getpid())
                os.close(child._writing)
                time.sleep(60)
                os._exit(0)
            signal.pause()

    with forked(parent) as child:
        (grandchild,) = child.wait_for(1)
        child.kill()
        store = SQLiteTraceStore(path)
        trace = store.last("ada")
        os.kill(grandchild, signal.SIGKILL)
        store.close()
    assert trace is not None
    assert trace.status == "lost"


# --- forgetting ---


def test_nothing_of_a_user_is_left_in_any_file(path: Path) -> None:
    """Neither in the database nor in its log, also of what still runs."""
    secret = b"quidditch"
    with recording(SQLiteTraceStore(path)) as store:
        for _ in range(30):
            with obskit.trace("/plan", user_id="ada-lovelace", about="quidditch"):
                for number in range(5):
                    with obskit.step("think", number=number, about="quidditch " * 40):
                        pass
        record(user_id="bob")
        with obskit.trace("/running", user_id="ada-lovelace", about="quidditch"), obskit.step("now"):
            assert store.flush(PATIENCE)
            assert secret in files(path)
            assert store.forget("ada-lovelace") == 31
            left = files(path)
        assert store.flush(PATIENCE)
        assert secret not in left + files(path)
        assert b"lovelace" not in left + files(path)
        assert user_key("ada-lovelace").encode() not in left + files(path)
        assert commands(store.recent()) == ["/diagnose"]


def test_forgetting_is_not_over_while_somebody_reads_what_is_to_go(path: Path) -> None:
    """flush() says so, and it is done as soon as nobody does."""
    clock = FakeClock()
    with recording(SQLiteTraceStore(path, clock=clock)) as store:
        record("/quidditch")
        assert store.flush(PATIENCE)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM trace").fetchall()
            store.forget("ada")
            assert not store.flush(0)
            reader.execute("COMMIT")
        clock.advance(60)
        assert store.flush(PATIENCE)
        assert b"quidditch" not in files(path)


# --- when something is wrong with the file ---


def test_a_damaged_database_is_put_aside(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not a byte of it is lost, and a new one takes its place."""
    damaged = b"SQLite format 3\0" + b"this is a shopping list\n" * 100
    path.write_bytes(damaged)
    clock = FakeClock()
    with recording(SQLiteTraceStore(path, clock=clock)) as store:
        record("/before")
        until(lambda: store.stats()["failures"] == 1)
        assert commands(store.recent("ada")) == ["/before"]
        clock.advance(1)
        assert store.flush(PATIENCE)
        record("/after")
        assert commands(store.recent("ada")) == ["/after", "/before"]
    (aside,) = path.parent.glob("traces.db.corrupt-*")
    assert aside.read_bytes() == damaged
    assert rows(path, "SELECT count(*) FROM trace") == [(2,)]
    (line,) = capfd.readouterr().err.splitlines()
    assert f"the damaged file is now {aside}" in line


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_never_raises(path: Path, seed: int) -> None:
    """Whatever byte or block is wrong: it is read as far as possible, or put aside."""
    fill(path)
    chance = random.Random(seed)
    damaged = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 10, 500))):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    if seed % 4 == 0:
        del damaged[chance.randrange(len(damaged)) :]
    path.write_bytes(damaged)
    works(path)


@pytest.mark.parametrize("size", [0, 1, 16, 99, 100, 4095, 4096, 8191])
def test_a_file_that_was_cut_off_never_raises(path: Path, size: int) -> None:
    """Also where nothing is left of it."""
    fill(path)
    os.truncate(path, size)
    works(path)


def test_a_file_that_is_destroyed_while_it_is_open_never_raises(path: Path) -> None:
    """By whatever means."""
    for destroy in (
        lambda: os.truncate(path, 4096),
        lambda: path.write_bytes(b"\xff" * 50_000),
        path.unlink,
        lambda: path.rename(path.with_name("moved")),
    ):
        clock = FakeClock()
        with recording(SQLiteTraceStore(path, clock=clock)) as store:
            record("/before")
            assert store.flush(PATIENCE)
            destroy()
            record("/meanwhile")
            clock.advance(60)
            record("/after")
            store.flush(1)
            assert commands(store.recent("ada"))[:1] == ["/after"]
        for file in path.parent.iterdir():
            file.unlink()


def test_a_file_that_takes_the_place_of_another_is_opened(path: Path) -> None:
    """Nobody writes into a file that was moved away or deleted."""
    with recording(SQLiteTraceStore(path)) as store:
        record("/before")
        assert store.flush(PATIENCE)
        path.unlink()
        record("/after")
        assert commands(store.recent()) == ["/after"]
        assert store.stats()["failures"] == 0
    assert rows(path, "SELECT count(*) FROM trace") == [(1,)]


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE customer (name TEXT)",
        "CREATE TABLE obskit (part, version); CREATE VIEW trace AS SELECT * FROM trace",
    ],
)
def test_a_database_of_another_program_is_left_alone(path: Path, schema: str) -> None:
    """One with views or triggers could run anything; traces are kept in memory."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)
    before = path.read_bytes()
    assert works(path).stats()["failures"] == 1
    assert path.read_bytes() == before


def test_a_file_of_a_newer_obskit_is_left_alone(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nobody guesses what is in there."""
    fill(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE obskit SET version = 99")
        connection.commit()
    works(path)
    assert rows(path, "SELECT count(*) FROM trace") == [(3,)]
    assert "written by a newer obskit: version 99 of traces" in capfd.readouterr().err


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"trace_id":' + b"9" * 5_000 + b"}",
        b'{"trace_id":NaN}',
    ],
)
def test_a_document_that_is_no_trace_is_passed_over(path: Path, garbage: bytes) -> None:
    """Anybody may have written to the file."""
    fill(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE trace SET doc = ? WHERE rowid = 2", (garbage,))
        connection.execute(
            "UPDATE trace SET key = substr(key, 1, 16) || '../../etc/passwd', is_open = 1 WHERE rowid = 1"
        )
        connection.commit()
    with recording(SQLiteTraceStore(path)) as store:
        assert commands(store.recent()) == ["/2", "/0"]
        assert store.stats()["unreadable"] == 1


def test_another_program_that_holds_the_file_holds_up_nobody(path: Path) -> None:
    """Reads and writes come to it later."""
    fill(path)
    clock = FakeClock()
    with (
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder,
        recording(SQLiteTraceStore(path, clock=clock)) as store,
    ):
        assert len(store.recent()) == 3
        holder.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        for _ in range(100):
            record("/meanwhile")
        assert time.monotonic() - began < 1
        until(lambda: store.stats()["failures"] == 1)
        assert commands(store.recent(limit=1)) == ["/meanwhile"]
        holder.execute("ROLLBACK")
        clock.advance(60)
        assert store.flush(PATIENCE)
        assert store.stats()["written"] == 100


@forks
def test_a_directory_that_cannot_be_written_is_told_once(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Traces are kept in memory."""
    path.parent.chmod(0o755)

    def run(_: Child) -> None:
        if os.geteuid() == 0:
            os.setresuid(NOBODY, NOBODY, NOBODY)
        else:
            path.parent.chmod(0o555)
        with recording(SQLiteTraceStore(path)) as store:
            for number in range(3):
                record(f"/{number}")
                store.flush(PATIENCE)
            assert commands(store.recent("ada")) == ["/2", "/1", "/0"]

    with forked(run) as process:
        assert process.exit_code() == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(
        "obskit: the SQLite file is out of reach: traces are kept in memory until it is back"
    )


@forks
def test_a_full_disk_loses_nothing_that_was_there(path: Path) -> None:
    """What does not fit stays in memory; afterwards the file is whole."""
    fill(path)

    def run(_: Child) -> None:
        clock = FakeClock()
        sys.dont_write_bytecode = True  # no module that is loaded meanwhile is to be cut off
        with recording(SQLiteTraceStore(path, clock=clock)) as store:
            assert len(store.recent()) == 3
            size = path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            for number in range(40):
                with obskit.trace(f"/{number}", user_id="bob", text="x" * 2_000):
                    pass
                store.flush(PATIENCE)
            assert store.stats()["failures"] > 0
            assert commands(store.recent("bob", 2)) == ["/39", "/38"]
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            clock.advance(60)
            assert store.flush(PATIENCE)
            assert store.stats()["written"] == 40

    with forked(run) as child:
        assert child.exit_code() == 0
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "SELECT count(*) FROM trace") == [(43,)]


def test_a_directory_that_is_not_there_yet_is_used_as_soon_as_it_is(tmp_path: Path) -> None:
    """A volume may be mounted late."""
    path = tmp_path / "volume" / "traces.db"
    clock = FakeClock()
    with recording(SQLiteTraceStore(path, clock=clock)) as store:
        record()
        until(lambda: store.stats()["failures"] == 1)
        path.parent.mkdir()
        clock.advance(1)
        assert store.flush(PATIENCE)
    assert rows(path, "SELECT count(*) FROM trace") == [(1,)]


def test_what_is_no_file_is_not_opened(path: Path) -> None:
    """A pipe would never answer."""
    os.mkfifo(path)
    works(path)
    path.unlink()
    path.mkdir()
    works(path)
