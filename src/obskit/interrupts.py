"""
Tell an exception that is meant for the program from one that came out of a value.

While obskit looks at a value, the value's own code may raise, and that stays
here. But a signal may arrive at the same moment, and what its handler raises
(a timeout, an exit) is the program's business: it must pass.
"""

from __future__ import annotations

from itertools import pairwise
from types import FrameType
from typing import Any, Final

#: `inspect.CO_VARARGS`, whose module takes 10 ms to load.
_CO_VARARGS: Final = 4
#: Reads a traceback past what the exception's class may have under that name.
traceback_of: Final[Any] = BaseException.__dict__["__traceback__"].__get__


def is_interruption(error: BaseException) -> bool:
    """
    Tell whether *error* must pass: Ctrl-C, the end of a generator, or what a signal handler raised.

    A handler is known by its arguments: a number, and the frame that was interrupted.
    """
    if issubclass(type(error), (KeyboardInterrupt, GeneratorExit)):
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
        arguments += values.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], ())
    return any(
        # By type: isinstance() would ask the values themselves, and they may be hostile.
        issubclass(type(number), int) and type(interrupted) is FrameType
        for number, interrupted in pairwise(arguments)
    )
