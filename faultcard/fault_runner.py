"""Let faults happen to a contender and judge the bytes that came out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from faultcard.children import Child
from faultcard.contenders import Contender
from faultcard.faults.model import NUMBER, OWNER, Fault
from faultcard.judge import InvalidLine, Outcome, Verdict, read_lines

#: Seconds that a call may take.
_MAX_CALL: Final = 2.0
#: ... and that a whole process may take; a good one ends in five on a machine with other work.
_MAX_PROCESS: Final = 20.0
#: How Python ends when it could not write what stdout or stderr still held back.
_NOT_FLUSHED: Final = 120


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one process left behind."""

    output: tuple[bytes, ...]  #: stdout, and other files that the lines may have gone to
    errors: bytes
    foreign: bytes  #: what got into a file that is none of the logger's
    reports: list[dict[str, Any]]
    status: int | None  #: None if it had to be ended

    def reported(self, name: str) -> list[Any]:
        """Return what was reported under *name*."""
        return [report[name] for report in self.reports if name in report]


def run_fault(contender: Contender, fault: Fault) -> Evidence:
    """Let *fault* happen in a process of its own, which is gone when this returns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        opened = fault.stage(folder)
        with (folder / "stderr").open("ab") as stderr:
            child = Child(
                "faultcard.fault_child",
                contender.name,
                fault.name,
                name,
                stdout=opened.stdout,
                stderr=stderr.fileno(),
                environment=fault.environment,
            )
        opened.begin()
        with child:
            reports, status = child.until_end(_MAX_PROCESS)
        foreign = folder / "foreign"
        return Evidence(
            output=(opened.finish(), *(path.read_bytes() for path in sorted(folder.glob("more-*")))),
            errors=(folder / "stderr").read_bytes(),
            foreign=foreign.read_bytes() if foreign.exists() else b"",
            reports=reports,
            status=status,
        )


def judge_fault(contender: Contender, fault: Fault, evidence: Evidence) -> Outcome:
    """Decide what became of the lines of *fault*."""
    slowest = max(evidence.reported("seconds"), default=0.0)
    if evidence.status is None:
        return Outcome(Verdict.HUNG, f"no end within {_MAX_PROCESS:g} s")
    if evidence.reported("hung") or slowest > _MAX_CALL:
        return Outcome(Verdict.HUNG, f"{evidence.reported('hung')[:1] or f'a call took {slowest:.1f} s'}")
    if raised := evidence.reported("raised"):
        return Outcome(Verdict.RAISED, f"{raised[0]}, {len(raised)} times")
    if evidence.status not in (fault.status, _NOT_FLUSHED):
        last = evidence.errors[-200:].decode(errors="replace").strip().rpartition("\n")[2]
        return Outcome(Verdict.RAISED, f"the process died with {evidence.status}: {last}")
    if not evidence.reported("accepted"):
        return Outcome(Verdict.RAISED, "no call has returned")
    if swallowed := sum(evidence.reported("swallowed")):
        return Outcome(Verdict.LOST, f"{swallowed} interruptions were swallowed")
    if evidence.foreign:
        return Outcome(Verdict.INVALID, f"{len(evidence.foreign)} bytes in a foreign file")
    try:
        lines = [line for output in evidence.output for line in read_lines(_whole(output, fault))]
    except InvalidLine as reason:
        return Outcome(Verdict.INVALID, str(reason))
    return _account(contender, evidence, lines)


def _whole(output: bytes, fault: Fault) -> bytes:
    """Leave a last line that is cut off away, where that is one of the things that may happen."""
    return output[: output.rfind(b"\n") + 1] if fault.torn else output


def _account(contender: Contender, evidence: Evidence, lines: list[dict[str, Any]]) -> Outcome:
    """Compare the lines that were accepted with those that arrived or were counted."""
    arrived = {number: line for line in lines if (number := find(line, NUMBER)) is not None}
    owners = {report["number"]: report["owner"] for report in evidence.reports if "owner" in report}
    numbers = [number for line in lines if (number := find(line, NUMBER)) is not None]
    if len(numbers) != len(arrived):
        return Outcome(Verdict.INVALID, f"{len(numbers) - len(arrived)} lines came twice")
    strangers = [number for number, owner in owners.items() if find(arrived.get(number, {}), OWNER) != owner]
    if strangers:
        return Outcome(Verdict.INVALID, f"{len(strangers)} lines with another task's field")
    missing = set(evidence.reported("accepted")) - set(arrived)
    per_process = {report["process"]: report["lost"] for report in evidence.reports if "lost" in report}
    counted = max(sum(contender.told(line) for line in lines), sum(per_process.values()))
    if len(missing) > counted:
        accepted = len(evidence.reported("accepted"))
        return Outcome(Verdict.LOST, f"{len(missing)} of {accepted} lines, {counted:g} counted")
    if evidence.status == _NOT_FLUSHED:
        return Outcome(Verdict.LOST, "Python could not write what its streams held back, and ended with 120")
    return Outcome(Verdict.OK)


def find(value: Any, name: str) -> Any:
    """Find the field called *name*, however deep a logger puts it."""
    if not isinstance(value, Mapping):
        return None
    if name in value:
        return value[name]
    return next((found for part in value.values() if (found := find(part, name)) is not None), None)


def leaked(evidence: Evidence) -> str:
    """Tell where a planted secret shows: ``stdout``, ``stderr``, both, or nowhere."""
    (secret,) = evidence.reported("secret")
    planted = secret[6:-6].encode()
    places = {"stdout": b"".join(evidence.output), "stderr": evidence.errors}
    return " and ".join(place for place, data in places.items() if planted in data)
