"""Print how obskit compares; ``python -m benchmarks WORD`` runs the scenarios whose title has the word."""

from __future__ import annotations

import itertools
import platform
import sys
from importlib.metadata import version

from benchmarks import alerts, events, imports, integrations, stores, traces
from benchmarks.measure import run, table

PEERS = (
    "structlog",
    "python-json-logger",
    "loguru",
    "opentelemetry-sdk",
    "aws-xray-sdk",
    "logfire",
    "orjson",
)

PARTS = (events, traces, alerts, integrations, stores, imports)


def main(words: list[str]) -> int:
    """Run the scenarios that *words* choose, all of them without one."""
    peers = ", ".join(f"{name} {version(name)}" for name in PEERS)
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}; {peers}\n")
    for scenario in itertools.chain(*(part.SCENARIOS for part in PARTS)):
        if not words or any(word.lower() in scenario.title.lower() for word in words):
            print(table(scenario, run(scenario)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
