"""Count by name, right also where another thread, a signal handler or a finaliser counts in the middle."""

from __future__ import annotations


def count(counts: dict[str, int], name: str, more: int = 1) -> None:
    """Count *more* under *name*; nobody waits for anybody."""
    # Others come in where something is called, or made, as an exception is: the collector may run then.
    # Between reading and writing nothing is: `Counter` calls `__missing__`, and `get` is a call as well.
    try:
        counts[name] += more
    except KeyError:
        counts.setdefault(name, 0)
        counts[name] += more
