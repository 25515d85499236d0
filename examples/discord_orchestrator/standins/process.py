"""
The real bot as a process of its own, with what it wrote to its two streams.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

_APP: Final = Path(__file__).resolve().parents[1]
_START: Final = 15.0  # seconds a busy machine may take to start the process
#: Beginnings of the variables that are handed on; the last two are those of coverage.
_KEPT: Final = ("PATH", "SYSTEMROOT", "TMPDIR", "COV_", "COVERAGE_")


class Orchestrator:
    """``python -m orchestrator serve`` on a free port; use it in a ``with`` block."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._changed = threading.Condition()
        self._written: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._process = start("serve", "--port", "0", environment=environment)
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()
        self.url = ""

    def output(self, name: str = "stdout") -> str:
        """Return all that the process wrote to ``stdout`` or ``stderr`` so far."""
        with self._changed:
            return "".join(self._written[name])

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """Decode the lines of stdout, which all are JSON; *fields* chooses those that have them."""
        decoded = [json.loads(line) for line in self.output().splitlines()]
        return [line for line in decoded if fields.items() <= line.items()]

    def wait_for_line(self, timeout: float = 10.0, **fields: object) -> dict[str, Any]:
        """Wait for a line that has *fields*; returns the first."""
        self.wait_for(lambda: self.lines(**fields), timeout)
        return self.lines(**fields)[0]

    def wait_for(self, condition: Callable[[], Any], timeout: float = 10.0) -> bool:
        """Wait until *condition* holds, which is asked again after every line."""
        with self._changed:
            return bool(self._changed.wait_for(condition, timeout))

    def stop(self) -> int:
        """Ask the process to end as a service manager does; returns its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(20.0)
        finally:
            for reader in self._readers:
                reader.join(5.0)

    def kill(self) -> None:
        """End the process as the kernel does when memory runs out: it has no say in it."""
        self._process.kill()
        self._process.wait(20.0)

    def __enter__(self) -> Self:
        try:
            self.wait_for(lambda: self.lines(msg="Listening") or self._process.poll() is not None, _START)
            self.url = f"http://127.0.0.1:{self.lines(msg='Listening')[0]['port']}"
        except IndexError:
            self._process.kill()
            raise RuntimeError(f"the bot did not start: {self.output('stderr')}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self._process.kill()

    def _read(self, name: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._changed:
                    self._written[name].append(line)
                    self._changed.notify_all()
        self._process.wait()
        with self._changed:
            self._changed.notify_all()


def start(*arguments: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start ``python -m orchestrator`` with *arguments* and no other settings than *environment*."""
    path = [str(_APP), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator", *arguments],
        env={**kept, "PYTHONPATH": os.pathsep.join(path), "PYTHONUTF8": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
