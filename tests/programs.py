"""Real servers and browsers that a test starts itself: found on this machine, or the test is skipped."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def program(name: str) -> str:
    """
    Return the path of the program *name*.

    Where it is missing, the test is skipped with one line, but fails where
    ``OBSKIT_TEST_PROGRAMS=required`` says that everything is to be there.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    if os.environ.get("OBSKIT_TEST_PROGRAMS") == "required":
        pytest.fail(f"{name} is not installed")
    pytest.skip(f"{name} is not installed; ./dev test --full installs it on Debian")


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(*command: str, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* for the length of the block, without its output; it is ended by its own id."""
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
