"""Whatever fails inside of a redactor: the value is hidden, the failure is counted, no message quotes it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

import obskit
from obskit.gate import Gate
from obskit.redaction import Literals, Redactor

SECRET = "planted" + "Secret77"

#: Every part of a redactor that does something with a value.
PARTS = (
    "redactor.KeyPolicy.verdict",
    "redactor.Mask.hide",
    "redactor.Mask.is_marker",
    "redactor.Scanner.find",
    "redactor.Scanner.replace",
    "redactor.json.loads",
    "redactor.json.dumps",
    "values.may_stay",
    "values.sounds_secret",
    "literals.Spellings.find",
    "assignments.Assignments.find",
    "values.looks_secret",
    "values.Values.behind",
    "walk.kind_of",
    "walk._rebuild",
    "walk._dirty",
    "walk._entries",
    "walk._Reading._read_named",
    "containers._read_dict",
    "containers._fill_dict",
)
CALLS: dict[str, Callable[[Redactor], object]] = {
    "value": lambda redactor: redactor({"a": [{"password": SECRET, "route_key": SECRET}, f"token={SECRET}"]}),
    "name": lambda redactor: redactor({f"token={SECRET}": 1}),
    "pair": lambda redactor: redactor([("Authorization", SECRET), {"name": "api_key", "value": SECRET}]),
    "json": lambda redactor: redactor('{"password": "' + SECRET + '"}'),
    "text": lambda redactor: redactor.text(f"password={SECRET} and {SECRET}"),
    "explain": lambda redactor: redactor.explain({"password": SECRET}),
    "gate": lambda redactor: Gate(redactor).fields({"a": {"password": SECRET}, "b": f"token={SECRET}"}),
}


def failing(*_: Any, **__: Any) -> Any:
    """Fail as hostile code does: with the value in the message."""
    raise RuntimeError(SECRET)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_fault_in_any_part_hides_the_value(
    part: str, call: Callable[[Redactor], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No fault gets a secret out or an error into the program."""
    literals = Literals()
    literals.register(SECRET)
    for redactor in (Redactor(literals=literals), Redactor(keys=["a.*"], literals=literals)):
        monkeypatch.setattr(f"obskit.redaction.{part}", failing)
        shown = call(redactor)
        monkeypatch.undo()
        assert "Secret77" not in f"{shown!r} {redactor!r}"


@pytest.mark.parametrize(
    "part", ["redactor.KeyPolicy.verdict", "redactor.Mask.hide", "redactor.Scanner.find"]
)
def test_faults_are_counted_and_the_line_is_written(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event whose redaction fails is a line all the same, and stats() tell of it."""
    output = io.StringIO()
    redactor = Redactor()
    runtime = obskit.configure(output=output, redactor=redactor, capture_logging=False, hooks=False)
    monkeypatch.setattr(f"obskit.redaction.{part}", failing)
    obskit.get_logger("bot").info(f"with token={SECRET}", password=SECRET, n=7)
    monkeypatch.undo()
    runtime.flush(1)
    line = json.loads(output.getvalue())
    assert "Secret77" not in output.getvalue()
    assert "[redaction failed: RuntimeError]" in str(line)
    assert redactor.stats()["redaction_failed"] >= 1


def test_a_hostile_value_is_told_by_its_kind_alone() -> None:
    """The marker names the type of the error and nothing else."""

    class Hostile:
        def __repr__(self) -> str:
            raise LookupError(SECRET)

    redactor = Redactor()
    assert str(redactor([Hostile()])) == "['[redaction failed: LookupError]']"
    assert "Secret77" not in str(redactor({Hostile(): SECRET}))
    assert redactor.stats()["redaction_failed"] >= 2
