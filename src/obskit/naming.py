"""Keep fields that are named like an argument of the function that they are given to."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def takes_any_field(function: Callable[P, R]) -> Callable[P, R]:
    """
    Let *function*, which ends in ``**fields``, take one named like what was given by position.

    It is kept with an underscore at its end, as a field of a log line is that is named like one of ours.

    >>> @takes_any_field
    ... def say(message: str, **fields: object) -> None:
    ...     print(message, fields)
    >>> say("late", **{"message": "bus 7"})
    late {'message_': 'bus 7'}
    """
    code = cast("Any", function).__code__
    names = code.co_varnames[: code.co_argcount]

    @wraps(function)
    def call(*given: Any, **fields: Any) -> Any:
        for name in names[: len(given)]:
            if name in fields:
                fields[f"{name}_"] = fields.pop(name)
        return cast("Any", function)(*given, **fields)

    return cast("Callable[P, R]", call)
