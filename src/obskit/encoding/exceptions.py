"""
Describe an exception as text: what it was, what it said, and where it came from.

Local variables are never shown: they are where secrets live. Source lines are
left out for the same reason. Messages are not cut to size here, so that the
redactor sees every secret whole.
"""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Final, NamedTuple

from ..interrupts import is_interruption
from .budget import DEFAULT_BUDGET

#: Frames of one traceback: this many of the outermost and of the innermost.
_HEAD: Final = 10
_TAIL: Final = 20
#: Exceptions shown of a chain and its groups.
_MAX_EXCEPTIONS: Final = 10


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
    causes: tuple[Cause, ...] = ()  #: the rest of the chain, newest first

    @property
    def summary(self) -> str:
        """``Type: message``, or the type alone where there is no message."""
        return f"{self.type}: {self.message}" if self.message else self.type

    def __str__(self) -> str:
        return self.summary


def describe(error: BaseException) -> ErrorInfo:
    """
    Describe *error*; never raises, whatever its ``__str__`` does.

    >>> describe(ValueError("no such run")).summary
    'ValueError: no such run'
    """
    blocks: list[str] = []
    _describe_chain(error, blocks, seen=set())
    return ErrorInfo(
        type=type(error).__name__,
        message=_message(error),
        stack="\n".join(reversed(blocks)),
        causes=tuple(_causes(error)),
    )


def _causes(error: BaseException) -> Iterator[Cause]:
    """Walk through the chain of *error* and the members of its groups, each exception once."""
    left = deque([(error, "")])
    seen: set[int] = set()
    while left and len(seen) < _MAX_EXCEPTIONS:
        current, relation = left.popleft()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if relation:
            yield Cause(type(current).__name__, _message(current), relation)
        if isinstance(current, BaseExceptionGroup):
            left.extend((member, "member") for member in current.exceptions[:_MAX_EXCEPTIONS])
        if current.__cause__ is not None:
            left.append((current.__cause__, "cause"))
        elif current.__context__ is not None and not current.__suppress_context__:
            left.append((current.__context__, "context"))


def _describe_chain(error: BaseException, blocks: list[str], *, seen: set[int]) -> None:
    """Add a block of text per exception, newest first, each behind how it led to the one before."""
    current, link = error, ""
    while True:
        if id(current) in seen or len(seen) >= _MAX_EXCEPTIONS:
            blocks.append("[... more exceptions]")
            return
        seen.add(id(current))
        blocks.append(_block(current, seen) + link)
        if current.__cause__ is not None:
            current, link = current.__cause__, "\n\nwhich caused:\n"
        elif current.__context__ is not None and not current.__suppress_context__:
            current, link = current.__context__, "\n\nduring whose handling there came:\n"
        else:
            return


def _block(error: BaseException, seen: set[int]) -> str:
    message = _message(error)
    lines = _frames(error.__traceback__)
    lines.append(f"{type(error).__name__}: {message}" if message else type(error).__name__)
    lines += [f"note: {note}" for note in _notes(error)]
    if isinstance(error, BaseExceptionGroup):
        for number, member in enumerate(error.exceptions[:_MAX_EXCEPTIONS], 1):
            inner: list[str] = []
            _describe_chain(member, inner, seen=seen)
            text = "\n".join(reversed(inner)).replace("\n", "\n  ")
            lines.append(f"  member {number} of {len(error.exceptions)}:\n  {text}")
    return "\n".join(lines)


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
        text = str(error)
    # The exception's own __str__ ran; a broken one must not hide that there was an error.
    except BaseException as broken:
        if is_interruption(broken):
            raise
        return f"[unreadable message: {type(broken).__name__}]"
    return text[: DEFAULT_BUDGET.text]


def _notes(error: BaseException) -> list[str]:
    try:
        notes = getattr(error, "__notes__", None)
    except Exception:  # the exception's own __getattr__ ran
        return []
    return [note for note in notes if type(note) is str] if type(notes) is list else []
