"""Run every probe through every contender and write the results as one page of Markdown."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from faultcard import calls, faults
from faultcard.call_runner import CallResults, run_calls
from faultcard.contenders import Contender
from faultcard.fault_runner import judge_fault, leaked, run_fault
from faultcard.faults.model import Fault
from faultcard.judge import Outcome, Verdict
from faultcard.leaks import LEAKS

#: Processes at a time. Most of them wait most of the time.
_AT_A_TIME: Final = 4


@dataclass(slots=True)
class Results:
    """What one contender did."""

    calls: CallResults = field(default_factory=CallResults)
    faults: dict[str, Outcome] = field(default_factory=dict)
    leaks: dict[str, str] = field(default_factory=dict)  #: where each planted secret shows

    def failures(self) -> dict[str, str]:
        """Name every probe that did not go well, and say why."""
        outcomes = {**self.calls.outcomes, **self.faults}
        failed = {
            name: f"{outcome.verdict}: {outcome.why}"
            for name, outcome in outcomes.items()
            if outcome.verdict is not Verdict.OK
        }
        return failed | {name: f"the secret is on {place}" for name, place in self.leaks.items() if place}


def run(contenders: Iterable[Contender]) -> dict[str, Results]:
    """Run the whole card for *contenders*."""
    card = {contender.name: Results() for contender in contenders}
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        work = [
            pool.submit(job, contender, card[contender.name]) for contender in contenders for job in _jobs()
        ]
        try:
            for job in work:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return card


def _jobs() -> Iterable[Callable[[Contender, Results], None]]:
    yield _make_calls
    for fault in faults.FAULTS.values():
        yield _let_happen(fault)
    for leak in LEAKS.values():
        yield _plant(leak)


def _make_calls(contender: Contender, results: Results) -> None:
    results.calls = run_calls(contender)


def _let_happen(fault: Fault) -> Callable[[Contender, Results], None]:
    def job(contender: Contender, results: Results) -> None:
        results.faults[fault.name] = judge_fault(contender, fault, run_fault(contender, fault))

    return job


def _plant(leak: Fault) -> Callable[[Contender, Results], None]:
    def job(contender: Contender, results: Results) -> None:
        results.leaks[leak.name] = leaked(run_fault(contender, leak))

    return job


_INTRODUCTION: Final = """\
# The fault card

What loggers do with hostile values and broken processes: {calls} calls and {faults} faults,
each through obskit and its peers.
This page is written by `python -m faultcard --write`, from nothing but the bytes that came out;
each probe is a small function in `faultcard/`.
Measured with {python} on {system}.

| contender | version | set up as |
|---|---|---|
{contenders}

## Totals

{totals}

## How it is judged

Every line must be strict JSON: UTF-8, one object, at most one megabyte, ending in its only line break,
without `NaN`, a key twice, a lone surrogate or a raw line separator.
What a probe says is visible must be readable in the line, and level and message must be the call's own.

- **ok**: every accepted line arrived and is right, or the logger itself counts it as lost,
  in a line or in its statistics.
- **lost**: a line, or something in it, is missing and nobody counts it, or an interruption was swallowed.
  A traceback on stderr is no line and no count.
- **invalid**: a strict reader refuses the output, or something else was written into.
- **raised**: an exception reached the program, or its process died.
- **hung**: a call took longer than two seconds (twenty for values of many megabytes),
  or the process did not end.

Where several apply, the last one of this list counts.
Each process has a deadline, and a call that hangs or kills it costs the others nothing.

## Memory

Peak memory that one call takes beyond the 100 MB it is given, in MB.

{memory}

## Secrets

Where a secret shows that was planted at run time: in a line on stdout, or on stderr when something fails.
Empty is hidden.

{leaks}
"""


def page(contenders: list[Contender], card: Mapping[str, Results]) -> str:
    """Write the page."""
    parts = [
        _INTRODUCTION.format(
            calls=len(calls.CALLS),
            faults=len(faults.FAULTS),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            system=platform.system(),
            contenders="\n".join(f"| {c.name} | {c.version()} | {c.setting} |" for c in contenders),
            totals=_totals(card),
            memory=_memory(card),
            leaks=_table("plant", LEAKS.values(), card, lambda results, name: results.leaks[name]),
        )
    ]
    parts.append("## Hostile calls")
    for title, group in calls.GROUPS.items():
        parts.append(f"### {title}")
        parts.append(_table("call", group, card, lambda results, name: _cell(results.calls.outcomes[name])))
    parts.append("## Process faults")
    for title, some in faults.GROUPS.items():
        parts.append(f"### {title}")
        parts.append(_table("fault", some, card, lambda results, name: _cell(results.faults[name])))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _totals(card: Mapping[str, Results]) -> str:
    rows = [["", *(f"calls {verdict}" for verdict in Verdict), *(f"faults {verdict}" for verdict in Verdict)]]
    rows.append(["---", *(["---:"] * 2 * len(Verdict))])
    for name, results in card.items():
        counts = [
            Counter(outcome.verdict for outcome in outcomes.values())
            for outcomes in (results.calls.outcomes, results.faults)
        ]
        rows.append([name, *(str(count[verdict]) for count in counts for verdict in Verdict)])
    return _markdown(rows)


def _memory(card: Mapping[str, Results]) -> str:
    told = [call.name for call in calls.CALLS.values() if call.memory]
    rows = [["", *card], ["---", *["---:"] * len(card)]]
    for name in told:
        used = (results.calls.memory.get(name) for results in card.values())
        rows.append([f"`{name}`", *("" if some is None else f"{some / 1e6:.0f}" for some in used)])
    return _markdown(rows)


def _table(
    what: str, probes: Iterable[Any], card: Mapping[str, Results], cell: Callable[[Results, str], str]
) -> str:
    rows = [[what, "what it is", *card], ["---"] * (2 + len(card))]
    for probe in probes:
        says = probe.says.replace("|", "\\|")
        rows.append([f"`{probe.name}`", says, *(cell(results, probe.name) for results in card.values())])
    return _markdown(rows)


def _cell(outcome: Outcome) -> str:
    return "ok" if outcome.verdict is Verdict.OK else f"**{outcome.verdict}**"


def _markdown(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
