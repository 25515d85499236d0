"""
Tell an exception that is meant for the program from one that came out of a value, a sink or a store.

While obskit runs code of others, that code may raise, and that stays here. But a
signal may arrive at the same moment, and what its handler raises (a timeout, an
exit) is the program's business: it must pass. Every ``except`` that would hold
back anything asks `let_pass` first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType, TracebackType
from typing import Final

#: `inspect.CO_VARARGS`, whose module takes 10 ms to load.
_CO_VARARGS: Final = 4
#: Translations of an exception that are looked behind.
_LONGEST_CHAIN: Final = 8

# Read past whatever the class of an exception puts in the place of these: it may be hostile.
_own = vars(BaseException)
cause_of: Final[Callable[[BaseException], BaseException | None]] = _own["__cause__"].__get__
context_of: Final[Callable[[BaseException], BaseException | None]] = _own["__context__"].__get__
hides_context: Final[Callable[[BaseException], bool]] = _own["__suppress_context__"].__get__
traceback_of: Final[Callable[[BaseException], TracebackType | None]] = _own["__traceback__"].__get__


def let_pass(error: BaseException) -> None:
    """
    Raise again what is meant for the program; to be called with what was caught, before it is held back.

    Code of others may have caught what a signal handler raised, and raised
    something of its own (a sink its `SinkError`): then the handler's passes.
    """
    if is_interruption(error):
        raise error
    behind = context_of(error)
    for _ in range(_LONGEST_CHAIN):
        if behind is None or not _was_raised_inside(behind):
            return
        if _came_with_a_signal(behind):
            raise behind
        behind = context_of(behind)


def is_interruption(error: BaseException) -> bool:
    """
    Tell whether *error* must pass: Ctrl-C, the end of a generator, or what a signal handler raised.

    A handler is known by its arguments: a number, and the frame that was interrupted.
    """
    return issubclass(type(error), GeneratorExit) or _came_with_a_signal(error)


def _came_with_a_signal(error: BaseException) -> bool:
    if issubclass(type(error), KeyboardInterrupt):
        return True
    tb = traceback_of(error)
    while tb is not None:
        if _is_handler(tb.tb_frame):
            return True
        tb = tb.tb_next
    return False


def _is_handler(frame: FrameType) -> bool:
    code, values = frame.f_code, frame.f_locals
    arguments = [values.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & _CO_VARARGS:
        rest = values.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
        if type(rest) is tuple:  # the function may have put anything in its place
            arguments += rest
    return any(
        # By type: isinstance() would ask the values themselves, and they may be hostile.
        issubclass(type(number), int) and type(interrupted) is FrameType
        for number, interrupted in pairwise(arguments)
    )


def _was_raised_inside(error: BaseException) -> bool:
    """Tell whether *error* came up in what was called, and not in what the caller was handling before."""
    tb = traceback_of(error)
    frame: FrameType | None = sys._getframe(2)
    while tb is not None and frame is not None:
        if frame is tb.tb_frame:
            return False
        frame = frame.f_back
    return tb is not None
