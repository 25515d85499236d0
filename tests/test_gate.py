"""Whatever goes through the gate comes out plain and without secrets."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.encoding.budget import shorten
from obskit.encoding.plain import Conversion
from obskit.event import Bound
from obskit.gate import Gate
from obskit.redaction import Literals, Redactor
from tests.strategies import Hostile, any_text, any_value, json_values

SECRET = "xoxb-" + "1234567890-1234567890-" + "fakeFAKEfakeFAKEfakeFAKE"
GATE = Gate(Redactor())


@given(any_value)
def test_any_value_comes_out_as_json(value: object) -> None:
    """The gate raises nothing and gives what can be written."""
    json.dumps(GATE.value(value), allow_nan=False)


@given(st.dictionaries(any_text, any_value, max_size=4))
def test_fields_keep_their_number(fields: dict[str, object]) -> None:
    """No field gets lost on the way."""
    assert len(GATE.fields(fields)) == len(fields)


@given(before=any_text, after=any_text)
def test_a_secret_in_text_never_comes_out(before: str, after: str) -> None:
    """Text around it does not matter."""
    assert SECRET not in GATE.text(f"{before} {SECRET} {after}")


@given(
    st.dictionaries(
        st.sampled_from(["region", "value", "name", "n", "api_key"]) | any_text, any_value, max_size=4
    )
)
def test_the_quick_way_gives_what_the_thorough_one_gives(fields: dict[str, object]) -> None:
    """Fields that need no care come out as if every care had been taken."""
    GATE.fields(dict.fromkeys(fields))  # now the names are known
    assert GATE.fields(fields) == Conversion(GATE.redactor).value(fields)


@given(json_values)
def test_the_gate_hides_what_the_redactor_hides(value: object) -> None:
    """Plain values come out as the public `redact()` gives them."""
    assert GATE.value(value) == GATE.redactor(value)


def test_a_secret_registered_later_is_hidden_in_what_was_bound_earlier() -> None:
    """Fields that were made safe once are looked at again when the rules change."""
    literals = Literals()
    gate, bound = Gate(Redactor(literals=literals)), Bound({"place": "correct-horse-battery"})
    assert gate.bound(bound).others == {"place": "correct-horse-battery"}
    literals.register("correct-horse-battery")
    assert gate.bound(bound).others == {"place": "***"}
    assert gate.text("at correct-horse-battery") == "at ***"
    literals.unregister("correct-horse-battery")
    assert gate.bound(bound).others == {"place": "correct-horse-battery"}


def test_a_secret_is_hidden_before_a_text_is_cut() -> None:
    """The cut of a long message cannot save half a token."""
    for padding in range(3_900, 4_100, 7):
        error = GATE.error(ValueError("x" * padding + " " + SECRET))
        assert "fakeFAKE" not in error.message
        assert "fakeFAKE" not in error.stack


@pytest.mark.parametrize("before", range(9_960, 10_000, 7))
def test_no_secret_is_cut_in_half(before: int) -> None:
    """Where a text of any kind is cut, a secret that the cut goes through does not show its beginning."""
    literals = Literals()
    literals.register("correct-horse-battery-staple")
    gate = Gate(Redactor(literals=literals))
    text = "x " * ((290_000 + before) // 2) + "correct-horse-battery-staple"
    error = ValueError(text)
    error.add_note(text)
    for safe in (
        gate.text(text),
        str(gate.value([text, text.encode()])),
        str(gate.fields({"a": text, text: "b"})),
        str(gate.error(error)),
    ):
        assert "corr" not in safe


def test_the_name_of_an_exception_is_made_safe() -> None:
    """Also those of what caused it: traces and alerts show them."""
    kind = type(SECRET, (Exception,), {})
    error = kind("x")
    error.__cause__ = kind("y")
    assert SECRET not in str(GATE.error(error))
    assert SECRET not in str(GATE.value([kind, kind()]))


def test_a_text_that_is_none_is_shown() -> None:
    """What is given instead of text becomes text."""
    assert GATE.text(42) == "42"
    assert GATE.text(Hostile(ValueError("no"))) == "[unreadable Hostile: ValueError]"


@given(st.text(), st.integers(40, 200))
def test_shortening_keeps_both_ends(text: str, limit: int) -> None:
    """The result fits, and short text stays as it is."""
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        assert text.startswith(short[:4])
        assert text.endswith(short[-4:])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"name": "Authorization", "value": "letmein-12345"}, {"name": "Authorization", "value": "***2345"}),
        ({"name": "colour", "value": "red"}, {"name": "colour", "value": "red"}),
        ({"key": "Authorization", "value": "letmein-12345"}, {"key": "Authorization", "value": "***2345"}),
        ({"Key": "Name", "Value": "web-1"}, {"Key": "Name", "Value": "web-1"}),
        (("password", "hunter2!"), ["password", "***"]),
        (("colour", "red"), ["colour", "red"]),
        ({"a": ["password", "hunter2!x1"]}, {"a": ["password", "***"]}),
    ],
)
def test_a_value_beside_a_secret_name_is_hidden(value: object, expected: object) -> None:
    """Headers come as pairs and as named values, not only as fields."""
    assert GATE.value(value) == expected


def test_a_long_text_and_a_secret_name_are_no_trouble() -> None:
    """What is not quick is done thoroughly."""
    long = "word " * 4_000
    assert GATE.fields({"note": long}) == {"note": long}
    assert SECRET not in str(GATE.fields({SECRET: 1}))


def test_names_that_are_no_text_take_the_thorough_way() -> None:
    """A mapping handed over as extra fields may have any keys."""
    assert GATE.fields({1: "a", "b": 2}) == {"1": "a", "b": 2}  # type: ignore[dict-item]


def test_what_a_signal_handler_raises_passes_the_gate() -> None:
    """An exit or a timeout is not an error of the value that was being read."""

    def give_up(number: int, frame: object) -> None:
        raise TimeoutError

    class Interrupted:
        def __repr__(self) -> str:
            give_up(15, sys._getframe())
            return ""

    class Broken(Exception):
        def __str__(self) -> str:
            give_up(15, sys._getframe())
            return ""

    class Detector:
        def find(self, text: str, /) -> list[tuple[int, int, str]]:
            give_up(15, sys._getframe())
            return []

    with pytest.raises(TimeoutError):
        Gate(Redactor(detectors=[Detector()])).fields({"note": "some longer text"})
    with pytest.raises(TimeoutError):
        GATE.value(Interrupted())
    with pytest.raises(TimeoutError):
        GATE.error(Broken())


@pytest.mark.parametrize("at", ["text", ["list"], {"deeper": "dict"}])
def test_a_very_long_text_takes_the_thorough_way(at: object) -> None:
    """It is kept whole wherever it stands, and so is what stands beside it."""
    long = "word " * 3_000
    value = {"text": long, "list": [long, 1, 2], "deeper": {"dict": long}}
    assert GATE.fields({"value": value, "at": at}) == {"value": value, "at": at}


def nested(depth: int) -> dict[str, object]:
    """Make dicts inside of dicts."""
    value: dict[str, object] = {"end": 1}
    for _ in range(depth):
        value = {"in": value}
    return value


@pytest.mark.parametrize("value", [nested(12), {f"n{number}": number for number in range(600)}])
def test_a_deep_or_wide_value_takes_the_thorough_way(value: object) -> None:
    """It comes out whole."""
    assert GATE.fields({"value": value}) == {"value": value}


def test_what_is_nested_too_deep_for_the_quick_way_is_made_safe_all_the_same() -> None:
    """The thorough way cuts it where it must, and hides what is secret on the way."""
    nested: dict[str, Any] = {"api_key": "not-a-real-key-0001"}
    for _ in range(20):
        nested = {"inside": nested}
    assert "not-a-real" not in str(Gate(Redactor()).fields(nested))


def test_a_pair_of_name_and_value_is_judged_by_the_name() -> None:
    """Its ``key`` is no secret, and its ``value`` is one where the key says so."""
    gate = Gate(Redactor())
    colour: Any = gate.value([{"key": "colour", "value": "red"}])
    password: Any = gate.value([{"key": "password", "value": "not-real"}])
    assert colour == [{"key": "colour", "value": "red"}]
    assert password == [{"key": "password", "value": "***"}]
