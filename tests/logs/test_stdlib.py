"""Records of the standard library come out as lines, once, and untouched."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import obskit

library = logging.getLogger("tests.library")


@pytest.fixture
def stream() -> Iterator[io.BytesIO]:
    """Where the lines of a program go that captures logging."""
    output = io.BytesIO()
    with obskit.configure(output=output, hooks=False, levels={"tests.library.chatty": "error"}):
        yield output


@contextmanager
def no_handlers_of_the_test_runner() -> Iterator[None]:
    """Take off pytest's handlers, which raise and write into records where a program's would not."""
    root = logging.getLogger()
    before = list(root.handlers)
    root.handlers = [handler for handler in before if not type(handler).__module__.startswith("_pytest")]
    try:
        yield
    finally:
        root.handlers = before


def events(stream: io.BytesIO) -> list[dict[str, Any]]:
    """Decode the lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_of_another_library_becomes_a_line(stream: io.BytesIO) -> None:
    """Name, function, arguments and extra fields all arrive."""
    with obskit.bound_context(cmd="/status"):
        library.warning("slow: %s", "db", extra={"ms": 12, "token": "not-a-real-token-0001"})
    event = events(stream)[0]
    assert (event["level"], event["msg"], event["logger"]) == ("warn", "slow: db", "tests.library")
    assert event["fn"] == "test_a_record_of_another_library_becomes_a_line"
    assert (event["cmd"], event["ms"], event["token"]) == ("/status", 12, "***0001")


def test_an_exception_of_a_record_is_told(stream: io.BytesIO) -> None:
    """logger.exception() of a library has its traceback."""
    try:
        raise ValueError("broken")
    except ValueError:
        library.exception("failed")
    assert events(stream)[0]["error"] == "ValueError: broken"


def test_a_record_with_wrong_arguments_is_not_lost(stream: io.BytesIO) -> None:
    """A library's slip in a format string still gives a line, and nothing on stderr."""
    with no_handlers_of_the_test_runner():
        library.error("100% of %d", "x")
    assert events(stream)[0]["_format_error"] == "TypeError"


def test_records_below_the_level_of_their_logger_are_left_out(stream: io.BytesIO) -> None:
    """The levels given by name hold for libraries too."""
    logging.getLogger("tests.library.chatty.http").warning("no")
    logging.getLogger("tests.library.chatty").error("yes")
    library.debug("no")
    library.info("yes")
    assert [event["msg"] for event in events(stream)] == ["yes", "yes"]


def test_a_record_is_never_changed(stream: io.BytesIO) -> None:
    """Other handlers see the record as it was made."""
    seen: list[dict[str, object]] = []

    class Witness(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(dict(vars(record)))

    first, last = Witness(), Witness()
    with no_handlers_of_the_test_runner():
        library.addHandler(first)
        logging.getLogger().addHandler(last)
        try:
            library.warning("%s", "x", extra={"password": "p"})
        finally:
            library.removeHandler(first)
            logging.getLogger().removeHandler(last)
    assert seen[0] == seen[1]


def test_a_console_handler_does_not_double_the_lines() -> None:
    """A program that called basicConfig() gets each record once, and its handler back at the end."""
    root = logging.getLogger()
    handler = logging.StreamHandler(sys.stderr)
    root.addHandler(handler)
    level = root.level
    try:
        with obskit.configure(output=io.BytesIO(), level="debug", hooks=False):
            assert handler not in root.handlers
            assert root.level == logging.DEBUG
        assert handler in root.handlers
        assert root.level == level
    finally:
        root.removeHandler(handler)


def test_configuring_twice_does_not_double_the_lines() -> None:
    """The second set-up takes the place of the first."""
    first, second = io.BytesIO(), io.BytesIO()
    with obskit.configure(output=first, hooks=False), obskit.configure(output=second, hooks=False):
        library.warning("once")
    assert (len(events(first)), len(events(second))) == (0, 1)
