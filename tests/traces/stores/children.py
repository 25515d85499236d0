"""Forked children that a test waits for, kills, and hears from."""

from __future__ import annotations

import contextlib
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest


class Child:
    """One process; both sides hold it."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._told: list[int] = []
        self._exit_code: int | None = None
        self.pid = 0

    def tell(self, number: int) -> None:
        """Say *number*, in the child."""
        os.write(self._writing, number.to_bytes(4, "big"))

    def wait_for(self, count: int) -> list[int]:
        """Wait until it has told so many numbers."""
        while len(self._told) < count:
            if not self._hear():
                pytest.fail("a child has ended too early")
        return self._told

    def told(self) -> list[int]:
        """Return all that it has told until its end."""
        while self._hear():
            pass
        return self._told

    def _hear(self) -> bool:
        heard = os.read(self._reading, 4)
        if heard:
            self._told.append(int.from_bytes(heard, "big"))
        return bool(heard)

    def kill(self) -> None:
        """End it with SIGKILL, by its own id."""
        if self._exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.exit_code()

    def exit_code(self) -> int:
        """Wait for its end."""
        if self._exit_code is None:
            self._exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._exit_code


@contextlib.contextmanager
def forked(run: Callable[..., object], *arguments: Any) -> Iterator[Child]:
    """Call *run* in a child, with the arguments and the child itself; the end of the block kills it."""
    child = Child()
    child.pid = os.fork()
    if not child.pid:
        status = 1
        try:
            run(*arguments, child)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(child._writing)
    try:
        yield child
    finally:
        child.kill()
        os.close(child._reading)
