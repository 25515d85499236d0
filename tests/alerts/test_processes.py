"""Many processes tell people once, and what they counted adds up."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from obskit.alerts.dedupe import Dedupe, Granted, RedisDedupe, SQLiteDedupe
from obskit.alerts.window import NO_REPEATS
from obskit.clock import SYSTEM_CLOCK
from obskit.testing import FakeClock
from tests.programs import free_port, program, running
from tests.test_worker import eventually

pytestmark = pytest.mark.slow

PROCESSES, EACH = 8, 500

#: Sends the same alert many times, and as often again for each line that it reads.
PROGRAM = """
    import json, os, sys
    from obskit.alerts import Alert, Alerter, dedupe
    from obskit.alerts.sinks import Callback

    def tell(delivery):
        os.write(told, (json.dumps([delivery.key, delivery.kind, delivery.repeats.count]) + "\\n").encode())

    def send():
        for _ in range(int(sys.argv[3])):
            alerter.send(Alert(severity="error", message="database is down"))
        assert alerter.flush(60)
        print("done", flush=True)

    told = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    kind, where = sys.argv[2].split("=")
    alerter = Alerter([Callback(tell)], window=3600, dedupe=getattr(dedupe, kind)(where))
    send()
    for line in sys.stdin:
        send()
    alerter.close(60)
"""


class Fleet:
    """Eight processes that share a place, and what people were told by them."""

    def __init__(self, told: Path, place: str, each: int = EACH) -> None:
        command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(told), place, str(each)]
        self._told = told
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        self.wait()

    def wait(self) -> None:
        """Wait until all have sent and flushed."""
        for process in self._processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"

    def send(self) -> None:
        """Let all send once more."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("more\n")
            process.stdin.flush()
        self.wait()

    def end(self) -> None:
        """Let all close their alerter and exit."""
        for process in self._processes:
            process.communicate(timeout=60)
            assert process.returncode == 0

    @property
    def messages(self) -> list[tuple[str, str, int]]:
        """Key, kind and count of the repeats of all messages."""
        return [tuple(json.loads(line)) for line in self._told.read_text().splitlines()]


@contextlib.contextmanager
def redis_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis of its own."""
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with running(*command, cwd=tmp_path) as server:
        url = f"redis://127.0.0.1:{port}/0"

        def answers() -> bool:
            with contextlib.suppress(Exception):
                RedisDedupe(url).end("nothing")
                return True
            return False

        eventually(answers)
        yield url, server


def check_one_message(fleet: Fleet, place: Dedupe) -> None:
    """One process told; the shared place knows what all the others have counted."""
    ((key, kind, repeats),) = fleet.messages
    assert (kind, repeats) == ("firing", 0)
    fleet.end()
    assert len(fleet.messages) == 1
    assert place.end(f"{key}:error@Callback-1").count == PROCESSES * EACH - 1


def test_eight_processes_tell_once_on_sqlite(tmp_path: Path) -> None:
    """Of 4,000 alerts one is told in a window, and 3,999 are counted."""
    path = tmp_path / "alerts.db"
    fleet = Fleet(tmp_path / "told", f"SQLiteDedupe={path}")
    check_one_message(fleet, SQLiteDedupe(path))


def test_the_message_after_the_window_tells_what_all_have_counted(tmp_path: Path) -> None:
    """Whichever process sends it, also one that started later."""
    path = tmp_path / "alerts.db"
    fleet = Fleet(tmp_path / "told", f"SQLiteDedupe={path}", each=50)
    fleet.end()
    ((key, _, _),) = fleet.messages
    later = SQLiteDedupe(path, clock=FakeClock(SYSTEM_CLOCK.time_ns() / 1e9 + 3601))
    answer = later.lease(f"{key}:error@Callback-1", "late", 30.0, NO_REPEATS)
    assert isinstance(answer, Granted)
    assert answer.repeats.count == PROCESSES * 50 - 1


def test_eight_processes_tell_once_on_redis(tmp_path: Path) -> None:
    """As on SQLite, and over a network."""
    with redis_server(tmp_path) as (url, _):
        fleet = Fleet(tmp_path / "told", f"RedisDedupe={url}")
        check_one_message(fleet, RedisDedupe(url))


def test_without_its_shared_place_each_process_tells_once_and_loses_nothing(tmp_path: Path) -> None:
    """A Redis that was never there: eight messages, and at the end eight counts."""
    fleet = Fleet(tmp_path / "told", f"RedisDedupe=redis://127.0.0.1:{free_port()}/0")
    assert [kind for _, kind, _ in fleet.messages] == ["firing"] * PROCESSES
    fleet.end()
    counts = [repeats for _, kind, repeats in fleet.messages if kind == "summary"]
    assert counts == [EACH - 1] * PROCESSES


def test_a_shared_place_that_is_killed_lets_each_process_tell_at_most_once(tmp_path: Path) -> None:
    """What is counted after that is told at the end."""
    with redis_server(tmp_path) as (url, server):
        fleet = Fleet(tmp_path / "told", f"RedisDedupe={url}")
        assert len(fleet.messages) == 1
        server.kill()
        server.wait(10)
        fleet.send()
        assert len(fleet.messages) <= PROCESSES
        fleet.end()
        counts = [repeats for _, kind, repeats in fleet.messages if kind == "summary"]
        assert sum(counts) == PROCESSES * EACH
