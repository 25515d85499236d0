"""Real databases on loopback that a test starts itself: Redis, and two servers that speak DynamoDB."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.programs import free_port, missing, program, running, succeeds

DYNALITE = "dynalite@4.0.0"
NODE_MODULES = Path(sys.prefix) / "node"
PATIENCE = 30.0


class RedisServer:
    """A redis-server, or one that serves as one, that can be killed, held up and started again."""

    def __init__(self, folder: Path, *options: str, name: str = "redis-server") -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = (
            *(program(name), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)),
            *("--appendonly", "yes", "--appendfsync", "no", "--save", "", *options),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with what it kept on disk, and wait until it answers."""
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_port(self.port)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """Let it answer nothing for the length of the block, while connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def client(self, **options: Any) -> Any:
        """Connect to it, for what a test wants to look at or to set."""
        redis = pytest.importorskip("redis")
        return redis.Redis(port=self.port, **options)


@contextlib.contextmanager
def redis_server(folder: Path, *options: str, name: str = "redis-server") -> Iterator[RedisServer]:
    """Run a Redis for the length of the block."""
    pytest.importorskip("redis")
    server = RedisServer(folder, *options, name=name)
    try:
        server.start()
        yield server
    finally:
        server.kill()


#: One request after the other: moto itself takes no lock between a condition and the write that it guards.
_MOTO: Final = """
import sys
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

application = DomainDispatcherApplication(create_backend_app)
run_simple("127.0.0.1", int(sys.argv[1]), application, threaded=False, request_handler=MotoRequestHandler)
"""


@contextlib.contextmanager
def moto_server() -> Iterator[str]:
    """Run moto, which answers as AWS does; gives its address."""
    pytest.importorskip("moto.server")
    port = free_port()
    with running(sys.executable, "-c", _MOTO, str(port)):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def dynalite_server() -> Iterator[str]:
    """Run dynalite, which checks what DynamoDB checks; gives its address."""
    port = free_port()
    with running(_dynalite(), "--port", str(port), "--createTableMs", "0", "--deleteTableMs", "0"):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


#: What speaks DynamoDB, for the parameters of a fixture; dynalite has to be installed first.
DYNAMODB: Final = ("moto", pytest.param("dynalite", marks=pytest.mark.slow))


def dynamodb_server(kind: str) -> AbstractContextManager[str]:
    """Run one of them; gives its address."""
    return {"moto": moto_server, "dynalite": dynalite_server}[kind]()


def dynamodb_client(address: str) -> Any:
    """Connect to one of the servers above."""
    boto3 = pytest.importorskip("boto3")
    return boto3.client(
        "dynamodb",
        region_name="eu-central-1",
        endpoint_url=address,
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
    )


def wait_for_port(port: int) -> None:
    """Return when somebody listens on *port*."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"nobody listens on port {port} after {PATIENCE:g} seconds")


def _dynalite() -> str:
    """Return the path of dynalite, installed into the virtual environment where it is missing."""
    path = NODE_MODULES / "node_modules" / ".bin" / "dynalite"
    if path.exists():
        return str(path)
    npm = program("npm")
    # Several workers of a test run may come here at once, so each installs apart and one of them wins.
    apart = NODE_MODULES.with_name(f"node-{os.getpid()}")
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(apart), DYNALITE]
    if not succeeds(*install):
        shutil.rmtree(apart, ignore_errors=True)
        missing(f"{DYNALITE} could not be installed")
    try:
        apart.rename(NODE_MODULES)
    except OSError:
        shutil.rmtree(apart, ignore_errors=True)
    return str(path)
