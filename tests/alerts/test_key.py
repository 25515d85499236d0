"""Two occurrences of one failure are one incident; two failures are two."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.alerts import DEFAULT, Alert
from obskit.alerts.key import _origin, incident_key, normalised
from tests.alerts.messages import alert, hostile_alerts
from tests.alerts.pairs import DIFFERENT, HELD_OUT_DIFFERENT, HELD_OUT_SAME, SAME, pairs
from tests.strategies import any_text


@pytest.mark.parametrize(("first", "second"), pairs(SAME))
def test_what_every_occurrence_has_anew_does_not_tell_failures_apart(first: str, second: str) -> None:
    """Ids, times, sizes, ports and quoted values are left out of the key."""
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(("first", "second"), pairs(DIFFERENT))
def test_two_failures_stay_two(first: str, second: str) -> None:
    """A status code, a host or a small number may be all the difference."""
    assert normalised(first) != normalised(second)


def test_what_no_rule_was_made_for_is_merged_and_kept_apart_as_well() -> None:
    """Of messages that were held out, 99 % of the pairs are judged right and no failure hides another."""
    same, different = pairs(HELD_OUT_SAME), pairs(HELD_OUT_DIFFERENT)
    assert len([*pairs(SAME), *pairs(DIFFERENT), *same, *different]) >= 300
    assert sum(normalised(first) == normalised(second) for first, second in same) >= 0.99 * len(same)
    assert [pair for pair in different if normalised(pair[0]) == normalised(pair[1])] == []


def test_no_two_of_all_failures_are_one() -> None:
    """Whatever two different failures are taken, they have two keys."""
    groups = [*SAME, *HELD_OUT_SAME]
    kinds = [{normalised(message) for message in group} for group in groups]
    assert not [pair for pair in combinations(range(len(groups)), 2) if kinds[pair[0]] & kinds[pair[1]]]


@given(any_text)
def test_normalising_never_raises_and_settles(text: str) -> None:
    """Any text has a normal form."""
    assert isinstance(normalised(text), str)


@pytest.mark.parametrize(
    "piece", ["a", "1", "a.", "a@", "'", "f0-", "http://", "12:", "1.1", "- ", "id=", "\\", "/1"]
)
def test_normalising_takes_linear_time(piece: str) -> None:
    """No message, however made, holds up the caller."""
    begin = time.perf_counter()
    normalised(piece * 100_000)
    assert time.perf_counter() - begin < 0.25


def boom_here() -> None:
    """Raise in one place."""
    raise ValueError("boom")


def boom_there() -> None:
    """Raise the same in another place."""
    raise ValueError("boom")


def caught(function: Callable[[], None]) -> BaseException:
    """Return what *function* raises."""
    try:
        function()
    except ValueError as error:
        return error
    raise AssertionError


def key(what: Alert, service: str = "orders") -> str:
    """The incident key by the usual rule."""
    return incident_key(what, service=service)


def test_ids_of_the_occurrence_are_no_part_of_the_key() -> None:
    """Trace id, links, fields, severity and the words of the cause differ from time to time."""
    first = alert(
        trace_id="a" * 32, links={"Run": "https://e/1"}, fields={"n": 1}, root_cause="reset by peer"
    )
    second = alert(severity="critical", trace_id="b" * 32, root_cause="timeout")
    assert key(first) == key(second)
    assert len(key(first)) == 64


def test_type_and_place_of_the_exception_are_part_of_the_key() -> None:
    """The same words from two places are two failures; from one place one."""
    here, again, there = caught(boom_here), caught(boom_here), caught(boom_there)
    assert key(alert(root_cause=here)) == key(alert(root_cause=again))
    keys = {key(alert(root_cause=cause)) for cause in (here, there, ValueError(), KeyError(), None)}
    assert len(keys) == 5


def test_the_service_is_part_of_the_key() -> None:
    """Two services that share a dedupe store do not silence each other."""
    assert key(alert(), "orders") != key(alert(), "billing")


def test_a_fingerprint_overrides_everything_but_the_service() -> None:
    """Who names the incident decides."""
    assert key(alert("a", fingerprint="db")) == key(alert("b", fingerprint="db"))
    assert key(alert("a", fingerprint="db")) != key(alert("a", fingerprint="disk"))


def test_a_fingerprint_of_parts_may_build_on_the_usual_rule() -> None:
    """DEFAULT stands for what the key would be; the other parts tell more failures apart."""
    first, second = (key(alert("a", fingerprint=[DEFAULT, tenant])) for tenant in ("x", "y"))
    assert len({first, second, key(alert("a")), key(alert("b", fingerprint=(DEFAULT, "x")))}) == 4
    assert first == key(alert("a", fingerprint=[DEFAULT, "x"], trace_id="b" * 32))
    assert key(alert("a", fingerprint=["x", "y"])) == key(alert("b", fingerprint=["x", "y"]))
    assert key(alert("a", fingerprint=["x", "y"])) != key(alert("a", fingerprint=["xy"]))


def test_labels_tell_incidents_apart() -> None:
    """Their order does not matter, and no labels are the same as none."""
    keys = {key(alert(labels=labels)) for labels in ({"tenant": "a"}, {"tenant": "b"}, {}, None)}
    assert len(keys) == 3


def test_the_place_is_a_function_of_the_application() -> None:
    """Where a library raises, the function of ours that called it counts; without one, the library's."""

    def parse() -> object:
        return json.loads("{")

    def load() -> object:
        return json.loads("[")

    def origin(function: Callable[[], object]) -> tuple[str, str]:
        try:
            function()
        except ValueError as error:
            return _origin(error)
        raise AssertionError

    assert [place.rpartition(".")[2] for _, place in map(origin, (parse, load))] == ["parse", "load"]
    bare = origin(partial(json.loads, "{"))
    assert bare[1].endswith("origin")


def test_parts_do_not_run_into_one_another() -> None:
    """Plain concatenation would merge these."""
    rule = ("message", "trace_id")
    first, second = alert("disk full ", trace_id="1abc"), alert("disk full 1", trace_id="abc")
    assert incident_key(first, service="s", rule=rule) != incident_key(second, service="s", rule=rule)


@given(hostile_alerts, st.sampled_from([None, ("severity", "message", "trace_id"), lambda what: what.fields]))
def test_any_alert_has_a_key(what: Alert, rule: object) -> None:
    """Also with values whose own code raises."""
    assert len(incident_key(what, service="s", rule=rule)) == 64  # type: ignore[arg-type]
