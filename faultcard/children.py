"""
Start a process for a probe, listen to what it reports, and end it whatever happens.

A process reports on a pipe of its own, so that its stdout and stderr are exactly
what the logger made of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parents[1]
_ON_DEATH_OF_PARENT: Final = 1  # PR_SET_PDEATHSIG
#: Settings of the machine or of its obskit must not reach a contender.
_FOREIGN: Final = ("COVERAGE_", "OBSKIT_", "ENABLE_", "ALERT_", "POWERTOOLS_", "AWS_", "LOGURU_", "PYTHON")


class Child:
    """A process of the card, in a session of its own."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        stdout: int | None,
        stderr: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._reports, theirs = os.pipe()
        self._unread = b""
        self._waiting: deque[dict[str, Any]] = deque()
        command = [sys.executable, "-m", module, str(theirs), *arguments]
        if stdout is None:  # the shell starts it without any stdout
            command = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command]
        with Path(os.devnull).open("rb") as nothing:
            self.process = subprocess.Popen(
                command,
                stdin=nothing,
                stdout=stdout,
                stderr=stderr,
                env={**_environment(), **(environment or {})},
                pass_fds=[theirs],
                start_new_session=True,
            )
        os.close(theirs)

    def report(self, seconds: float) -> dict[str, Any] | None:
        """
        Return the next report, or None after the last one.

        Raises:
            TimeoutError: If nothing is reported for *seconds*.
        """
        while not self._waiting:
            if not select.select([self._reports], [], [], seconds)[0]:
                raise TimeoutError
            if not self._read():
                return None
        return self._waiting.popleft()

    def until_end(self, seconds: float) -> tuple[list[dict[str, Any]], int | None]:
        """Return all reports and how the process ended; None if it did not within *seconds*."""
        last = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < last:
            if select.select([self._reports], [], [], 0.02)[0] and not self._read():
                # Nobody can report any more, so what is left is the end.
                self.wait(last - time.monotonic())
        while select.select([self._reports], [], [], 0)[0] and self._read():
            pass
        return list(self._waiting), self.process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for the end; None if it does not come."""
        try:
            return self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None

    def _read(self) -> bool:
        more = os.read(self._reports, 1 << 16)
        whole, _, self._unread = (self._unread + more).rpartition(b"\n")
        self._waiting.extend(map(json.loads, whole.splitlines()))
        return bool(more)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        # The session is the child's own, so this ends it and what it has forked, and nothing else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._reports)


def end_with_parent() -> None:
    """End this process when the one that started it is killed; Linux alone can do that."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_ON_DEATH_OF_PARENT, signal.SIGKILL)


class Reporter:
    """The other end: what a process reports with; safe in threads, signal handlers and forks."""

    def __init__(self, descriptor: int) -> None:
        # Out of the way of probes that close and count descriptors.
        self._descriptor = os.dup2(descriptor, 200, inheritable=True)
        os.close(descriptor)

    def __call__(self, **report: Any) -> None:
        """Send one report; one write call, so reports never mix."""
        os.write(self._descriptor, json.dumps(report).encode() + b"\n")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    return {**kept, "PYTHONPATH": path, "LC_ALL": "C.UTF-8"}
