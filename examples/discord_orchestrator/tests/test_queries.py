"""
The RUNBOOK's queries for CloudWatch Logs Insights: valid, and right about the bot's own lines.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, Final, TypeAlias

import pytest

from orchestrator.config import Config
from standins import Bot, DiscordStandIn, GitHubStandIn, Plan, Signer

Row: TypeAlias = dict[str, Any]

RUNBOOK: Final = (Path(__file__).resolve().parents[1] / "RUNBOOK.md").read_text("utf-8")
QUERIES: Final[dict[str, str]] = dict(
    re.findall(r"^([A-Z][^.,(:\n]+\b)[^\n]*:\n\n```insights\n(.*?)^```$", RUNBOOK, re.MULTILINE | re.DOTALL)
)
AGGREGATES: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "count": len,
    "sum": sum,
    "avg": fmean,
    "max": max,
    "pct": max,  # of so few values
}
_AGGREGATE: Final = re.compile(r"(\w+)\((\*|\w+)(?:, \d+)?\) as (\w+)")


@pytest.fixture
def lines(
    config: Config,
    signer: Signer,
    discord: DiscordStandIn,
    github: GitHubStandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Row]:
    """What one good and two failed commands leave behind on AWS Lambda; the last one came late."""
    monkeypatch.setenv("OBSKIT_SCHEMA", "lambda")
    bot = Bot(config, signer)
    with bot.runtime:
        github.plans.extend([Plan(polls=3), *[Plan(conclusion="failure")] * 2])
        for seconds in (0, 0, 30):
            interaction = signer.command("diagnose", user_id="80351110224678912", options={"target": "api"})
            interaction["id"] = str(int(interaction["id"]) - (seconds * 1000 << 22))
            bot.ask(interaction)
            bot.finish()
    return [{"@timestamp": line["timestamp"], **line} for line in bot.logged()]


def test_all_queries_are_read() -> None:
    """
    None escapes the tests below because of its spelling.
    """
    assert len(QUERIES) == RUNBOOK.count("```insights")
    for name in (
        "One trace",
        "Command usage",
        "Error rate",
        "Slow traces",
        "Late acknowledgements",
        "Alert volume",
    ):
        assert name in QUERIES


@pytest.mark.parametrize("name", QUERIES)
def test_every_field_of_a_query_is_on_real_lines(name: str, lines: list[Row]) -> None:
    """
    CloudWatch knows a field only where some line has it.
    """
    bare = re.sub(r'"[^"]*"|/[^/]*/|\bbin\(\w+\)', "", QUERIES[name])
    made = set(re.findall(r" as (\w+)", bare))
    words = set(re.findall(r"@?\b[a-z]\w*\b(?!\()", bare))
    language = set("fields filter stats sort limit by as asc desc like and".split())
    assert words - made - language <= {field for line in lines for field in line}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_valid(name: str) -> None:
    """
    Known commands only; aggregates in stats only; after stats, only what it produced can be sorted by.
    """
    produced: set[str] | None = None
    for command, rest in _steps(QUERIES[name]):
        assert command in {"fields", "filter", "stats", "sort", "limit"}
        assert command == "stats" or not _AGGREGATE.search(rest)
        if command == "stats":
            assert produced is None
            produced = set(re.findall(r" as (\w+)", rest)) | set(_keys(rest))
        if command == "sort" and produced is not None:
            assert rest.split()[0] in produced


def test_one_trace_gives_the_lines_of_one_command(lines: list[Row]) -> None:
    """
    Eight characters are enough, and the story comes in its order.
    """
    trace_id = next(line["trace_id"] for line in lines if line.get("alert"))
    rows = _run(QUERIES["One trace"].replace("0af76519", trace_id[:8]), lines)
    assert [row["message"] for row in rows] == [
        "Command received",
        "Command acknowledged",
        "Command failed",
        "/diagnose ended: error",
    ]


def test_the_counts_are_those_of_what_happened(lines: list[Row]) -> None:
    """
    Three runs, two of them failed in the same way, one acknowledged late.
    """
    (usage,) = _run(QUERIES["Command usage"], lines)
    assert (usage["cmd"], usage["runs"]) == ("/diagnose", 3)
    (rate,) = _run(QUERIES["Error rate"], lines)
    assert (rate["runs"], rate["failures"], round(rate["error_rate"], 2)) == (3, 2, 0.67)
    (late,) = _run(QUERIES["Late acknowledgements"], lines)
    assert late["late"] == 1
    assert late["worst_ms"] >= 30_000
    alerts = _run(QUERIES["Alert volume"], lines)
    assert {row["alert"]: row["failures"] for row in alerts} == {"queued": 1, "duplicate": 1}
    (cause,) = _run(QUERIES["Failures by cause"], lines)
    assert (cause["cause"], cause["failures"]) == ("step failed: Run tests", 2)


def test_slow_traces_begin_with_the_slowest(lines: list[Row]) -> None:
    """
    All commands are there, in the order of their duration.
    """
    durations = [row["duration_ms"] for row in _run(QUERIES["Slow traces"], lines)]
    assert len(durations) == 3
    assert durations == sorted(durations, reverse=True)


# --- as much of the language as these queries use: no service answers them offline ---


def _run(query: str, rows: list[Row]) -> list[Row]:
    """Answer *query* from *rows*; "fields" only chooses what is shown of them."""
    for command, rest in _steps(query):
        if command == "filter":
            rows = [row for row in rows if all(_holds(row, condition) for condition in rest.split(" and "))]
        elif command == "stats":
            rows = _stats(rest, rows)
        elif command == "sort":
            name, order = rest.split()
            rows = sorted(rows, key=lambda row, name=name: row[name], reverse=order == "desc")  # type: ignore[misc]
        elif command == "limit":
            rows = rows[: int(rest)]
    return rows


def _steps(query: str) -> list[tuple[str, str]]:
    steps = (step.strip().partition(" ") for step in re.split(r"\n\|", query))
    return [(command, rest) for command, _, rest in steps]


def _holds(row: Row, condition: str) -> bool:
    if match := re.fullmatch(r"ispresent\((\w+)\)", condition):
        return row.get(match[1]) is not None
    name, operator, value = condition.split(" ", 2)
    if name not in row:
        return False
    if operator == ">":
        return bool(row[name] > float(value))
    if operator == "=":
        return bool(row[name] == value.strip('"'))
    pattern = value[1:-1] if value.startswith("/") else re.escape(value.strip('"'))
    return re.search(pattern, row[name]) is not None


def _stats(rest: str, rows: list[Row]) -> list[Row]:
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    keys = _keys(rest)
    for row in rows:
        groups[tuple(row.get(key) for key in keys)].append(row)
    return [
        dict(zip(keys, group, strict=True))
        | {
            name: AGGREGATES[function]([row.get(field) for row in members if field == "*" or field in row])
            for function, field, name in _AGGREGATE.findall(rest)
        }
        for group, members in groups.items()
    ]


def _keys(rest: str) -> list[str]:
    by = rest.partition(" by ")[2].split(", ")
    return [key for key in by if not key.startswith("bin(")]
