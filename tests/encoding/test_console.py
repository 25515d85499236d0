"""The format for people: readable at a glance, and no text can steer the terminal."""

from __future__ import annotations

import io
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import obskit
from obskit.encoding.console import encode_console, wants_colour
from obskit.environment import Environment
from obskit.errors import ConfigError
from obskit.event import SafeEvent, SafeFields
from obskit.testing import FakeClock
from tests.strategies import any_text, json_scalars

COLOUR = re.compile("\x1b\\[(?:1|2|31|32|33|36|97;41)?m")


def event(**parts: Any) -> SafeEvent:
    """Make a safe event of which only *parts* matter."""
    usual: dict[str, Any] = {
        "time_ns": 1_700_000_000_123_456_789,
        "level": 20,
        "msg": "ready",
        "fn": "main",
        "logger": "bot",
        "context": {},
        "fields": {},
        "error": None,
        "stack": None,
        "event": None,
    }
    return SafeEvent(SafeFields(**{**usual, **parts}))


def shown(*, colour: bool = False, **parts: Any) -> str:
    """Encode an event of which only *parts* matter."""
    return encode_console(event(**parts), colour=colour).decode()


any_json = st.recursive(
    json_scalars | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
fields = st.dictionaries(any_text, any_json, max_size=4)
events = st.builds(
    event,
    level=st.integers(-5, 70),
    msg=any_text,
    fn=any_text,
    logger=st.none() | any_text,
    context=st.dictionaries(st.sampled_from(["trace_id", "user_id", "cmd"]), any_json),
    fields=fields,
    error=st.just("x"),
    stack=st.none() | st.lists(any_text, max_size=40).map("\n".join),
    event=st.none() | any_text,
)


def test_a_line_has_time_level_logger_message_and_fields() -> None:
    """In columns, so that the eye finds them."""
    context = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "cmd": "/order"}
    values = {"article": "desk lamp", "found": 3, "tags": ["a", "b"], "left": None}
    assert shown(fields=values, context=context) == (
        "22:13:20.123Z info     bot          ready                            "
        'article="desk lamp" found=3 tags=["a", "b"] left=null trace_id=0af76519 cmd=/order\n'
    )


def test_a_line_without_fields_ends_with_its_message() -> None:
    """Nothing is padded to no purpose; a nameless logger shows the function."""
    assert shown(logger=None) == "22:13:20.123Z info     main         ready\n"


def test_a_stack_stands_below_indented() -> None:
    """No line of it can be taken for another event."""
    stack = "Traceback:\n  File x\nValueError: no\n22:13:20.123Z info forged"
    first, *rest = shown(stack=stack, event="uncaught").splitlines()
    assert first.endswith("event=uncaught")
    assert rest == [f"    {line}" for line in stack.split("\n")]


def test_a_long_stack_is_folded() -> None:
    """Its two ends tell most."""
    lines = shown(stack="\n".join(map(str, range(100)))).splitlines()
    assert lines[1:8] == ["    0", "    1", "    2", "    3", "    4", "    5", "      [... 76 more lines]"]
    assert lines[8:] == [f"    {number}" for number in range(82, 100)]


@pytest.mark.parametrize(("level", "code"), [(10, "36"), (20, "32"), (30, "33"), (40, "31"), (50, "97;41")])
def test_each_level_has_its_colour(level: int, code: str) -> None:
    """And the colour ends with the word."""
    assert f"\x1b[{code}m" in shown(colour=True, level=level)
    assert COLOUR.sub("", shown(colour=True, level=level)) == shown(level=level)


