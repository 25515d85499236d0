"""Levels, identifiers and times."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.clock import isoformat
from obskit.environment import Environment
from obskit.errors import ConfigError, MissingExtra
from obskit.ids import get_trace_fingerprint, new_step_id, new_trace_id, parse_trace_id
from obskit.levels import level_name, parse_level


@pytest.mark.parametrize(
    ("name", "number"), [("debug", 10), ("INFO", 20), (" warn ", 30), ("warning", 30), (45, 45)]
)
def test_a_level_is_read_from_its_name_or_number(name: str | int, number: int) -> None:
    """Names count in any case; numbers are those of `logging`."""
    assert parse_level(name) == number


@pytest.mark.parametrize("wrong", ["loud", "", True, None, 1.5])
def test_an_unknown_level_names_the_choices(wrong: object) -> None:
    """The error says what was got and what is taken."""
    with pytest.raises(ConfigError, match=r"level must be one of debug, info, warn, error, critical, got"):
        parse_level(wrong)  # type: ignore[arg-type]


@given(st.integers(-100, 200))
def test_every_number_has_a_level_name(number: int) -> None:
    """A number between two levels goes by the lower one, one below all by debug."""
    assert parse_level(level_name(number)) <= max(number, 10)


def test_new_ids_are_w3c_ids() -> None:
    """Trace ids have 32, step ids 16 lowercase hex digits."""
    assert re.fullmatch("[0-9a-f]{32}", new_trace_id())
    assert re.fullmatch("[0-9a-f]{16}", new_step_id())


def test_a_new_id_is_read_as_itself() -> None:
    """What we make we accept."""
    made = new_trace_id()
    assert parse_trace_id(made) == made


@pytest.mark.parametrize(
    "wrong", [None, 3, "", "0" * 32, "g" * 32, "ab" * 15, "ab" * 17, "ab" * 16 + "\n", "a" * 10**6]
)
def test_a_bad_id_from_outside_is_none(wrong: object) -> None:
    """Nothing but a hex id or a UUID is taken."""
    assert parse_trace_id(wrong) is None


@given(st.uuids())
def test_a_uuid_becomes_its_digits(uuid: object) -> None:
    """Dashes and case do not matter."""
    expected = str(uuid).replace("-", "")
    assert parse_trace_id(str(uuid).upper()) == (expected if expected.strip("0") else None)


@pytest.mark.parametrize(
    ("trace_id", "short"), [("abcdef0123456789", "abcdef01"), ("", "unknown"), (None, "unknown")]
)
def test_a_fingerprint_is_eight_characters(trace_id: str | None, short: str) -> None:
    """What people quote is short, and there is always something to show."""
    assert get_trace_fingerprint(trace_id) == short


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_a_time_has_always_the_same_form(time_ns: int) -> None:
    """Microseconds and the offset are there even when they are zero."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", isoformat(time_ns))


def test_a_missing_extra_tells_what_to_type() -> None:
    """The message can be pasted into a shell."""
    error = MissingExtra("DiscordChannel", package="urllib3", extra="http")
    assert str(error) == 'DiscordChannel needs the package urllib3: run pip install "obskeeper[http]"'
    assert isinstance(error, ImportError)


@pytest.mark.parametrize("wrong", ["hunter2", "letMeIn", "token12345678", "x" * 40])
def test_an_error_of_set_up_shows_nothing_that_could_be_a_secret(wrong: str) -> None:
    """A secret may have been put into the place of something else."""
    with pytest.raises(ConfigError) as raised:
        parse_level(wrong, setting="OBSKIT_LEVEL")
    environment = Environment({"ENABLE_ALERTS": wrong, "ALERT_WINDOW_SECONDS": wrong})
    environment.flag("ENABLE_ALERTS")
    environment.seconds("ALERT_WINDOW_SECONDS", 300.0)
    for told, name in zip(
        [str(raised.value), *environment.notices],
        ["OBSKIT_LEVEL", "ENABLE_ALERTS", "ALERT_WINDOW_SECONDS"],
        strict=True,
    ):
        assert wrong not in told
        assert name in told
        assert f"text of {len(wrong)} characters" in told


def test_a_missing_extra_crosses_processes() -> None:
    """It is the same error after pickling, as in the worker of a pool."""
    error = MissingExtra("RedisTraceStore", package="redis", extra="redis")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.extra) == (MissingExtra, str(error), "redis")
