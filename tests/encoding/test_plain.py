"""Any value becomes JSON values."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from uuid import UUID

import pytest
from hypothesis import given

from obskit.encoding.budget import Budget
from obskit.encoding.plain import Rules, plain
from obskit.redaction import Redactor
from tests.strategies import Hostile, LyingDict, any_value, json_values


class Colour(Enum):
    """An enum of text."""

    RED = "red"


class Number(IntEnum):
    """An enum of numbers."""

    ONE = 1


@dataclass
class Point:
    """A dataclass."""

    x: int
    y: object


class Model:
    """Something with the method that pydantic models have."""

    def model_dump(self) -> dict[str, object]:
        """Return the fields."""
        return {"a": 1}


class Attribute:
    """Describes a field as attrs does."""

    def __init__(self, name: str) -> None:
        self.name = name


class AttrsLike:
    """A class as attrs makes it."""

    __attrs_attrs__ = (Attribute("left"), Attribute("gone"))

    def __init__(self) -> None:
        self.left = 1


class Pair(NamedTuple):
    """A named tuple."""

    first: int
    second: int


class Text(str):
    """Text that shows itself as something else."""

    __slots__ = ()

    def __str__(self) -> str:
        return "lie"

    __repr__ = __str__


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (math.inf, "Infinity"),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (b"caf\xc3\xa9 \xff", "café \\xff"),
        (bytearray(b"x"), "x"),
        (memoryview(b"xy"), "xy"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=1), 60.0),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (Colour.RED, "red"),
        (Number.ONE, 1),
        (Text("true"), "true"),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (deque([1]), [1]),
        (OrderedDict(a=1), {"a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Point(1, [2]), {"x": 1, "y": [2]}),
        (Pair(1, 2), {"first": 1, "second": 2}),
        (Model(), {"a": 1}),
        (AttrsLike(), {"left": 1, "gone": "[missing]"}),
        (ValueError("broken"), "ValueError: broken"),
        (ValueError(), "ValueError"),
        (ValueError, "builtins.ValueError"),
        (range(2), "range(0, 2)"),
        ({1: "a", "1": "b", None: "c", (2,): "d"}, {"1": "a", "1#2": "b", "None": "c", "[2]": "d"}),
        ({"1": "a", "1#2": "b", 1: "c"}, {"1": "a", "1#2": "b", "1#3": "c"}),
        ({Text("true"): 1}, {"true": 1}),
        (LyingDict(a=1), "[unreadable LyingDict: TypeError]"),
        (Hostile(SystemExit()), "[unreadable Hostile: SystemExit]"),
    ],
)
def test_each_kind_of_value_has_one_documented_form(value: object, expected: object) -> None:
    """What a value becomes depends on its type alone."""
    assert plain(value) == expected


@given(json_values)
def test_json_values_stay_as_they_are(value: object) -> None:
    """What is plain already is not touched."""
    assert plain(value) == value


@given(any_value)
def test_whatever_goes_in_strict_json_comes_out(value: object) -> None:
    """The result can be written as strict JSON, with no key twice."""

    def no_twin(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    json.loads(json.dumps(plain(value), allow_nan=False), object_pairs_hook=no_twin)


@given(any_value)
def test_the_value_itself_is_read_only(value: object) -> None:
    """Two conversions of one value give the same: the first did not use anything up."""
    assert plain(value) == plain(value)


def test_an_integer_that_python_refuses_to_print_is_described() -> None:
    """A number of 5,000 digits becomes its size."""
    assert plain(10**5000) == "[int of 16610 bits]"


def test_a_generator_is_not_consumed() -> None:
    """Logging a generator leaves all its items to the program."""
    numbers = (number for number in range(3))
    plain({"numbers": numbers})
    assert list(numbers) == [0, 1, 2]


def test_a_cycle_is_marked_where_it_closes() -> None:
    """An object inside itself is named, and its siblings are there."""
    knot: dict[str, Any] = {"a": 1}
    knot["self"] = knot
    assert plain(knot) == {"a": 1, "self": "[cycle]"}


def test_the_same_object_twice_is_no_cycle() -> None:
    """Shared but not cyclic values are shown in each place."""
    shared = [1]
    assert plain([shared, shared]) == [[1], [1]]


def test_nesting_without_end_is_cut() -> None:
    """A list 100,000 levels deep becomes a short one."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(json.dumps(plain(deep))) < 200


def test_shared_nodes_cannot_blow_up() -> None:
    """Ten references per level, thirty levels: the budget of nodes ends it."""
    knot: list[object] = []
    for _ in range(30):
        knot = [knot] * 10
    assert len(json.dumps(plain(knot, budget=Budget(depth=40)))) < 2_000_000


