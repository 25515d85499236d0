"""Text that breaks lines, encodings, templates and parsers, as a field and as the message."""

from __future__ import annotations

from typing import Any

from faultcard.calls.model import BESIDE, Calls
from faultcard.contenders import Log

CALLS = Calls()
call, value = CALLS.call, CALLS.value

_HUNDRED_MEGABYTES = 100_000_000


@value("half")
def lone_surrogate() -> Any:
    """A lone surrogate, as `os.fsdecode` makes of a byte that is no UTF-8."""
    return "half \ud83d"


@value("swapped")
def surrogates_swapped() -> Any:
    """A surrogate pair in the wrong order."""
    return "swapped \ude00\ud83d"


@value("before")
def nul() -> Any:
    """A NUL character."""
    return "before\x00after"


@value("bell")
def control_characters() -> Any:
    """Every control character, C0 and C1."""
    return "bell" + "".join(map(chr, [*range(32), *range(0x7F, 0xA0)]))


@value("red")
def terminal_escapes() -> Any:
    """Escape sequences that colour, retitle and clear a terminal."""
    return "\x1b[31mred\x1b[0m\x1b]0;owned\x07\x1b[2J"


@value("para")
def line_separators() -> Any:
    """U+2028, U+2029 and U+0085, which end a line for many readers."""
    return "para\u2028graph\u2029next\x85line"


@value("abc")
def direction_overrides() -> Any:
    """A byte order mark and characters that turn the direction of writing around."""
    return "\ufeffabc\u202egpj.exe\u2066"


@value("edge")
def noncharacters() -> Any:
    """Code points that Unicode reserves for nobody."""
    return "edge\uffff\ufffe\U0010ffff"


@value("family")
def joined_emoji() -> Any:
    """An emoji of seven code points and a letter under fifty accents."""
    return "family \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 e" + "\u0301" * 50


@value()
def forged_line() -> Any:
    """A line break followed by what looks like another log line."""
    return 'x"}\r\n{"level":"error","msg":"forged","message":"forged","event":"forged"}\n'


@value()
def a_million_quotes() -> Any:
    """Text that doubles in size when it is escaped."""
    return '"' * 1_000_000


@value(seconds=20, memory=True)
def text_of_100_megabytes() -> Any:
    """100 MB of text."""
    return "x" * _HUNDRED_MEGABYTES


@value(seconds=20, memory=True)
def bytes_of_100_megabytes() -> Any:
    """100 MB of bytes."""
    return b"x" * _HUNDRED_MEGABYTES


@value()
def text_of_wide_characters() -> Any:
    """Text of three million bytes in UTF-8, so that a cut may split a character."""
    return "\u20ac" * 1_000_000


@value("real-text")
def str_subclass_whose_str_raises() -> Any:
    """A subclass of str whose own methods raise; the text is visible."""

    class Label(str):
        __slots__ = ()

        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = encode = __format__ = __str__  # type: ignore[assignment]

    return Label("real-text")


@call(BESIDE, seconds=20, memory=True)
def message_of_100_megabytes(log: Log) -> None:
    """A message of 100 MB."""
    log.info("x" * _HUNDRED_MEGABYTES, beside=BESIDE)


@call(BESIDE)
def message_with_surrogate(log: Log) -> None:
    """A lone surrogate in the message."""
    log.info("half \ud83d", beside=BESIDE)


@call(BESIDE, message='x"}\r\n{"level":"error"}\nend')
def message_with_forged_line(log: Log) -> None:
    """A message with a line break and what looks like another log line."""
    log.info('x"}\r\n{"level":"error"}\nend', beside=BESIDE)


@call(BESIDE, message="null")
def message_null(log: Log) -> None:
    """The message `null`, which is JSON and must stay a text."""
    log.info("null", beside=BESIDE)


@call(BESIDE, message="NaN")
def message_nan(log: Log) -> None:
    """The message `NaN`, which some parsers take for a number."""
    log.info("NaN", beside=BESIDE)


@call(BESIDE, message="123")
def message_number(log: Log) -> None:
    """The message `123`, which must stay a text."""
    log.info("123", beside=BESIDE)


@call(BESIDE, message='{"level":"critical","message":"forged"}')
def message_json_object(log: Log) -> None:
    """A message that is a JSON object with a level of its own."""
    log.info('{"level":"critical","message":"forged"}', beside=BESIDE)


