"""
Measure contenders side by side and print what they cost as multiples of a floor.

All contenders of a scenario take turns in the same process, several times over,
and the best burst of calls of each counts: noise of the machine only ever adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 7
SECONDS_PER_TURN = 0.1
#: Shorter than the time slices of the system, so that on a busy machine some burst is not interrupted.
SECONDS_PER_BURST = 0.0005


def best_of_turn(call: Callable[[], object]) -> float:
    """Run *call* in bursts for a moment and return microseconds per call of the best burst."""
    count, best = 1, float("inf")
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS_PER_TURN:
        took = _burst(call, count)
        if took < SECONDS_PER_BURST / 2:
            count *= 2
        else:
            best = min(best, took / count * 1e6)
    return best


def _burst(call: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the job of a scenario."""

    name: str
    prepare: Callable[[], Callable[[], object]]  #: returns the call that is measured


@dataclass(frozen=True, slots=True)
class Scenario:
    """A job, the least it can cost, and who does it."""

    title: str
    floor: Contender
    contenders: tuple[Contender, ...]
    budget: float | None = None  #: how many floors obskit may cost
    unit: str = "µs"
    measure: Callable[[Callable[[], object]], float] = best_of_turn


@dataclass(frozen=True, slots=True)
class Row:
    """What one contender cost."""

    name: str
    cost: float
    ratio: float


def run(scenario: Scenario, rounds: int = ROUNDS) -> list[Row]:
    """Measure every contender of *scenario*; the floor comes first."""
    everyone = (scenario.floor, *scenario.contenders)
    calls = {contender.name: contender.prepare() for contender in everyone}
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            best[name] = min(best[name], scenario.measure(call))
    floor = best[scenario.floor.name]
    return [Row(name, cost, cost / floor) for name, cost in best.items()]


def table(scenario: Scenario, rows: list[Row]) -> str:
    """Write *rows* as a Markdown table under the title of *scenario*."""
    budget = f" (budget for obskit: {scenario.budget:g} floors)" if scenario.budget else ""
    width = max(len(row.name) for row in rows)
    lines = [
        f"### {scenario.title}{budget}",
        "",
        f"| {'who'.ljust(width)} | {scenario.unit} | floors |",
        "|---|---:|---:|",
    ]
    lines += [f"| {row.name.ljust(width)} | {row.cost:.2f} | {row.ratio:.2f} |" for row in rows]
    return "\n".join(lines) + "\n"
