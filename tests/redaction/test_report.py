"""What is told of what was hidden: where, by which rule, how often; never the value."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given

import obskit
from obskit.redaction import Literals, Redactor
from obskit.redaction.report import Finding, Findings
from obskit.testing import assert_no_secret
from tests.redaction.test_walk import SECRET, VALUES


def found(value: object, redactor: Redactor | None = None) -> set[tuple[str, str, str, int]]:
    """Give what is told of *value*, without the names of the columns."""
    return {(one.path, one.rule, one.kind, one.count) for one in (redactor or Redactor()).explain(value)}


def test_every_kind_of_find_is_told_with_its_place() -> None:
    """Names, texts, JSON in texts, pairs, and names that hold secrets."""
    value = {
        "users": [{"apiToken": SECRET}, {"apiToken": SECRET}],
        "note": f"password={SECRET}",
        "json": '{"a": {"password": "hunter2"}}',
        "headers": [("Authorization", SECRET + SECRET)],
        f"password={SECRET} there": 1,
        b"cookie": b"x",
        7: {"pin": 1234},
        "fine": "fine",
    }
    assert found(value) == {
        ("users.apiToken", "key", "name", 2),
        ("note", "assignment", "text", 1),
        ("json.a.password", "key", "name", 1),
        ("headers.Authorization", "key", "name", 1),
        ("", "assignment", "text", 1),
        ("cookie", "key", "name", 1),
        ("7.pin", "key", "name", 1),
    }


def test_literals_own_rules_and_failures_are_told() -> None:
    """A registered secret, a pattern of the project, and what could not be looked at."""

    class Hostile:
        def __repr__(self) -> str:
            raise LookupError(SECRET)

    literals = Literals()
    literals.register("correct-horse")
    redactor = Redactor(literals=literals, detectors=[re.compile("ward-[0-9]+")])
    assert found({"a": "is correct-horse", "b": "ward-9", "c": Hostile()}, redactor) == {
        ("a", "literal", "text", 1),
        ("b", "pattern", "text", 1),
        ("c", "LookupError", "failure", 1),
    }


def test_explaining_counts_nothing_and_changes_nothing() -> None:
    """Asking is free of effects."""
    redactor, value = Redactor(), {"password": SECRET}
    assert redactor.explain(value) == redactor.explain(value)
    assert redactor.explain({"n": 1}) == []
    assert redactor.stats() == {"redacted": 0, "redaction_failed": 0}


@given(VALUES)
def test_something_is_told_exactly_where_something_is_hidden(value: object) -> None:
    """The list is empty for what comes back as it is, and holds no value that was hidden."""
    redactor = Redactor()
    told, shown = redactor.explain(value), redactor(value)
    assert bool(told) == (shown is not value)
    assert SECRET not in str(told) or SECRET in str(shown)


def test_report_stays_bounded() -> None:
    """A value full of secrets does not make a report without end."""
    findings = Findings()
    for number in range(5_000):
        findings.add((f"name{number}" * 100,), "key", "name")
    assert len(findings.list()) == 1_000
    assert max(len(one.path) for one in findings.list()) == 100


def test_a_log_line_tells_what_was_hidden_in_it_on_request() -> None:
    """With report=True each line that hides something says so in its field `redacted`."""
    output = io.StringIO()
    redactor = Redactor(report=True)
    runtime = obskit.configure(output=output, redactor=redactor, capture_logging=False, hooks=False)
    with obskit.bound_context(user_id="7", session={"id": 1}):
        for _ in range(2):
            obskit.get_logger("bot").error(
                f"password={SECRET}", exc_info=ValueError(f"token={SECRET}"), pin=1234
            )
    obskit.get_logger("bot").info("clean", n=1)
    runtime.flush(1)
    first, second, clean = (json.loads(line) for line in output.getvalue().splitlines())
    assert first["redacted"] == second["redacted"]
    assert {(one["path"], one["rule"], one["kind"]) for one in first["redacted"]} == {
        ("msg", "assignment", "text"),
        ("pin", "key", "name"),
        ("session", "key", "name"),
        ("error", "assignment", "text"),
    }
    assert "redacted" not in clean
    assert redactor.stats()["redacted"] >= 6
    assert "Secret77" not in output.getvalue()


def test_finding_is_a_value() -> None:
    """A finding can be compared and written."""
    finding = Finding(path="a", rule="key", kind="name", count=1)
    assert finding.to_dict() == {"path": "a", "rule": "key", "kind": "name", "count": 1}


@pytest.mark.parametrize(
    ("output", "secrets", "told"),
    [
        ({"a": {"password": "hunter2"}}, (), "a.password: key (name), 1"),
        ("is correct-horse", ("correct-horse",), "(no name): literal (text), 1"),
        (b"Y29ycmVjdC1ob3JzZQ==", (b"correct-horse",), "literal"),
    ],
)
def test_shown_secret_fails_a_test_without_being_quoted(output: Any, secrets: Any, told: str) -> None:
    """assert_no_secret() says where and by which rule."""
    for redactor in (None, Redactor(tail=0)):
        with pytest.raises(AssertionError, match=re.escape(told)) as failed:
            assert_no_secret(output, *secrets, redactor=redactor)
        assert "hunter2" not in str(failed.value)
        assert "correct" not in str(failed.value)


def test_safe_output_passes() -> None:
    """Markers are no secrets, and short values may be looked for without a warning."""
    assert_no_secret(
        [{"password": "***", "api_key": "***5678"}, "Authorization: Bearer ***"], "abcd", "correct-horse"
    )


def test_to_explain_again_compiles_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are made by copies of a redactor, which share what is loaded with the first search."""
    redactor = Redactor()
    redactor.explain("password=first")
    made: list[int] = []
    monkeypatch.setattr("obskit.redaction.sieve.Sieve.__init__", lambda *_: made.append(1))
    redactor.explain("password=hunter2")
    redactor("password=hunter2")
    assert made == []