@call(BESIDE, message='"quoted"')
def message_json_text(log: Log) -> None:
    """A message in quotes, which must keep them."""
    log.info('"quoted"', beside=BESIDE)


@call(BESIDE, message="")
def message_empty(log: Log) -> None:
    """An empty message."""
    log.info("", beside=BESIDE)


@call(BESIDE)
def message_none(log: Log) -> None:
    """None as the message."""
    log.info(None, beside=BESIDE)


@call(BESIDE, "inner-value")
def message_dictionary(log: Log) -> None:
    """A dictionary with a NaN as the message; its value is visible."""
    log.info({"inner": "inner-value", "x": float("nan")}, beside=BESIDE)


@call(BESIDE, "the-reason")
def message_exception(log: Log) -> None:
    """An exception as the message; its text is visible."""
    log.info(ValueError("the-reason"), beside=BESIDE)


@call(BESIDE)
def message_whose_str_raises(log: Log) -> None:
    """A message object that cannot be turned into text."""

    class Mute:
        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = __str__

    log.info(Mute(), beside=BESIDE)


@call(BESIDE, message="100% done")
def percent_without_arguments(log: Log) -> None:
    """A percent sign in a message without arguments."""
    log.info("100% done", beside=BESIDE)


@call(BESIDE, "100%")
def percent_with_arguments(log: Log) -> None:
    """A message that ends in a percent sign, with an argument too many."""
    log.info("100%", 1, beside=BESIDE)


@call(BESIDE, "of")
def too_few_arguments(log: Log) -> None:
    """Two places and one argument."""
    log.info("%s of %s", "one", beside=BESIDE)


@call(BESIDE, "one")
def too_many_arguments(log: Log) -> None:
    """One place and two arguments."""
    log.info("%s", "one", "two", beside=BESIDE)  # noqa: PLE1205 - the point of it


@call(BESIDE, "left")
def argument_of_another_type(log: Log) -> None:
    """A text where the template asks for a number."""
    log.info("%d left", "many", beside=BESIDE)


@call(BESIDE)
def unknown_format_character(log: Log) -> None:
    """A format that does not exist."""
    log.info("%y", 1, beside=BESIDE)


@call(BESIDE)
def mapping_without_the_name(log: Log) -> None:
    """A template that names a key which the mapping does not have."""
    log.info("%(absent)s", {"present": 1}, beside=BESIDE)


@call(BESIDE)
def argument_whose_str_raises(log: Log) -> None:
    """An argument that cannot be turned into text."""

    class Mute:
        def __str__(self) -> str:
            raise ValueError("no str")

        __repr__ = __str__

    log.info("user %s", Mute(), beside=BESIDE)


@call(BESIDE, seconds=20)
def argument_of_20_megabytes(log: Log) -> None:
    """An argument of 20 MB."""
    log.info("got %s", "x" * 20_000_000, beside=BESIDE)


@call(BESIDE)
def argument_that_is_a_cycle(log: Log) -> None:
    """A list that contains itself, as an argument of the message."""
    loop: list[Any] = []
    loop.append(loop)
    log.info("loop %s", loop, beside=BESIDE)


@call(BESIDE, message="hello {user} {0} {")
def braces(log: Log) -> None:
    """Braces in a message without arguments."""
    log.info("hello {user} {0} {", beside=BESIDE)


@call(BESIDE, message="<red>alarm</red> </")
def markup(log: Log) -> None:
    """What some loggers take for colour marks."""
    log.info("<red>alarm</red> </", beside=BESIDE)


@call(BESIDE, "bob 100%", message="hello")
def user_named_bob_100_percent(log: Log) -> None:
    """A user called `bob 100%` as a bound field."""
    log.bind(user="bob 100%").info("hello", beside=BESIDE)


@call(BESIDE, "%(pathname)s", message="hello")
def user_named_like_a_format(log: Log) -> None:
    """A user called `%(pathname)s` as a bound field, who must not read the record."""
    log.bind(user="%(pathname)s {record}").info("hello", beside=BESIDE)


@call("bob 100%", message="hello bob 100%")
def user_in_the_message(log: Log) -> None:
    """A user called `bob 100%` put into the message by an f-string."""
    log.info(f"hello {'bob 100%'}")
