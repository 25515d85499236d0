"""Records of the standard library come out as lines, once, and untouched."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import obskit
from obskit.logs import JSONFormatter

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


def test_everything_that_a_record_carries_is_kept(stream: io.BytesIO) -> None:
    """The stack that stack_info asks for, and the text of an exception that crossed a process."""
    library.warning("where", stack_info=True)
    record = {"name": "far", "levelno": logging.ERROR, "msg": "failed", "exc_text": "ValueError: far away"}
    logging.getLogger().handle(logging.makeLogRecord(record))
    near, far = events(stream)
    assert near["stack_info"].startswith("Stack (most recent call last):")
    assert "taskName" not in near
    assert (far["logger"], far["exc_text"]) == ("far", "ValueError: far away")


# Every way in which a program and its libraries come to have a handler on the console.


def console(name: str | None = None) -> logging.Handler:
    """Add a handler that writes to the console to the logger *name*, as libraries do."""
    handler = logging.StreamHandler()
    logging.getLogger(name).addHandler(handler)
    return handler


@pytest.fixture
def bot() -> Iterator[logging.Logger]:
    """A logger of a bot library, as it was before the test in the end."""
    logger, below = logging.getLogger("tests_bot"), logging.getLogger("tests_bot.client")
    yield below
    for each in (logger, below):
        each.handlers, each.propagate, each.level = [], True, logging.NOTSET


@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_console_handler_of_a_library_does_not_double_its_lines(
    bot: logging.Logger, when: str, propagate: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Client.run() of discord.py adds one to its logger, after configure(): it never gets a record."""
    output = io.BytesIO()
    library = logging.getLogger("tests_bot")
    library.propagate = propagate
    handler = console("tests_bot") if when == "before" else None
    with obskit.configure(output=output, hooks=False):
        handler = handler or console("tests_bot")
        bot.warning("connected")
        library.warning("ready")
        assert handler not in library.handlers
    assert [event["msg"] for event in events(output)] == ["connected", "ready"]
    assert capsys.readouterr().err == ""
    assert library.handlers == [handler]


def test_no_record_is_lost_on_a_way_that_does_not_reach_the_root(bot: logging.Logger) -> None:
    """A console handler below a logger that keeps its records to itself is replaced where it is."""
    output = io.BytesIO()
    logging.getLogger("tests_bot").propagate = False
    console(bot.name)
    with obskit.configure(output=output, hooks=False):
        bot.warning("here")
    assert len(events(output)) == 1


def test_a_library_that_asks_for_no_output_gets_none(bot: logging.Logger) -> None:
    """A logger that keeps its records to itself and has no console handler stays as it is."""
    output = io.BytesIO()
    logging.getLogger("tests_bot").propagate = False
    logging.getLogger("tests_bot").addHandler(logging.NullHandler())
    with obskit.configure(output=output, hooks=False):
        bot.warning("for nobody")
    assert output.getvalue() == b""


def test_a_file_of_a_library_is_still_written(bot: logging.Logger, tmp_path: Path) -> None:
    """Only what goes to the console is replaced."""
    output = io.BytesIO()
    handler = logging.FileHandler(tmp_path / "bot.log", delay=True)
    bot.addHandler(handler)
    with obskit.configure(output=output, hooks=False):
        bot.warning("both")
    handler.close()
    assert (tmp_path / "bot.log").read_text() == "both\n"
    assert len(events(output)) == 1


PROGRAMS = {
    "basicConfig before": "logging.basicConfig(); obskit.configure()",
    "basicConfig after": "obskit.configure(); logging.basicConfig()",
    "basicConfig with force": "obskit.configure(); logging.basicConfig(force=True, stream=sys.stdout)",
    "a stream kept from before": "logging.basicConfig(); sys.stderr = sys.stdout; obskit.configure()",
    "a handler of ours as well": "obskit.configure(); logging.getLogger().addHandler(obskit.logs.Handler())",
    "dictConfig with a console": (
        "obskit.configure(); logging.config.dictConfig({'version': 1, 'disable_existing_loggers': False,"
        " 'handlers': {'c': {'class': 'logging.StreamHandler'}}, 'root': {'handlers': ['c']}})"
    ),
    "dictConfig with our handler": (
        "logging.config.dictConfig({'version': 1, 'handlers': {'c': {'class': 'obskit.logs.Handler'}},"
        " 'root': {'handlers': ['c']}})"
    ),
    "our handler before": "logging.getLogger().addHandler(obskit.logs.Handler()); obskit.configure()",
}


