"""Check the numbers that sinks are set up with."""

from __future__ import annotations

import math

from ..errors import ConfigError


def whole_number(setting: str, value: object) -> int:
    """Return *value* if it is a whole number of at least 1; raises `ConfigError` naming *setting*."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{setting} must be a whole number of at least 1, got {value!r}")
    return value


def period(setting: str, value: object) -> float:
    """Return *value* in seconds: a number of at least 1, or ``"day"``."""
    if value == "day":
        return 86_400.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value < math.inf:
        raise ConfigError(f'{setting} must be "day" or at least 1 second, got {value!r}')
    return float(value)
