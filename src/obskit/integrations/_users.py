"""Ask a program whose request or task it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from .. import runtime
from ..interrupts import let_pass
from ..notices import Notices
from ..traces.counting import COUNTING

T = TypeVar("T")

_NOTICES: Final = Notices()


def user_of(tell: Callable[[T], object] | None, source: T) -> object:
    """Return the user that *tell* reads from *source*; where it raises, that is counted and told once."""
    if tell is None:
        return None
    try:
        return tell(source)
    except Exception as error:
        let_pass(error)
        COUNTING.add(runtime.current().refused, "user_id")
        _NOTICES.tell(type(error).__name__, f"user_id= raised {type(error).__name__}: recorded for nobody")
        return None
