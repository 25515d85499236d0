"""What importing a logger and writing a first line costs, start of the interpreter included."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.measure import Contender, Scenario

_FIRST_LINES = {
    "floor: import logging, json": "import logging, json; logging.basicConfig(); logging.warning('ready')",
    "obskit": "import obskit; obskit.get_logger().info('ready')",
    "structlog": "import structlog; structlog.get_logger().info('ready')",
    "loguru": "from loguru import logger; logger.info('ready')",
    "OpenTelemetry SDK": "import opentelemetry.sdk.trace",
}


def _contender(name: str) -> Contender:
    command = [sys.executable, "-c", _FIRST_LINES[name]]

    def prepare() -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, capture_output=True)

    return Contender(name, prepare)


def _milliseconds(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - began)
    return best * 1e3


_FLOOR, *_OTHERS = (_contender(name) for name in _FIRST_LINES)

SCENARIOS = (
    Scenario("Import and first line", _FLOOR, tuple(_OTHERS), 1.3, unit="ms", measure=_milliseconds),
)
