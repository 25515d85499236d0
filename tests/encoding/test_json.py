"""Finished fields become one strict line within its size."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.encoding.json import MINIMUM_LINE_BYTES, Dumps, dumps, encode_line
from tests.strategies import any_text, json_values

both = pytest.mark.parametrize("dumps", [dumps, orjson.dumps], ids=["json", "orjson"])
lines = st.dictionaries(any_text, json_values | st.text(max_size=4_000), max_size=60)


def read_strictly(line: bytes) -> dict[str, Any]:
    """Read *line* as a consumer does that accepts nothing beyond the standard."""

    def refuse(constant: str) -> object:
        raise AssertionError(constant)

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    text = line.decode()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    values: dict[str, Any] = json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
    return values


@both
@given(values=lines)
def test_every_line_is_strict_json_in_one_piece(values: dict[str, Any], dumps: Dumps) -> None:
    """Whatever the fields hold, a strict reader gets one object from one line."""
    read_strictly(encode_line(values, dumps=dumps))


@both
@given(values=lines, limit=st.integers(MINIMUM_LINE_BYTES, 8_000))
def test_no_line_exceeds_its_limit(values: dict[str, Any], limit: int, dumps: Dumps) -> None:
    """The limit counts bytes, line break included."""
    line = encode_line(values, dumps=dumps, limit=limit)
    assert len(line) <= limit
    read_strictly(line)


@given(st.dictionaries(st.text(max_size=10), json_values, max_size=5))
def test_fields_of_a_short_line_arrive_unchanged(values: dict[str, Any]) -> None:
    """What fits is neither cut nor altered."""
    line = encode_line(values, limit=100_000)
    assert read_strictly(line) == values


@both
def test_a_large_field_is_named_though_its_name_is_no_utf_8(dumps: Dumps) -> None:
    """A lone surrogate in a name does not keep a line from being cut."""
    line = encode_line({"a\ud800": "x" * 2_000}, dumps, MINIMUM_LINE_BYTES)
    assert read_strictly(line)["_truncated"]["fields"] == ["a\ufffd"]


def test_a_line_that_is_too_long_keeps_its_small_fields() -> None:
    """The large field is cut, and the line says how much of it is missing."""
    values: dict[str, Any] = {"ts": "now", "msg": "failed", "dump": "x" * 5_000, "tail": 1}
    shown = read_strictly(encode_line(values, limit=1_000))
    assert (shown["ts"], shown["msg"], shown["tail"]) == ("now", "failed", 1)
    assert shown["dump"] == "x" * len(shown["dump"])
    assert shown["_truncated"]["fields"] == ["dump"]
    assert shown["_truncated"]["bytes"] + len(shown["dump"]) == pytest.approx(5_000, abs=20)


def test_a_structure_that_is_too_long_shows_its_beginning() -> None:
    """A cut list becomes the beginning of its text."""
    shown = read_strictly(encode_line({"rows": list(range(2_000))}, limit=1_000))
    assert shown["rows"].startswith("[0,1,2,3")


def test_too_many_fields_are_counted() -> None:
    """The first fields stay, and the line tells how many do not."""
    shown = read_strictly(encode_line({f"field{n}": n for n in range(500)}, limit=1_000))
    assert shown["field0"] == 0
    assert shown["_truncated"]["left_out"] == 500 - (len(shown) - 1)


def test_a_name_longer_than_the_line_goes_with_its_field() -> None:
    """A field whose name alone is too long is left out, the others stay."""
    shown = read_strictly(encode_line({"n" * 5_000: 1, "msg": "here"}, limit=1_000))
    assert shown["msg"] == "here"
    assert shown["_truncated"]["left_out"] == 1
