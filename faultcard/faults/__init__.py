"""
Process faults: what happens around a logger while a program runs.

Each is a small function that runs inside a process of its own and logs through
`Run`; its docstring says what goes wrong. How the process's stdout is connected is
part of the fault.
"""

from __future__ import annotations

from faultcard.faults import ends, forks, moments, outputs, settings
from faultcard.faults.model import Fault

GROUPS: dict[str, tuple[Fault, ...]] = {
    "Output that fails": tuple(outputs.FAULTS),
    "Settings and limits": tuple(settings.FAULTS),
    "Threads, forks and processes": tuple(forks.FAULTS),
    "Bad moments": tuple(moments.FAULTS),
    "The end": tuple(ends.FAULTS),
}

FAULTS: dict[str, Fault] = {fault.name: fault for faults in GROUPS.values() for fault in faults}
