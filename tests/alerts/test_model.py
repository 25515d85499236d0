"""An alert survives slips of its author, and is safe behind the gate."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given

from obskit.alerts import Alert, Severity
from obskit.alerts.model import secured
from tests.alerts.messages import GATE, alert, hostile_alerts
from tests.strategies import LyingDict


def test_severities_are_ordered() -> None:
    """Critical is worse than error is worse than warning."""
    assert Severity.WARNING.rank < Severity.ERROR.rank < Severity.CRITICAL.rank


@pytest.mark.parametrize("text", ["critical", " CRITICAL "])
def test_a_severity_is_read_in_any_case(text: str) -> None:
    """It becomes the enum."""
    assert alert(severity=text).severity is Severity.CRITICAL


def test_warn_is_a_warning() -> None:
    """The name of the log level is understood."""
    assert alert(severity="warn").severity is Severity.WARNING


@pytest.mark.parametrize("text", ["nonsense", "", None, 3])
def test_an_unknown_severity_is_an_error_that_says_so(text: Any) -> None:
    """An alert with a slip in it is still an alert."""
    what = alert(severity=text, fields={"n": 1})
    assert (what.severity, what.fields) == (Severity.ERROR, {"n": 1, "severity": text})


def test_an_alert_never_changes() -> None:
    """A changed one is a new one."""
    what = alert()
    with pytest.raises(FrozenInstanceError):
        what.message = "other"  # type: ignore[misc]
    assert replace(what, message="other").message == "other"


def test_an_exception_as_cause_is_summed_up() -> None:
    """Type and message are shown, no traceback."""
    assert secured(alert(root_cause=ValueError("boom")), GATE).root_cause == "ValueError: boom"


@pytest.mark.parametrize("given", [LyingDict(a=1), 3, "text"])
def test_fields_that_cannot_be_read_say_so(given: Any) -> None:
    """The rest of the alert is unharmed."""
    what = secured(alert(fields=given, links=given), GATE)
    assert what.message == "GitHub answered 502"
    assert len(what.fields) == len(what.links) == 1


def test_sizes_are_bounded() -> None:
    """A huge alert does not fill the queue."""
    huge = alert(
        "x" * 10**6,
        root_cause="y" * 10**6,
        trace_id="z" * 10**6,
        fields={"text": "t" * 10**6, "list": [1] * 900, **{f"f{number}": 1 for number in range(100)}},
        fingerprint="f" * 10**6,
    )
    what = secured(huge, GATE)
    assert len(what.message) < 4100
    assert len(what.fields) == 25
    assert len(repr(what)) < 20_000
    assert secured(alert(fields={"list": [1]}), GATE).fields == {"list": [1]}


@given(hostile_alerts)
def test_a_safe_alert_is_text_and_json_only(what: Alert) -> None:
    """Whatever was handed in, sinks can rely on the types."""
    safe = secured(what, GATE)
    assert type(safe.message) is str
    assert safe.root_cause is None or type(safe.root_cause) is str
    assert safe.trace_id is None or type(safe.trace_id) is str
    assert all(type(text) is str for pair in safe.links.items() for text in pair)
    assert all(type(name) is str for name in safe.fields)
    assert repr(safe)


def test_labels_and_fingerprints_are_safe_and_shown() -> None:
    """Labels stand among the fields, before them; a fingerprint may have parts."""
    secret = "ghp_" + "fake1234" * 5
    safe = secured(
        alert(labels={"tenant": 7, "token": secret}, fields={"n": 1}, fingerprint=["db", secret]), GATE
    )
    assert list(safe.fields) == ["tenant", "token", "n"]
    assert safe.labels["tenant"] == 7
    assert safe.fingerprint is not None
    assert safe.fingerprint[0] == "db"
    assert secret[4:] not in repr((safe.labels, safe.fields, safe.fingerprint))
