"""The quick way to a line gives what the general way gives."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from obskit.context import Scope
from obskit.encoding.json import Dumper, Dumps, dumps, encode_line
from obskit.encoding.quick import NotQuick
from obskit.encoding.schemas import SCHEMAS
from obskit.event import CONTEXT_FIELDS, Bound, Event
from obskit.gate import Gate
from obskit.logs.pipeline import secured
from obskit.logs.quick import QuickLine
from obskit.redaction import Literals, Redactor
from tests.strategies import Hostile, any_text, any_value, json_scalars

LITERALS = Literals()
GATE = Gate(Redactor(literals=LITERALS))
QUICK: dict[Dumps, QuickLine] = {
    encoder: QuickLine(GATE, "shop", Dumper(encoder)) for encoder in (dumps, orjson.dumps)
}

names = (
    st.sampled_from(["region", "n", "api_key", "level", "msg", "value", "name", *CONTEXT_FIELDS]) | any_text
)
plain_fields = st.dictionaries(names, json_scalars | any_text | st.floats() | st.booleans(), max_size=5)
fields = plain_fields | st.dictionaries(names, any_value, max_size=3)


def event(msg: str = "x", *, level: int = 20, **more: Any) -> Event:
    """Make an event with one scope and the given rest."""
    bound = more.pop("bound", (Scope({}, None, None),))
    return Event(
        1_700_000_000_000_000_001,
        level,
        msg,
        "call",
        more.pop("logger", None),
        bound,
        more.pop("fields", {}),
        **more,
    )


def general(one: Event, encoder: Dumps) -> dict[str, Any]:
    """Read the line that the general way makes."""
    line: dict[str, Any] = json.loads(encode_line(SCHEMAS["default"](secured(one, GATE), "shop"), encoder))
    return line


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Make an event of any content."""
    return event(
        draw(any_text),
        level=draw(st.sampled_from([10, 20, 25, 50])),
        logger=draw(st.none() | any_text),
        bound=(Scope(draw(plain_fields), None, None), Bound(draw(plain_fields))),
        fields=draw(fields),
    )


@pytest.mark.parametrize("encoder", [dumps, orjson.dumps], ids=["json", "orjson"])
@given(one=events())
@example(one=event("\u2028", fields={"n": 1}))
@example(
    one=event("x", fields={"n": True}, bound=(Scope({"trace_id": "t"}, None, None), Bound({"region": "eu"})))
)
def test_the_quick_line_is_the_general_line(encoder: Dumps, one: Event) -> None:
    """The same fields in the same order, or nothing, the first time and when all is known already."""
    for _ in range(2):
        try:
            line = QUICK[encoder].line(one)
        except (NotQuick, LookupError, ValueError, TypeError):
            return
        assert list(json.loads(line).items()) == list(general(one, encoder).items())
        assert len(line.decode().splitlines()) == 1


def test_a_common_event_takes_the_quick_way() -> None:
    """What most programs log most of the time is not left to the general way."""
    scope = Scope({"trace_id": "ab" * 16, "cmd": "/x"}, None, None)
    one = event(
        "done",
        bound=(scope, Bound({"component": "api"})),
        fields={"n": 1, "ms": 1.5, "ok": True, "region": "eu"},
    )
    assert QUICK[dumps].line(one)


@pytest.mark.parametrize(
    "uncommon",
    [
        {"level": 25},
        {"msg": "x" * 20_000},
        {"fields": {"level": "x"}},
        {"fields": {"a": 1}, "bound": (Scope({"a": 2}, None, None),)},
        {"bound": (Scope({"a": 2}, None, None), Bound({"user_id": "1"}))},
        {"fields": {f"name{n}": "x" * 1_000 for n in range(400)}},
    ],
)
def test_an_uncommon_event_is_left_to_the_general_way(uncommon: dict[str, Any]) -> None:
    """Unknown levels, names in two places and lines that must be cut need the care of the general way."""
    with pytest.raises((NotQuick, KeyError)):
        QUICK[dumps].line(event(**uncommon))


def test_a_secret_registered_later_is_hidden_on_the_quick_way_too() -> None:
    """What was found innocent is looked at again when the rules change."""
    one = event(
        "at correct-horse",
        bound=(Scope({"place": "correct-horse"}, None, None),),
        fields={"to": "correct-horse"},
    )
    QUICK[dumps].line(one)
    QUICK[dumps].line(one)
    LITERALS.register("correct-horse")
    try:
        assert b"horse" not in QUICK[dumps].line(one)
    finally:
        LITERALS.unregister("correct-horse")


def test_functions_and_loggers_are_not_remembered_for_ever() -> None:
    """A program that makes a logger per request gets right lines and a bounded memory."""
    quick = QuickLine(GATE, "shop", Dumper())
    for number in range(1_500):
        one = event(logger=f"request-{number}")._replace(fn=f"f{number}")
        line = json.loads(quick.line(one))
        assert (line["logger"], line["fn"]) == (one.logger, one.fn)
    assert len(quick._texts) <= 1_024


def test_a_registered_number_is_left_to_the_general_way() -> None:
    """Where the name of its field is known, a number is not looked at before it is written."""
    one = event("x", fields={"n": 1_234_567_890})
    QUICK[dumps].line(one)
    LITERALS.register("1234567890")
    try:
        assert json.loads(QUICK[dumps].line(one))["n"] == "***"
        with pytest.raises(NotQuick):
            QUICK[dumps].line(one)
    finally:
        LITERALS.unregister("1234567890")


@pytest.mark.parametrize("value", ["password=hunter2hunter2", 1 << 70, float("inf"), (1, 2)])
def test_a_name_that_is_known_does_not_vouch_for_its_value(value: object) -> None:
    """Secrets, numbers that JSON has no form for, and containers are looked at each time."""
    quick = QuickLine(GATE, "shop", Dumper())
    quick.line(event(fields={"n": 1}))
    one = event(fields={"n": value})
    assert json.loads(quick.line(one)) == general(one, dumps)


def test_bound_values_that_fail_are_left_to_the_general_way() -> None:
    """They may succeed the next time, so nothing is remembered of them."""
    one = event(bound=(Scope({"a": Hostile(ValueError("no"))}, None, None),))
    with pytest.raises(NotQuick):
        QUICK[dumps].line(one)


def test_a_name_that_becomes_a_bound_one_is_left_to_the_general_way() -> None:
    """A name that holds a secret is a marker on the line, and so may another one be."""
    one = event(fields={"ghp_" + "fake" * 9: 1}, bound=(Scope({general_name(): 2}, None, None),))
    with pytest.raises(NotQuick):
        QUICK[dumps].line(one)


def general_name() -> str:
    """Return how a name that holds a secret is shown."""
    *_, name = general(event(fields={"ghp_" + "fake" * 9: 1}), dumps)
    return name


def test_a_line_in_a_span_of_opentelemetry_is_left_to_the_general_way() -> None:
    """Its ids stand where ours would."""
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("work"), pytest.raises(NotQuick):
        QUICK[dumps].line(event())
