"""Run the hostile calls through a contender and judge what came out, byte by byte."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from faultcard.calls import CALLS
from faultcard.calls.model import Call
from faultcard.children import Child
from faultcard.contenders import Contender
from faultcard.judge import InvalidLine, Outcome, Verdict, read_lines, shows

#: Seconds in which a process must have started.
_START: Final = 20.0
#: Bytes of the value itself in the calls whose memory is told.
_GIVEN: Final = 100_000_000


@dataclass(slots=True)
class CallResults:
    """What a contender did with the calls."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)  #: bytes, of calls that tell it


def run_calls(contender: Contender, names: Iterable[str] = tuple(CALLS)) -> CallResults:
    """Make the calls in one process; where a call hangs or ends it, another goes on behind that call."""
    results, remaining = CallResults(), list(names)
    while remaining:
        done = _run_until_it_breaks(contender, remaining, results)
        remaining = remaining[done:]
    return results


def _run_until_it_breaks(contender: Contender, names: list[str], results: CallResults) -> int:
    """Return how many of *names* have an outcome now."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        with out.open("ab") as stdout, err.open("ab") as stderr:
            child = Child(
                "faultcard.call_child",
                contender.name,
                ",".join(names),
                stdout=stdout.fileno(),
                stderr=stderr.fileno(),
            )
        with child, out.open("rb") as written:
            begin = _next_report(child, _START, err)["offset"]
            for done, name in enumerate(names):
                call = CALLS[name]
                try:
                    report = _next_report(child, call.seconds + 1.0, err)
                except TimeoutError:
                    results.outcomes[name] = Outcome(Verdict.HUNG, f"no end within {call.seconds:g} s")
                    return done + 1
                except Died as reason:
                    results.outcomes[name] = Outcome(Verdict.RAISED, str(reason))
                    return done + 1
                written.seek(begin)
                data = written.read(min(report["offset"] - begin, call.at_most * call.lines + 1))
                results.outcomes[name] = judge(call, contender, data, report)
                if call.memory:
                    results.memory[name] = max(0, report["memory"] - _GIVEN)
                begin = report["offset"]
    return len(names)


class Died(Exception):
    """The process ended before its time."""


def _next_report(child: Child, seconds: float, err: Path) -> dict[str, Any]:
    report = child.report(seconds)
    if report is not None:
        return report
    code = child.wait(1.0)
    last = err.read_bytes()[-200:].decode(errors="replace").strip().rpartition("\n")[2]
    raise Died(f"the process died with {code}: {last}")


def judge(call: Call, contender: Contender, data: bytes, report: dict[str, Any]) -> Outcome:
    """Decide what became of *call* from the bytes it wrote and what its process reported."""
    if report["seconds"] > call.seconds:
        return Outcome(Verdict.HUNG, f"took {report['seconds']:.1f} s")
    if report["raised"].startswith("AssertionError"):
        return Outcome(Verdict.INVALID, report["raised"])
    if report["raised"]:
        return Outcome(Verdict.RAISED, report["raised"])
    if len(data) > call.at_most * call.lines:
        return Outcome(Verdict.INVALID, f"more than {call.at_most:,} bytes in a line")
    try:
        decoded = read_lines(data, call.at_most)
    except InvalidLine as reason:
        return Outcome(Verdict.INVALID, str(reason))
    # A line that tells of an earlier call's loss is none of this call's.
    decoded = [line for line in decoded if not contender.told(line)]
    if len(decoded) != call.lines:
        verdict = Verdict.LOST if len(decoded) < call.lines else Verdict.INVALID
        return Outcome(verdict, f"{len(decoded) or 'no'} lines instead of {call.lines}")
    for line in decoded:
        missing = _missing(call, contender, line)
        if missing:
            return Outcome(Verdict.LOST, missing)
    return Outcome(Verdict.OK)


def _missing(call: Call, contender: Contender, line: dict[str, Any]) -> str:
    """Tell what a line should show and does not."""
    for text in call.shows:
        if not shows(line, text):
            return f"{text!r} is not in the line"
    level = _read(contender.level, line)
    if str(level).lower() != call.level:
        return f"the level is {level!r}"
    if call.message is not None:
        message = _read(contender.message, line)
        if message != call.message:
            return f"the message is {str(message)[:60]!r}"
    return ""


def _read(look_up: Callable[[Mapping[str, Any]], Any], line: Mapping[str, Any]) -> Any:
    try:
        return look_up(line)
    except (LookupError, TypeError):
        return None
