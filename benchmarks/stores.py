"""What it costs to keep traces in a file: to write steps that survive the process, and to ask for them."""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import obskit
from benchmarks.measure import Contender, Scenario
from obskit.traces.stores import SQLiteTraceStore

#: Steps between two looks at whether all of them are in the file.
_BURST = 64
_DOCUMENT = b'{"name":"validate","id":"0123456789abcdef","status":"ok","started_ms":1.5,"duration_ms":0.5}'


def _folder() -> Path:
    """Make a folder that is gone when the program ends."""
    folder = Path(tempfile.mkdtemp(prefix="obskit-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _raw_table() -> sqlite3.Connection:
    connection = sqlite3.connect(_folder() / "raw.db", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        " CREATE TABLE step (seq INTEGER PRIMARY KEY, doc BLOB NOT NULL) STRICT"
    )
    return connection


def _raw_insert() -> Callable[[], object]:
    """Write one row, which is safe from the death of the process when the call returns."""
    connection = _raw_table()
    return lambda: connection.execute("INSERT INTO step (doc) VALUES (?)", (_DOCUMENT,))


def _durable_steps() -> Callable[[], object]:
    """Record steps, and wait after each burst until they are safe; the cost is that of one step."""
    store = SQLiteTraceStore(_folder() / "traces.db")
    obskit.configure(service="bench", level="critical", trace_store=store, capture_logging=False, hooks=False)
    left = 0
    trace = obskit.trace("/diagnose", user_id="184")

    def call() -> None:
        nonlocal left, trace
        if not left:
            left = _BURST
            store.flush(60)
            trace.__exit__(None, None, None)
            trace = obskit.trace("/diagnose", user_id="184").__enter__()
        left -= 1
        with trace.step("validate"):
            pass

    return call


def _durable_step() -> Callable[[], object]:
    """Record one step and wait until it is safe."""
    store = SQLiteTraceStore(_folder() / "traces.db")
    obskit.configure(service="bench", level="critical", trace_store=store, capture_logging=False, hooks=False)
    left = 0
    trace = obskit.trace("/diagnose", user_id="184")

    def call() -> None:
        nonlocal left, trace
        if not left:
            left = _BURST
            trace.__exit__(None, None, None)
            trace = obskit.trace("/diagnose", user_id="184").__enter__()
        left -= 1
        with trace.step("validate"):
            pass
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
        "Step that is safe in an SQLite file",
        Contender("floor: INSERT, committed", _raw_insert),
        (
            Contender("obskit, flushed after 64 steps", _durable_steps),
            Contender("obskit, flushed after each step", _durable_step),
        ),
        3,
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
