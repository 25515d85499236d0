"""What importing a logger and writing a first line costs, start of the interpreter included."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Contender, Scenario

_EXAMPLE = Path(__file__).parents[1] / "examples" / "discord_orchestrator"
_FIRST_LINES = {
    "floor: import logging, json": "import logging, json; logging.basicConfig(); logging.warning('ready')",
    "obskit": "import obskit; obskit.get_logger().info('ready')",
    "structlog": "import structlog; structlog.get_logger().info('ready')",
    "loguru": "from loguru import logger; logger.info('ready')",
    "OpenTelemetry SDK": "import opentelemetry.sdk.trace",
}
_PROGRAMS = {
    "floor: import logging, json, http.server": "import logging, json, http.server",
    "the bot up to its first answer": "import obskit, orchestrator.app",
    "the bot with its server": "import obskit, orchestrator.__main__",
}


def _contender(name: str, code: str) -> Contender:
    command = [sys.executable, "-c", code]
    # As installed packages are, ours is compiled at its first import, wherever it lies.
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def prepare() -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, capture_output=True, cwd=_EXAMPLE, env=env)

    return Contender(name, prepare)


def _milliseconds(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best * 1e3


_FLOOR, *_OTHERS = itertools.starmap(_contender, _FIRST_LINES.items())
_PROGRAM, *_BOTS = itertools.starmap(_contender, _PROGRAMS.items())

SCENARIOS = (
    Scenario("Import and first line", _FLOOR, tuple(_OTHERS), 1.3, unit="ms", measure=_milliseconds),
    Scenario("Import of the Discord example", _PROGRAM, tuple(_BOTS), unit="ms", measure=_milliseconds),
)
