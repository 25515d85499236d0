"""Read the loose arguments of a log call as `logging` reads them, without ever raising."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import cast

from ..errors import type_name
from ..interrupts import let_pass


def format_message(msg: object, args: object, fields: dict[str, object]) -> str:
    """
    Put *args* into *msg* by ``%``.

    Where they do not fit, the template stays as it is; the arguments and the kind
    of error are added to *fields* as ``_args`` and ``_format_error``.

    >>> format_message("%s of %d", ("one", 3), {})
    'one of 3'
    """
    try:
        template = msg if isinstance(msg, str) else str(msg)
        if not args:
            return template
        # A single mapping serves "%(name)s", as in `logging`.
        if type(args) is tuple and len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
            return template % args[0]
        return template % args
    # The code of the arguments runs here, and any of it may fail in any way.
    except Exception as error:
        let_pass(error)
        fields["_args"] = args
        fields["_format_error"] = type_name(error)
        return msg if type(msg) is str else f"[unreadable {type_name(msg)}]"


def find_exception(exc_info: object) -> BaseException | None:
    """
    Find the exception that *exc_info* means.

    Args:
        exc_info: An exception, the tuple of `sys.exc_info`, or something true for
            the exception that is being handled.
    """
    # By type, here and below: isinstance() and bool() would ask a hostile object itself.
    kind = type(exc_info)
    if issubclass(kind, BaseException):
        return cast("BaseException", exc_info)
    if kind is tuple:
        parts = cast("tuple[object, ...]", exc_info)
        return next(
            (cast("BaseException", part) for part in parts if issubclass(type(part), BaseException)), None
        )
    return None if kind in (bool, int, type(None)) and not exc_info else sys.exc_info()[1]
