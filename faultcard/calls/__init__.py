"""
Hostile calls: what a program may hand to a logger on a bad day.

Each is a small function, and its docstring says what is hostile about it. `value`
is for those that only make a value to log; `call` for those that log themselves.
"""

from __future__ import annotations

from faultcard.calls import errors, keys, numbers, objects, structures, texts
from faultcard.calls.model import Call

GROUPS: dict[str, tuple[Call, ...]] = {
    "Numbers and standard types": tuple(numbers.CALLS),
    "Text and messages": tuple(texts.CALLS),
    "Structures": tuple(structures.CALLS),
    "Objects with bad manners": tuple(objects.CALLS),
    "Names and keys": tuple(keys.CALLS),
    "Exceptions": tuple(errors.CALLS),
}

CALLS: dict[str, Call] = {call.name: call for calls in GROUPS.values() for call in calls}
