"""Names that are secret, or safe, only in their place."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.errors import ConfigError
from obskit.redaction import Redactor

REDACTOR = Redactor(
    keys=["user.profile.name", "headers.*", "items.*.code"], safe_keys=["license.key", "*.public.token"]
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"user": {"profile": {"name": "ada"}}}, {"user": {"profile": {"name": "***"}}}),
        ({"a": {"User": {"profile": {"name": "ada"}}}}, {"a": {"User": {"profile": {"name": "***"}}}}),
        ({"user": {"name": "ada"}}, {"user": {"name": "ada"}}),
        ({"name": "ada", "profile": {"name": "x"}}, {"name": "ada", "profile": {"name": "x"}}),
        ({"user": [{"profile": ({"name": "ada"},)}]}, {"user": [{"profile": ({"name": "***"},)}]}),
        ({"headers": {"Host": "h", "X": 1}}, {"headers": {"Host": "***", "X": "***"}}),
        ({"items": [{"a": {"code": "x"}}]}, {"items": [{"a": {"code": "***"}}]}),
        ({"items": [{"code": "x"}]}, {"items": [{"code": "x"}]}),
        ({"license": {"key": "mit"}, "key": "mit"}, {"license": {"key": "mit"}, "key": "***"}),
        ({"a": {"public": {"token": "t"}}}, {"a": {"public": {"token": "t"}}}),
        ({"public": {"token": "t"}}, {"public": {"token": "***"}}),
        (
            {"user.profile.name": "ada", "userProfileName": "ada"},
            {"user.profile.name": "***", "userProfileName": "***"},
        ),
        ({b"headers": {b"Host": b"h", 3: "x"}}, {b"headers": {b"Host": b"***", 3: "x"}}),
        ('{"user": {"profile": {"name": "ada"}}}', '{"user": {"profile": {"name": "***"}}}'),
    ],
)
def test_path_fits_the_last_names_around_a_value(value: object, shown: object) -> None:
    """A path is a few names in order, in any spelling and however far down; lists do not count."""
    assert REDACTOR(value) == shown
    assert REDACTOR(shown) == shown


def test_shared_part_is_judged_in_each_of_its_places() -> None:
    """One object that stands in two places may be secret in one of them."""
    shared = {"name": "ada"}
    shown: Any = Redactor(keys=["user.name"])({"a": shared, "user": shared, "again": [shared]})
    assert shown == {"a": {"name": "ada"}, "user": {"name": "***"}, "again": [{"name": "ada"}]}
    assert shared == {"name": "ada"}


def test_cycle_ends_although_its_places_have_no_end() -> None:
    """Only so many names are looked at as the longest path has."""
    value: dict[str, Any] = {"name": "ada"}
    value["user"] = value
    shown: Any = Redactor(keys=["user.name"])(value)
    assert (shown["name"], shown["user"]["name"], shown["user"]["user"]["name"]) == ("ada", "***", "***")


def test_log_lines_obey_paths() -> None:
    """The quick way of a line knows of places too, in fields and in context."""
    output = io.StringIO()
    redactor = Redactor(keys=["user.name"], safe_keys=["build.key"])
    runtime = obskit.configure(output=output, redactor=redactor, capture_logging=False, hooks=False)
    log = obskit.get_logger("bot", user={"name": "ada"})
    for _ in range(3):
        log.info("hello", name="n", guest={"user": {"name": "eve"}}, build={"key": "k"}, n=1)
    runtime.flush(1)
    for text in output.getvalue().splitlines():
        line = json.loads(text)
        assert (line["name"], line["user"], line["guest"]) == (
            "n",
            {"name": "***"},
            {"user": {"name": "***"}},
        )
        assert line["build"] == {"key": "k"}


@pytest.mark.parametrize("name", ["a..b", "a.", ".a", "a.b*", "*", "*.*", "a*b"])
def test_wrong_paths_are_refused(name: str) -> None:
    """A path that cannot mean anything is an error at set-up, which names it."""
    with pytest.raises(ConfigError, match="keys"):
        Redactor(keys=[name])


NAMES = st.sampled_from(["user", "name", "headers", "x"])


@given(
    st.recursive(
        st.text(max_size=3), lambda inner: st.dictionaries(NAMES, inner) | st.lists(inner), max_leaves=12
    )
)
def test_gate_and_redactor_agree_on_places(value: Any) -> None:
    """A log line and `redact()` hide the same, and twice is once."""
    redactor = Redactor(keys=["user.name", "headers.*"])
    shown = redactor({"value_": value})
    assert obskit.gate.Gate(redactor).fields({"value_": value}) == shown
    assert redactor(shown) is shown
