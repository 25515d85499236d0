"""
The five levels of a log event, numbered as the standard library numbers them.

Equal numbers let records of `logging` and events of obskit be compared and
filtered without a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .settings import wrong

DEBUG: Final = 10
INFO: Final = 20
WARN: Final = 30
ERROR: Final = 40
CRITICAL: Final = 50

#: Number to name, as it stands in a line. It is ``warn``, never ``warning``.
NAMES: Final = {DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error", CRITICAL: "critical"}

_NUMBERS: Final = {name: number for number, name in NAMES.items()} | {"warning": WARN}


def parse_level(level: str | int, *, setting: str = "level") -> int:
    """
    Turn the name or the number of a level into its number.

    Args:
        level: One of ``debug info warn error critical`` in any case
            (``warning`` is read as ``warn``), or a number as in `logging`.
        setting: What to call the value in an error message.

    Raises:
        ConfigError: If *level* is none of these.

    >>> parse_level("WARN")
    30
    """
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    number = _NUMBERS.get(level.strip().lower()) if isinstance(level, str) else None
    if number is None:
        raise wrong(setting, f"one of {', '.join(NAMES.values())}", level)
    return number


def level_name(number: int) -> str:
    """
    Name the highest level that is not above *number*; below all it is ``debug``.

    >>> level_name(35)
    'warn'
    """
    name = NAMES.get(number)
    if name is not None:
        return name
    return NAMES[max((known for known in NAMES if known <= number), default=DEBUG)]


class Thresholds:
    """
    The lowest level that is kept, for each logger.

    Args:
        lowest: For loggers that no name in *by_name* stands for.
        by_name: By name of logger; a name also stands for all below it.
    """

    __slots__ = ("by_name", "least", "lowest")

    def __init__(self, lowest: int = INFO, by_name: Mapping[str, int] | None = None) -> None:
        self.lowest: Final = lowest
        self.by_name: Final = dict(by_name or {})
        self.least: Final = min((lowest, *self.by_name.values()))

    def of(self, logger: str | None) -> int:
        """
        Return the lowest level kept of *logger*: the setting of its longest known prefix.

        >>> Thresholds(INFO, {"httpx": WARN}).of("httpx.client")
        30
        """
        name = logger if self.by_name else None
        while name:
            if name in self.by_name:
                return self.by_name[name]
            name = name.rpartition(".")[0]
        return self.lowest
