"""Exceptions that cannot be shown, that refer to themselves, or that are too large."""

from __future__ import annotations

from typing import Any

from faultcard.calls.model import BESIDE, Calls
from faultcard.contenders import Log

CALLS = Calls()
call, error = CALLS.call, CALLS.error


@error("ValueError", "the-reason")
def plain_exception() -> None:
    """An ordinary exception; its type and text are visible."""
    raise ValueError("the-reason")


@error("the-effect", "the-cause")
def chained_exception() -> None:
    """An exception with a cause; both texts are visible."""
    try:
        raise KeyError("the-cause")
    except KeyError as cause:
        raise ValueError("the-effect") from cause


@error("the-effect")
def cause_is_a_cycle() -> None:
    """Two exceptions that are each other's cause."""
    first, second = ValueError("the-effect"), ValueError("other")
    first.__cause__, second.__cause__ = second, first
    raise first


@error("the-effect")
def context_is_a_cycle() -> None:
    """Three exceptions in a ring of contexts."""
    ring = [ValueError("the-effect"), ValueError("b"), ValueError("c")]
    for one, other in zip(ring, ring[1:] + ring[:1], strict=True):
        one.__context__ = other
    raise ring[0]


@error("last-one", at_most=100_000)
def chain_of_a_thousand() -> None:
    """A chain of a thousand causes; the line stays below 100 kB."""
    cause: Exception = ValueError("first-one")
    for number in range(1_000):
        following = ValueError("last-one" if number == 999 else f"number {number}")
        following.__cause__ = cause
        cause = following
    raise cause


@error("many-failed", "inner-reason")
def exception_group() -> None:
    """A group of exceptions; its text and a member's are visible."""
    raise ExceptionGroup("many-failed", [ValueError("inner-reason"), OSError("b")])


@error("outermost")
def groups_nested_500_deep() -> None:
    """Groups of exceptions nested 500 deep."""
    inner: Exception = ValueError("innermost")
    for _ in range(499):
        inner = ExceptionGroup("nested", [inner])
    raise ExceptionGroup("outermost", [inner])


@error("many-failed", at_most=100_000)
def group_of_ten_thousand() -> None:
    """A group of 10,000 exceptions; the line stays below 100 kB."""
    raise ExceptionGroup("many-failed", [ValueError(f"number {number}") for number in range(10_000)])


@error("the-reason", "the-note")
def notes() -> None:
    """An exception with a note; the note is visible."""
    reason = ValueError("the-reason")
    reason.add_note("the-note")
    raise reason


@error("the-reason")
def notes_of_other_types() -> None:
    """An exception whose notes are a number, None, a lone surrogate and an object that cannot be shown."""

    class Mute:
        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = __str__

    reason = ValueError("the-reason")
    reason.__notes__ = [1, None, "\ud800", Mute()]  # type: ignore[list-item]
    raise reason


@error("the-reason")
def notes_that_are_no_list() -> None:
    """An exception whose notes are a number."""
    reason = ValueError("the-reason")
    reason.__notes__ = 7  # type: ignore[assignment]
    raise reason