@given(any_value)
def test_no_container_and_no_text_exceeds_the_budget(value: object) -> None:
    """Whatever is cut says how much is missing."""
    shown = plain([value], budget=Budget(items=2, text=10, short=0, margin=0))

    def check(node: object) -> None:
        if isinstance(node, dict):
            assert len(node) <= 3
            for item in node.values():
                check(item)
        elif isinstance(node, list):
            assert len(node) <= 3
            for item in node:
                check(item)

    check(shown)


def test_what_was_cut_is_told() -> None:
    """Long text and long containers end in a note."""
    budget = Budget(items=2, text=3, short=0, margin=0)
    assert plain("abcdef", budget=budget) == "abc[+3 characters]"
    assert plain([1, 2, 3], budget=budget) == [1, 2, "[+1 more]"]
    assert plain({"a": 1, "b": 2, "c": 3}, budget=budget) == {"a": 1, "b": 2, "...": "[+1 more]"}


def test_a_huge_value_does_not_take_the_place_of_its_siblings() -> None:
    """Containers are read level by level until there is no room for more values."""
    wide, budget = [[number] for number in range(50)], Budget(nodes=60)
    shown = cast("dict[str, Any]", plain({"wide": wide, "small": {"n": 1}}, budget=budget))
    assert shown["small"] == {"n": 1}
    assert shown["wide"][0] == [0]
    assert shown["wide"][-1] == ["[+1 more]"]
    assert plain([Point(1, [2]), [3]], budget=Budget(nodes=4)) == [
        {"x": 1, "y": ["[+1 more]"]},
        ["[+1 more]"],
    ]
    assert plain([Point(1, 2)], budget=Budget(nodes=2)) == [{"x": 1, "...": "[+1 more]"}]


def test_records_keep_to_the_budget() -> None:
    """Of a million of them, which are one object each level, what is near is shown."""
    record: object = 1
    for _ in range(10):
        record = Point(cast("Any", record), cast("Any", [record, record]))
    shown = plain({"record": record, "user": {"name": "ada"}})
    assert len(str(shown)) < 1_000_000
    assert cast("dict[str, Any]", shown)["user"] == {"name": "ada"}


def test_a_large_dict_in_many_places_is_copied_in_few() -> None:
    """Where there is no room for its entries, it is only counted."""
    large = dict.fromkeys(range(300_000))
    start = monotonic()
    shown = cast("list[list[Any]]", plain([[large] * 50] * 100))
    assert monotonic() - start < 10
    assert shown[0][0]["..."] == "[+299000 more]"
    assert shown[-1][-1] == {"...": "[+300000 more]"}


def test_texts_share_a_budget_and_short_ones_are_never_cut() -> None:
    """Twenty long texts take no more time than a few, and what stands beside them is whole."""
    shown = cast("list[str]", plain(["x" * 300_000] * 20 + ["y" * 200]))
    assert shown[0] == "x" * 300_000
    assert sum(map(len, shown)) < 610_000
    assert shown[1].endswith("[+160000 characters]")
    assert shown[-2:] == ["[+300000 characters]", "y" * 200]


def test_a_name_that_is_too_long_is_cut() -> None:
    """What its value is tells the end of it, which is looked at before."""
    [(name, value)] = cast(
        "dict[str, str]", plain({"x" * 400_000 + "_password": "hunter2"}, Redactor())
    ).items()
    assert name.endswith("x[+110009 characters]")
    assert value == "***"


def test_long_names_share_the_budget_of_texts() -> None:
    """Ten thousand of them do not make an event of megabytes."""
    names = {"y" * 900 + str(number): number for number in range(1_000)}
    assert len(str(plain([names] * 9))) < 1_000_000


def test_rules_that_fail_hide_the_container() -> None:
    """What they were not asked about does not come out, and its siblings do."""

    class Failing(Rules):
        def paired(self, name: str, value: str, /, *, is_loose: bool) -> str:
            raise RecursionError

    note = "[unreadable: RecursionError]"
    assert plain({"a": ["b", "c"], "d": 1}, Failing()) == {"a": [note], "d": 1}

    class FailingEarlier(Failing):
        def name(self, name: str, around: object = None, /) -> tuple[None, str]:
            raise RecursionError

    assert plain([{"a": 1}, 2], FailingEarlier()) == [{"...": note}, 2]


def test_a_foreign_mapping_is_read_like_a_dict() -> None:
    """Anything that keeps the contract of Mapping counts as one."""

    class Settings(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return {"a": 1}[key]

        def __iter__(self) -> Any:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert plain(Settings()) == {"a": 1}


def test_an_interrupt_is_not_held_back() -> None:
    """Ctrl-C while a value is being read ends the program, as it should."""
    with pytest.raises(KeyboardInterrupt):
        plain(Hostile(KeyboardInterrupt()))
