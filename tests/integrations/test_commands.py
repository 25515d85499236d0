"""What the integrations for bots have in common."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import obskit
from obskit.errors import ConfigError
from obskit.integrations import _commands
from obskit.integrations._commands import Command, log_once, refuse, report, spoken
from tests.integrations.bots import Observed, observed
from tests.traces.recorded import last

log = obskit.get_logger("bot")


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What comes out of the bot."""
    with observed() as seen:
        yield seen


@dataclass(frozen=True)
class FrozenError(Exception):
    """An exception that takes no attributes."""

    code: int


class WrappedError(Exception):
    """An exception as frameworks raise it, which names what it wraps, or itself."""

    original: BaseException


def test_an_error_is_logged_once_whoever_logs_it_again(seen: Observed) -> None:
    """Not by the integration, not by the framework, not by asyncio; others are left alone."""
    error = FrozenError(7)
    log_once("framework")
    with pytest.raises(FrozenError), Command(log, "outer"), Command(log, "inner"):
        raise error
    for name in ("framework", "asyncio"):
        logging.getLogger(name).error("ignoring an exception", exc_info=error)
    logging.getLogger("framework").error("no exception", exc_info=(None, None, None))
    logging.getLogger("framework").error("another", exc_info=LookupError())
    assert _commands._is_news(logging.makeLogRecord({"exc_info": True}))  # as some make them
    assert [line["msg"] for line in seen.stacks()] == ["inner failed", "another"]
    assert [line["msg"] for line in seen.lines(logger="framework")] == ["no exception", "another"]
    assert seen.ends() == [("inner", "error"), ("outer", "error")]


def test_a_command_is_over_also_where_telling_its_error_is_interrupted(
    seen: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C, or a handler that limits the time: the next command is not inside of this one."""

    def strike(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_commands, "report", strike)
    with pytest.raises(KeyboardInterrupt), Command(log, "/x"):
        raise ValueError
    assert obskit.current_trace() is None
    assert seen.ends() == [("/x", "error")]


def test_the_innermost_error_is_told(seen: Observed) -> None:
    """However often it is wrapped; a wrapper that wraps itself does no harm."""
    outer = WrappedError("outer")
    outer.original = WrappedError("middle")
    outer.original.original = LookupError("inner")
    round_about = WrappedError("round about")
    round_about.original = round_about
    report(log, "/a", outer)
    report(log, "/b", round_about)
    assert [line["error"] for line in seen.stacks()] == ["LookupError: inner", "WrappedError: round about"]


def test_what_was_refused_is_no_failure(seen: Observed) -> None:
    """The user finds the reason in the trace, which has not failed; the line is a warning."""
    reason = PermissionError("moderators only")
    with Command(log, "/ban", 42):
        refuse(log, "/ban", reason)
        refuse(log, "/ban", reason)
    (line,) = seen.lines(level="warn")
    assert "moderators only" in line["reason"]
    assert (last().status, [step.status for step in last().steps]) == ("ok", ["error"] * 2)
    assert seen.stacks() == []


def test_context_that_is_not_known_is_left_out(seen: Observed) -> None:
    """Lines and traces have what is there, as text, since ids may be too large for readers."""
    with Command(log, "/x", 42, guild_id=2**60, channel_id=None):
        log.info("here")
    (line,) = seen.lines(msg="here")
    assert (line["guild_id"], "channel_id" in line) == (str(2**60), False)
    assert last().attributes == {"guild_id": str(2**60)}
    assert obskit.get_context() == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/start", "/start"),
        ("/start@bot now", "/start"),
        ("/etc/passwd", "/etc"),
        ("/", "message"),
        ("hi", "message"),
        ("", "message"),
        (None, "message"),
    ],
)
def test_a_command_is_the_first_word_of_a_message(text: str | None, name: str) -> None:
    """Without the bot that it was meant for."""
    assert spoken(text, "message") == name


@pytest.mark.parametrize(
    ("name", "needs"),
    [("discord_py", "discord.py"), ("telegram", "python-telegram-bot"), ("aiogram", "aiogram")],
)
def test_a_missing_framework_is_named(monkeypatch: pytest.MonkeyPatch, name: str, needs: str) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, name.removesuffix("_py"), None)
    path = Path(_commands.__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"obskit.integrations.{name}_again", path)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ConfigError, match=f"pip install {needs}"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