@error("Mute")
def exception_whose_str_raises() -> None:
    """An exception that cannot be turned into text; its type is visible."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = __str__

    raise Mute


@error("Numeric")
def exception_whose_str_is_a_number() -> None:
    """An exception whose `__str__` returns a number."""

    class Numeric(Exception):
        def __str__(self) -> str:
            return 42  # type: ignore[return-value]  # noqa: PLE0307 - the point of it

    raise Numeric


@error("Vague")
def exception_that_answers_everything() -> None:
    """An exception whose `__getattr__` raises for every name."""

    class Vague(Exception):
        def __getattr__(self, name: str) -> Any:
            raise OSError(name)

    raise Vague("x")


@error("Unequal")
def exception_without_equality() -> None:
    """An exception that can be neither compared nor hashed nor tested for truth."""

    class Unequal(Exception):
        def __eq__(self, other: object) -> bool:
            raise ValueError("no comparison")

        __hash__ = None  # type: ignore[assignment]

        def __bool__(self) -> bool:
            raise ValueError("no truth")

    raise Unequal("x")


@error("ValueError")
def exception_text_of_5_megabytes() -> None:
    """An exception whose text is 5 MB long."""
    raise ValueError("x" * 5_000_000)


@error("ValueError", "first line")
def exception_text_with_line_breaks() -> None:
    """An exception whose text has line breaks, a lone surrogate, NUL and escape sequences."""
    raise ValueError('first line\r\n{"level":"error"}\u2028\ud800\x00\x1b[31m')


@error("RecursionError", at_most=10_000)
def recursion_error() -> None:
    """A RecursionError with a thousand frames; the line stays below 10 kB."""

    def again() -> None:
        again()

    again()


@error("RecursionError", at_most=10_000)
def recursion_error_of_two_functions() -> None:
    """A RecursionError of two functions that call each other; the line stays below 10 kB."""

    def ping() -> None:
        pong()

    def pong() -> None:
        ping()

    ping()


@error("SyntaxError")
def syntax_error_with_odd_fields() -> None:
    """A SyntaxError whose fields have the wrong types."""
    reason = SyntaxError("invalid")
    reason.lineno, reason.offset, reason.text = "x", -5, 7  # type: ignore[assignment]
    reason.filename = b"\xff"  # type: ignore[assignment]
    raise reason


@error("UnicodeDecodeError")
def unicode_error() -> None:
    """A UnicodeDecodeError that carries a megabyte of bytes."""
    (b"x" * 1_000_000 + b"\xff").decode()


@error("KeyError")
def key_error_with_surrogate() -> None:
    """A KeyError whose key has a lone surrogate."""
    raise KeyError("\udcff")


@error("FileNotFoundError")
def os_error_with_bytes() -> None:
    """An OSError whose file name is bytes that are no UTF-8."""
    raise FileNotFoundError(2, "No such file", b"\xff\xfe")


@error("KeyboardInterrupt")
def keyboard_interrupt() -> None:
    """A KeyboardInterrupt that a program caught and logs."""
    raise KeyboardInterrupt


@error("ValueError")
def locals_that_cannot_be_shown() -> None:
    """An exception from a frame whose local variables cannot be shown."""

    class Mute:
        def __repr__(self) -> str:
            raise ValueError("no repr")

    deep: list[Any] = []
    local, huge = Mute(), 10**5000  # noqa: F841 - read from the frame, if at all
    deep.append(deep)
    raise ValueError("x")


@error("ValueError", "from-generated-code")
def code_without_source() -> None:
    """An exception from code that has no file, with a line break in the name of it."""
    exec(compile("raise ValueError('from-generated-code')", 'no\n"file', "exec"))


@error("Odd")
def class_name_with_line_break() -> None:
    """An exception whose class name has a line break and a quote."""
    raise type('Odd\n"', (Exception,), {"__module__": None})


@call(BESIDE, message="failed", level="error")
def exception_outside_of_except(log: Log) -> None:
    """`exception()` where no exception is being handled."""
    log.exception("failed", beside=BESIDE)


@call(BESIDE, "the-reason", message="failed", level="error")
def exception_without_traceback(log: Log) -> None:
    """An exception whose traceback was taken away."""
    try:
        raise ValueError("the-reason")
    except ValueError as reason:
        reason.__traceback__ = None
        log.exception("failed", beside=BESIDE)


@call(BESIDE, "the-reason", level="error")
def exception_with_bad_message(log: Log) -> None:
    """An exception together with arguments that do not fit the message; both are visible."""
    try:
        raise ValueError("the-reason")
    except ValueError:
        log.exception("%d left", "many", beside=BESIDE)


@call(BESIDE, message="failed", level="error")
def exception_far_down_the_stack(log: Log) -> None:
    """An exception logged 300 frames down, with 300 frames in its traceback."""

    def down(depth: int) -> None:
        if depth:
            down(depth - 1)
        else:
            try:
                up(300)
            except ValueError:
                log.exception("failed", beside=BESIDE)

    def up(depth: int) -> None:
        if not depth:
            raise ValueError("x")
        up(depth - 1)

    down(300)
