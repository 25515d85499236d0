"""How tests look at what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obskit

if TYPE_CHECKING:
    from obskit.traces import ExecutionTrace


def last(user_id: object = "42") -> ExecutionTrace:
    """Return the last trace of a user, which must be there."""
    found = obskit.get_trace_store().last(user_id)
    assert found is not None
    return found


def shape(trace: ExecutionTrace) -> list[tuple[str, str | None]]:
    """Name the steps of a trace with the steps that they are parts of."""
    names = {step.id: step.name for step in trace.steps}
    return [(step.name, names.get(step.parent_id or "")) for step in trace.steps]
