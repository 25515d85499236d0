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
from typing import Any, Final, NamedTuple

from ..errors import type_name
from ..interrupts import is_interruption, traceback_of
from .budget import DEFAULT_BUDGET

# What Python itself keeps of an exception, past attributes of the same names that its class may have.
_kept: Final[Any] = BaseException.__dict__
_cause_of: Final = _kept["__cause__"].__get__
_context_of: Final = _kept["__context__"].__get__
_is_cut: Final = _kept["__suppress_context__"].__get__
_members_of: Final[Any] = BaseExceptionGroup.__dict__["exceptions"].__get__

#: Frames of one traceback: this many of the outermost and of the innermost.
_HEAD: Final = 10
_TAIL: Final = 20
#: Exceptions shown of a chain and its groups.
_MAX_EXCEPTIONS: Final = 10
#: What stands between an exception and the one that it led to.
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
        type=type_name(error),
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
            yield Cause(type_name(current), _message(current), relation)
        left.extend((member, "member") for member in _members(current)[:_MAX_EXCEPTIONS])
        before, relation = _before(current)
        if before is not None:
            left.append((before, relation))


def _before(error: BaseException) -> tuple[BaseException | None, str]:
    """Return the exception that led to *error*, and how."""
    cause = _cause_of(error)
    if cause is not None:
        return cause, "cause"
    return None if _is_cut(error) else _context_of(error), "context"


def _members(error: BaseException) -> tuple[BaseException, ...]:
    """Return the exceptions in a group; any other has none."""
    return _members_of(error) if issubclass(type(error), BaseExceptionGroup) else ()


def _describe_chain(error: BaseException, blocks: list[str], *, seen: set[int]) -> None:
    """Add a block of text per exception, newest first, each behind how it led to the one before."""
    current: BaseException | None = error
    link = ""
    while current is not None:
        if id(current) in seen or len(seen) >= _MAX_EXCEPTIONS:
            blocks.append("[... more exceptions]")
            return
        seen.add(id(current))
        blocks.append(_block(current, seen) + link)
        current, relation = _before(current)
        link = _LINKS[relation]


def _block(error: BaseException, seen: set[int]) -> str:
    message = _message(error)
    lines = _frames(traceback_of(error))
    lines.append(f"{type_name(error)}: {message}" if message else type_name(error))
    lines += [f"note: {note}" for note in _notes(error)]
    members = _members(error)
    for number, member in enumerate(members[:_MAX_EXCEPTIONS], 1):
        inner: list[str] = []
        _describe_chain(member, inner, seen=seen)
        text = "\n".join(reversed(inner)).replace("\n", "\n  ")
        lines.append(f"  member {number} of {len(members)}:\n  {text}")
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
        return f"[unreadable message: {type_name(broken)}]"
    return text[: DEFAULT_BUDGET.text]


def _notes(error: BaseException) -> list[str]:
    try:
        notes = getattr(error, "__notes__", None)
    except Exception:  # the exception's own __getattr__ ran
        return []
    return [note for note in notes if type(note) is str] if type(notes) is list else []
