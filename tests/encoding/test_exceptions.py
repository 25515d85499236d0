"""Exceptions become text."""

from __future__ import annotations

import pytest
from hypothesis import given

from obskit.encoding.exceptions import ErrorInfo, describe
from tests.strategies import any_text


def caught(error: BaseException) -> BaseException:
    """Raise *error* and give it back with its traceback."""
    try:
        raise error
    except BaseException as raised:
        return raised


def test_an_error_tells_its_type_its_message_and_its_place() -> None:
    """The parts that a reader looks for are there."""
    info = describe(caught(ValueError("no such run")))
    assert str(info) == info.summary == "ValueError: no such run"
    assert "test_exceptions.py" in info.stack
    assert "in caught" in info.stack
    assert info.stack.endswith("ValueError: no such run")


def test_an_error_without_a_message_is_its_type() -> None:
    """No colon stands behind nothing."""
    assert describe(KeyError()).summary == "KeyError"


def test_a_chain_is_told_from_the_first_cause() -> None:
    """Cause and effect stand in the order in which they happened."""
    error = ValueError("effect")
    error.__cause__ = caught(OSError("cause"))
    stack = describe(error).stack
    assert stack.index("OSError: cause") < stack.index("which caused") < stack.index("ValueError: effect")


def test_an_error_while_handling_another_names_both() -> None:
    """The implicit context of an exception is shown."""
    try:
        try:
            raise OSError("first")
        except OSError:
            raise ValueError("second")  # noqa: B904 - the implicit context is what is tested
    except ValueError as error:
        stack = describe(error).stack
    assert (
        stack.index("OSError: first")
        < stack.index("during whose handling")
        < stack.index("ValueError: second")
    )


def test_a_suppressed_context_stays_hidden() -> None:
    """`raise ... from None` is respected."""
    error = ValueError("only")
    error.__context__ = OSError("hidden")
    error.__suppress_context__ = True
    assert "hidden" not in describe(error).stack


def test_a_group_shows_its_members_and_notes() -> None:
    """Every member of a group and every note is told."""
    group = ExceptionGroup("both", [ValueError("one"), OSError("two")])
    group.add_note("while closing")
    stack = describe(group).stack
    assert "member 1 of 2" in stack
    assert "ValueError: one" in stack
    assert "OSError: two" in stack
    assert "note: while closing" in stack


def test_a_cycle_of_causes_ends() -> None:
    """An exception that is its own cause is described once."""
    error = ValueError("knot")
    error.__cause__ = OSError("loop")
    error.__cause__.__cause__ = error
    assert describe(error).stack.count("ValueError: knot") == 1


def test_a_broken_message_does_not_hide_the_error() -> None:
    """An exception whose __str__ fails is still told, with its type."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert describe(Broken()).summary == "Broken: [unreadable message: RuntimeError]"


def test_notes_that_are_no_text_are_passed_over() -> None:
    """A program may put anything into __notes__."""
    error = ValueError("x")
    error.__notes__ = [3, "kept"]  # type: ignore[list-item]
    assert "note: kept" in describe(error).stack


def test_a_runaway_recursion_stays_readable() -> None:
    """A thousand frames are cut to the ends that matter."""

    def down() -> None:
        down()

    with pytest.raises(RecursionError) as raised:
        down()
    stack = describe(raised.value).stack
    assert "more frames]" in stack
    assert len(stack.splitlines()) < 40


@given(any_text)
def test_any_message_can_be_described(message: str) -> None:
    """No text of a message makes the description fail."""
    assert isinstance(describe(ValueError(message)), ErrorInfo)


def test_an_error_that_answers_no_question_has_no_notes() -> None:
    """An exception whose own attribute look-up raises is described all the same."""

    class Vague(Exception):
        def __getattr__(self, name: str) -> object:
            raise OSError(name)

    assert describe(Vague("x")).summary == "Vague: x"


def test_a_class_that_puts_code_in_the_place_of_the_chain_is_read_past_it() -> None:
    """An exception whose __cause__ or __traceback__ raises is described all the same."""

    class Hostile(Exception):
        @property
        def __cause__(self) -> BaseException:  # type: ignore[override]
            raise RuntimeError("no")

        __context__ = __suppress_context__ = __traceback__ = __cause__  # type: ignore[assignment]

    error = caught(Hostile("x"))
    assert describe(error).summary == "Hostile: x"
    assert "Traceback" in describe(error).stack


def test_many_notes_are_counted_and_long_ones_cut() -> None:
    """What somebody hangs on an exception without end costs no time."""
    error = ValueError("x")
    error.__notes__ = ["y" * 3_000_000, *map(str, range(300_000))]
    stack = describe(error).stack
    assert "note: [+299981 more]" in stack
    assert len(stack) < 10_000


def test_each_text_is_made_safe_once() -> None:
    """A message stands in several places, and its own code runs once."""
    asked: list[str] = []

    def safe(text: str) -> str:
        asked.append(text)
        return "*"

    error = ValueError("outer")
    error.__cause__ = OSError("inner")
    info = describe(error, safe)
    assert (asked.count("outer"), asked.count("inner")) == (1, 1)
    assert (info.summary, info.causes[0].type) == ("*: *", "*")