@pytest.mark.parametrize(
    ("attack", "harmless"),
    [
        ("\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),
        ("\x1b]8;;https://example.org\x07click\x1b]8;;\x07", "\\x1b]8;;https://example.org\\x07click"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;"),
        ("\x1bPq#0;2\x1b\\", "\\x1bPq"),
        ("\x9b31m", "\\x9b31m"),
        ("ok\rforged", "ok\\rforged"),
        ("ok\nforged", "ok\\nforged"),
        ("ok\u2028forged", "ok\\u2028forged"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
)
def test_an_escape_is_shown_instead_of_obeyed(attack: str, harmless: str) -> None:
    """In every part of the line."""
    line = shown(msg=attack, logger=attack, fields={attack: attack}, stack=attack, event=attack)
    assert harmless in line
    assert attack not in line
    assert line.count("\n") == 2 + attack.count("\n")


def test_what_people_write_stays_as_it_is() -> None:
    """Emoji with joiners, right-to-left letters and accents are no attack."""
    family = (
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u05e9\u05dc\u05d5\u05dd \u0646\u06cc\u200c\u062f e\u0301"
    )
    assert family in shown(msg=family)


@given(events, st.booleans())
def test_no_control_character_but_our_own(happened: SafeEvent, colour: bool) -> None:
    """Whatever is logged, the terminal gets line breaks, our colours and visible text."""
    data = encode_console(happened, colour=colour)
    text = data.decode()
    plain = COLOUR.sub("", text) if colour else text
    assert plain.endswith("\n")
    assert not {
        character for character in plain if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")
    } - {"\n"}
    assert all(line.startswith("    ") for line in plain.split("\n")[1:-1])
    assert plain == encode_console(happened, colour=False).decode()


@given(events, st.booleans(), st.integers(0, 3_000))
def test_no_event_is_larger_than_allowed(happened: SafeEvent, colour: bool, size: int) -> None:
    """What does not fit is cut between characters and counted."""
    large = SafeEvent(happened._replace(msg=happened.msg + "\u00e9" * size, fields={"x": "y" * size}))
    data = encode_console(large, colour=colour, limit=1_000)
    assert len(data) <= 1_000
    text = COLOUR.sub("", data.decode()) if colour else data.decode()
    assert "\x1b" not in text
    assert (len(data) < len(encode_console(large, colour=colour))) == ("bytes cut]" in text)


@pytest.mark.parametrize(
    ("variables", "is_terminal", "windows", "wanted"),
    [
        ({}, True, False, True),
        ({}, False, False, False),
        ({"NO_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": ""}, True, False, True),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False, False),
        ({"TERM": "dumb"}, True, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, False, True),
        ({}, True, True, False),
        ({"WT_SESSION": "x"}, True, True, True),
        ({"TERM": "xterm"}, True, True, True),
    ],
)
def test_colour_is_chosen_as_other_programs_do(
    variables: dict[str, str], is_terminal: bool, windows: bool, wanted: bool
) -> None:
    """The user's word counts before what the output is."""
    assert wants_colour(Environment(variables), is_terminal=is_terminal, windows=windows) is wanted


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It says so."""
        return True


def configured(output: Any, **settings: Any) -> obskit.Runtime:
    """Set up a program that installs nothing, with a known clock."""
    return obskit.configure(output=output, clock=FakeClock(), capture_logging=False, hooks=False, **settings)


@pytest.mark.parametrize("chosen", ["argument", "environment"])
def test_the_format_is_chosen_by_name(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In code or by `OBSKIT_FORMAT`; a stream that is no terminal gets no colours."""
    if chosen == "environment":
        monkeypatch.setenv("OBSKIT_FORMAT", "console")
    output = io.StringIO()
    with configured(output, format="console" if chosen == "argument" else None):
        obskit.get_logger("bot").info("ready", guilds=2)
    assert (
        output.getvalue() == "22:13:20.000Z info     bot          ready                            guilds=2\n"
    )


def test_a_terminal_alone_does_not_change_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are JSON until somebody asks for something else."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    output = Terminal()
    with configured(output):
        obskit.get_logger().info("ready")
    assert output.getvalue().startswith("{")


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment does not speak against it."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    output = Terminal()
    with configured(output, format="console"):
        obskit.get_logger().info("ready")
    assert "\x1b[32minfo" in output.getvalue()


def test_the_wrong_format_is_a_clear_error() -> None:
    """The error names the choices."""
    with pytest.raises(ConfigError, match="format must be one of json, console, got 'pretty'"):
        obskit.configure(format="pretty")


@pytest.mark.parametrize("output", [None, io.BytesIO(), "file.log"])
def test_any_output_takes_the_format(output: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a replaced stdout, a closed one, or a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdout", None)
    with configured(output, format="console"):
        obskit.get_logger().info("ready")
