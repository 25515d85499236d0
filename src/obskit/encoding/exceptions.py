"""
Describe an exception as text: what it was, what it said, and where it came from.

Local variables are never shown: they are where secrets live. Source lines are
left out for the same reason. A message is made safe before it is cut to size, so
that the redactor sees every secret whole.
"""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple

from ..errors import type_name
from ..interrupts import cause_of, context_of, hides_context, let_pass, traceback_of
from .budget import Room, shorten

#: Frames of one traceback: this many of the outermost and of the innermost.
_HEAD: Final = 10
_TAIL: Final = 20
#: Exceptions shown of a chain and its groups.
_MAX_EXCEPTIONS: Final = 10
_MAX_NOTES: Final = 20
#: Characters of one message or note in a stack.
_MAX_MESSAGE: Final = 4_000
#: How an exception led to the next one.
_LINKS: Final = {"cause": "\n\nwhich caused:\n", "context": "\n\nduring whose handling there came:\n"}


class Cause(NamedTuple):
    """An exception that led to another one."""

    type: str
    message: str
    relation: str  #: ``cause``, ``context`` (what was being handled) or ``member`` (of a group)


class ErrorInfo(NamedTuple):
    """What can be told of an exception."""

    type: str
    message: str
    stack: str  #: the traceback of the whole chain, oldest cause first
    causes: tuple[Cause, ...] = ()  #: the rest of the chain, newest first, and members of groups

    @property
    def summary(self) -> str:
        """``Type: message``, or the type alone where there is no message."""
        return f"{self.type}: {self.message}" if self.message else self.type

    def __str__(self) -> str:
        return self.summary


def describe(error: BaseException, safe: Callable[[str], str] = str) -> ErrorInfo:
    """
    Describe *error*; never raises, whatever its own code does.

    Args:
        error: Any exception.
        safe: Hides what is secret in a text: each name, message and note is given to it, once.

    >>> describe(ValueError("no such run")).summary
    'ValueError: no such run'
    """
    teller = _Teller(safe)
    blocks = teller.blocks(error, "")
    first, *causes = teller.told
    return ErrorInfo(first.type, first.message, "\n".join(reversed(blocks)), tuple(causes))


class _Teller:
    """One description: has each text made safe once, within one budget."""

    __slots__ = ("_room", "_safe", "_seen", "told")

    def __init__(self, safe: Callable[[str], str]) -> None:
        self._safe = safe
        self._room = Room()
        self._seen: set[int] = set()
        self.told: list[Cause] = []  #: each exception, once; the first is what was asked about

    def blocks(self, error: BaseException, relation: str) -> list[str]:
        """Give a block of text per exception of a chain, newest first, each behind how it led to the last."""
        blocks: list[str] = []
        current: BaseException | None = error
        while current is not None:
            if id(current) in self._seen or len(self._seen) >= _MAX_EXCEPTIONS:
                return [*blocks, "[... more exceptions]"]
            self._seen.add(id(current))
            blocks.append(self._block(current, relation) + _LINKS.get(relation, ""))
            current, relation = _origin(current)
        return blocks

    def _block(self, error: BaseException, relation: str) -> str:
        kind, message = self._text(type_name(error)), self._text(_message(error))
        self.told.append(Cause(kind, message, relation))
        lines = _frames(traceback_of(error))
        lines.append(f"{kind}: {shorten(message, _MAX_MESSAGE)}" if message else kind)
        lines += [f"note: {shorten(self._text(note), _MAX_MESSAGE)}" for note in _notes(error)]
        members = _members(error)
        for number, member in enumerate(members[:_MAX_EXCEPTIONS], 1):
            text = "\n".join(reversed(self.blocks(member, "member"))).replace("\n", "\n  ")
            lines.append(f"  member {number} of {len(members)}:\n  {text}")
        return "\n".join(lines)

    def _text(self, text: str) -> str:
        return self._room.fit(text, self._safe)


def _origin(error: BaseException) -> tuple[BaseException | None, str]:
    """Find the exception that led to *error*, if there is one, and how."""
    if (cause := cause_of(error)) is not None:
        return cause, "cause"
    return None if hides_context(error) else context_of(error), "context"


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if not issubclass(type(error), BaseExceptionGroup):
        return ()
    members: tuple[BaseException, ...] = vars(BaseExceptionGroup)["exceptions"].__get__(error)
    return members


def _frames(tb: TracebackType | None) -> list[str]:
    """Name the frames of *tb*, outermost first; the middle of a long one is only counted."""
    frames = []
    while tb is not None:
        code = tb.tb_frame.f_code
        frames.append(f'  File "{code.co_filename}", line {tb.tb_lineno}, in {code.co_qualname}')
        tb = tb.tb_next
    cut = len(frames) - _HEAD - _TAIL
    if cut > 0:
        frames[_HEAD:-_TAIL] = [f"  [... {cut} more frames]"]
    return ["Traceback (most recent call last):", *frames] if frames else []


def _message(error: BaseException) -> str:
    try:
        return str.__str__(str(error))
    # The exception's own __str__ ran; a broken one must not hide that there was an error.
    except BaseException as broken:
        let_pass(broken)
        return f"[unreadable message: {type_name(broken)}]"


def _notes(error: BaseException) -> list[str]:
    try:
        notes = getattr(error, "__notes__", None)
    except Exception as broken:  # the exception's own __getattr__ ran
        let_pass(broken)
        return []
    if type(notes) is not list:
        return []
    more = len(notes) - _MAX_NOTES
    shown = [note for note in notes[:_MAX_NOTES] if type(note) is str]
    return [*shown, f"[+{more} more]"] if more > 0 else shown