@pytest.mark.parametrize("set_up", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_gets_each_record_once(set_up: str) -> None:
    """However the program sets logging up, its record is one line on stdout and nothing on stderr."""
    program = (
        f"import logging, logging.config, sys, obskit\n{set_up}\nlogging.getLogger('app.db').warning('once')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout)["msg"] == "once"
    assert done.stderr == ""


def test_a_record_factory_of_somebody_else_is_kept() -> None:
    """Ours passes on to the one before it, and does nothing any more beneath a later one."""
    output = io.BytesIO()

    def theirs(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = logging.LogRecord(*args, **kwargs)
        record.zone = "eu"
        return record

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(theirs)
    try:
        with obskit.configure(output=output, hooks=False):
            library.warning("once")
            ours = logging.getLogRecordFactory()
            logging.setLogRecordFactory(partial(ours))
        handler = console("tests.library")
        library.warning("after the end")
        assert handler in library.handlers
        library.removeHandler(handler)
    finally:
        logging.setLogRecordFactory(before)
    assert events(output)[0]["zone"] == "eu"


def test_a_level_that_the_program_changed_meanwhile_stays() -> None:
    """What discord.py or the program sets after configure() is not undone."""
    logger = logging.getLogger("tests.level")
    with obskit.configure(output=io.BytesIO(), hooks=False, levels={"tests.level": "debug"}):
        assert logger.level == logging.DEBUG
        logger.setLevel(logging.CRITICAL)
    assert logger.level == logging.CRITICAL
    logger.setLevel(logging.NOTSET)


# The other direction.


def test_events_reach_caplog_where_propagation_is_asked_for(
    stream: io.BytesIO, caplog: pytest.LogCaptureFixture
) -> None:
    """With message, level, name, fields and the text of the exception, all redacted, and no line twice."""
    with obskit.configure(output=stream, hooks=False, propagate=True), obskit.bound_context(cmd="/status"):
        try:
            raise ValueError("broken")
        except ValueError:
            obskit.get_logger("shop").exception(
                "failed", name="ada", getMessage=1, token="not-a-real-token-0001"
            )
        obskit.get_logger().info("no name")
    first, second = caplog.records
    assert (first.name, first.levelname, first.getMessage(), second.name) == (
        "shop",
        "ERROR",
        "failed",
        "root",
    )
    assert first.funcName == "test_events_reach_caplog_where_propagation_is_asked_for"
    fields = {"cmd": "/status", "name_": "ada", "getMessage_": 1, "token": "***0001"}
    assert fields.items() <= vars(first).items()
    assert "ValueError: broken" in caplog.text
    assert [event["msg"] for event in events(stream)] == ["failed", "no name"]


def test_events_stay_out_of_logging_unless_asked(
    stream: io.BytesIO, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is propagated by default."""
    obskit.get_logger("shop").warn("low stock")
    assert caplog.records == []


def test_a_record_that_became_an_event_is_not_propagated_again(caplog: pytest.LogCaptureFixture) -> None:
    """It is in `logging` already: one record, one line."""
    output = io.BytesIO()
    with obskit.configure(output=output, hooks=False, propagate=True):
        library.warning("once")
    assert len(caplog.records) == len(events(output)) == 1


def test_a_handler_that_raises_does_not_cost_the_line() -> None:
    """What a handler of somebody else does with the copy is its own affair."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("broken handler")

    output, broken = io.BytesIO(), Broken()
    logging.getLogger("shop").addHandler(broken)
    try:
        with obskit.configure(output=output, hooks=False, propagate=True):
            obskit.get_logger("shop").warn("low stock")
    finally:
        logging.getLogger("shop").removeHandler(broken)
    assert events(output)[0]["msg"] == "low stock"


def test_the_formatter_writes_the_lines_of_obskit_elsewhere(stream: io.BytesIO) -> None:
    """A handler of any make gets the same schema through the same gate."""
    elsewhere = io.StringIO()
    handler = logging.StreamHandler(elsewhere)
    handler.setFormatter(JSONFormatter())
    library.addHandler(handler)
    try:
        library.warning("slow: %s", "db", extra={"token": "not-a-real-token-0001"})
    finally:
        library.removeHandler(handler)
    assert json.loads(elsewhere.getvalue()) == events(stream)[0]


def test_the_formatter_never_raises(stream: io.BytesIO) -> None:
    """Near the limit of recursion it says that it failed: some handlers would let the error through."""

    def deeper() -> str:
        try:
            return deeper()
        except RecursionError:
            return JSONFormatter().format(record)

    record = logging.makeLogRecord({"msg": "deep"})
    assert json.loads(deeper())["msg"] in ("deep", "a record could not be formatted: RecursionError")


def test_the_handler_of_the_lambda_runtime_gives_way(stream: io.BytesIO) -> None:
    """It writes to where our lines go, by a way of its own."""
    theirs = type("LambdaLoggerHandler", (logging.NullHandler,), {"__module__": "awslambdaric.bootstrap"})()
    library.addHandler(theirs)
    try:
        library.warning("once")
        assert theirs not in library.handlers
    finally:
        library.removeHandler(theirs)
    assert [event["msg"] for event in events(stream)] == ["once"]


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"created": "x"}, {}),
        ({"created": float("nan")}, {}),
        ({"created": float("inf")}, {}),
        ({"levelno": "x"}, {"level": "warn"}),
        ({"levelno": None}, {"level": "warn"}),
        ({"funcName": object()}, {"fn": "<module>"}),
        ({"name": 5}, {}),
    ],
)
def test_a_record_made_of_anything_is_a_line(
    odd: dict[str, Any], expected: dict[str, Any], stream: io.BytesIO
) -> None:
    """What a program has put together by hand is written as well as it can be."""
    with obskit.configure(output=stream, levels={"bot": "info"}, hooks=False):
        obskit.logs.Handler().emit(logging.makeLogRecord({"msg": "m", "levelno": 40, **odd}))
    assert {"msg": "m", **expected}.items() <= events(stream)[-1].items()
