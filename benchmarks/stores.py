"""What it costs to keep traces in a file: to write steps that survive the process, and to ask for them."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import obskit
from benchmarks.measure import Contender, Scenario
from obskit.traces.stores import SQLiteTraceStore

#: Steps of a trace, all of which are safe before the next one begins.
_BURST = 64
_DOCUMENT = b'{"name":"validate","id":"0123456789abcdef","status":"ok","started_ms":1.5,"duration_ms":0.5}'


def _folder() -> Path:
    """Make a folder that is gone when the program ends."""
    folder = Path(tempfile.mkdtemp(prefix="obskit-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _raw_table() -> sqlite3.Connection:
    connection = sqlite3.connect(_folder() / "raw.db", isolation_level=None, check_same_thread=False)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        " CREATE TABLE step (seq INTEGER PRIMARY KEY, doc BLOB NOT NULL) STRICT"
    )
    return connection


def _raw_inserts() -> Callable[[], object]:
    """Write rows, each of which is safe from the death of the process before the next one."""
    connection = _raw_table()

    def call() -> None:
        for _ in range(_BURST):
            connection.execute("INSERT INTO step (doc) VALUES (?)", (_DOCUMENT,))

    return call


def _inserts_by_a_thread() -> Callable[[], object]:
    """Let another thread write each row, so as not to wait for a disk, and wait for it all the same."""
    connection = _raw_table()
    wanted: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[int] = SimpleQueue()

    def write() -> None:
        while True:
            number = wanted.get()
            connection.execute("INSERT INTO step (doc) VALUES (?)", (_DOCUMENT,))
            done.put(number)

    threading.Thread(target=write, daemon=True).start()

    def call() -> None:
        for number in range(_BURST):
            wanted.put(number)
            done.get()

    return call


def _steps(flushed_after: int) -> Callable[[], object]:
    """Record a trace, and wait after each *flushed_after* of its steps until they are safe."""
    store = SQLiteTraceStore(_folder() / "traces.db")

    obskit.configure(service="bench", level="critical", trace_store=store, capture_logging=False, hooks=False)

    def call() -> None:
        with obskit.trace("/diagnose", user_id="184") as trace:
            for number in range(1, _BURST + 1):
                with trace.step("validate"):
                    pass
                if number % flushed_after == 0:
                    store.flush(60)

    return call


def _read(users: int) -> Callable[[], object]:
    """Ask for the last trace of one of *users*."""
    path = _folder() / "traces.db"
    store = SQLiteTraceStore(path, per_user=10, total=20_000)
    with obskit.configure(
        service="bench", level="critical", trace_store=store, capture_logging=False, hooks=False
    ):
        for number in range(users):
            with obskit.trace("/diagnose", user_id=str(number)), obskit.step("validate"):
                pass
    reader = SQLiteTraceStore(path, per_user=10, total=20_000)
    wanted = str(users // 2)
    return lambda: reader.last(wanted)


def _raw_select() -> Callable[[], object]:
    connection = _raw_table()
    connection.executemany("INSERT INTO step (doc) VALUES (?)", [(_DOCUMENT,)] * 10_000)
    return lambda: connection.execute("SELECT doc FROM step WHERE seq = 5000").fetchall()


SCENARIOS = (
    Scenario(
        "64 steps that are safe in an SQLite file",
        Contender("floor: INSERT, committed", _raw_inserts),
        (Contender("obskit, flushed once", partial(_steps, _BURST)),),
        3,
    ),
    Scenario(
        "64 steps, each waited for until it is safe",
        Contender("floor: INSERT by a thread", _inserts_by_a_thread),
        (Contender("obskit, flushed after each step", partial(_steps, 1)),),
    ),
    Scenario(
        "Last trace of a user in an SQLite file",
        Contender("floor: SELECT by key", _raw_select),
        (
            Contender("obskit, 10 users", partial(_read, 10)),
            Contender("obskit, 10,000 users", partial(_read, 10_000)),
        ),
    ),
)
