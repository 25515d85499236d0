"""Real servers and browsers that a test starts itself: found on this machine, or the test is skipped."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest


def program(name: str) -> str:
    """
    Return the path of the program *name*.

    Where it is missing, the test is skipped with one line, but fails where
    ``OBSKIT_TEST_PROGRAMS=required`` says that everything is to be there.
    """
    return shutil.which(name) or missing(f"{name} is not installed; ./dev test --full installs it on Debian")


def missing(what: str) -> NoReturn:
    """Skip the test for the reason *what*, or let it fail where everything is to be there."""
    if os.environ.get("OBSKIT_TEST_PROGRAMS") == "required":
        pytest.fail(what)
    pytest.skip(what)


def environment(name: str, *requirements: str) -> Path:
    """
    Return a virtual environment with *requirements*, made beside ours where it is missing.

    For programs whose dependencies do not go together with ours. Start what is in it by
    ``bin/python -m``: it is moved when it is ready, and scripts hold the place where they were made.
    """
    place = Path(sys.prefix) / name
    if place.exists():
        return place
    # Several workers of a test run may come here at once, so each installs apart and one of them wins.
    apart = place.with_name(f"{name}-{os.getpid()}")
    python = str(apart / "bin" / "python")
    for command in (
        ("-m", "venv", "--without-pip", str(apart)),
        ("-m", "pip", "-qq", "--python", python, "install", "--disable-pip-version-check", *requirements),
    ):
        if not succeeds(sys.executable, *command):
            shutil.rmtree(apart, ignore_errors=True)
            missing(f"{name} could not be installed")
    try:
        apart.rename(place)
    except OSError:
        shutil.rmtree(apart, ignore_errors=True)
    return place


def succeeds(*command: str, seconds: float = 100.0) -> bool:
    """Run *command* to its end, without its output; False if it fails or takes longer."""
    try:
        return not subprocess.run(command, capture_output=True, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return False


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
