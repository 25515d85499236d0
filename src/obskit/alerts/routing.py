"""Say which sink gets which alerts."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Final

from ..errors import ConfigError
from .delivery import AlertSink
from .model import Severity

#: Messages of one severity that a sink is sent at once, and a minute from then on.
BURST: Final = 1_000
PER_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Route:
    """
    Say what *sink* is sent, and who is told where it fails.

    Args:
        sink: Where alerts go.
        min_severity: The least bad that goes there.
        fallback: A sink that is sent what *sink* did not take, also while it is left
            alone because it fails again and again.
        burst: Messages of one severity that may come at once. What is more is held
            back, and one message tells how much that was and of what.
        per_minute: Messages of one severity a minute after a burst.

    Raises:
        ConfigError: If a sink has no ``emit`` or a setting is wrong.
    """

    sink: AlertSink
    min_severity: str = Severity.ERROR
    _: KW_ONLY
    fallback: AlertSink | None = None
    burst: int = BURST
    per_minute: float = PER_MINUTE

    def __post_init__(self) -> None:
        check_sink(self.sink)
        if self.fallback is not None:
            check_sink(self.fallback)
        if Severity.parse(self.min_severity) is None:
            takes = ", ".join(Severity)
            raise ConfigError(f"min_severity must be one of {takes}, got {self.min_severity!r}")
        if type(self.burst) is not int or self.burst < 1:
            raise ConfigError(f"burst must be a number of messages, 1 or more, got {self.burst!r}")
        if not 0 < self.per_minute < math.inf:
            raise ConfigError(f"per_minute must be a number above 0, got {self.per_minute!r}")

    @property
    def severities(self) -> tuple[Severity, ...]:
        """What goes to the sink."""
        least = Severity.parse(self.min_severity) or Severity.ERROR
        return tuple(severity for severity in Severity if severity.rank >= least.rank)


def check_sink(sink: object) -> None:
    """Refuse what is no sink of alerts."""
    if not callable(getattr(sink, "emit", None)):
        raise ConfigError(f"sinks must be alert sinks or routes, got {type(sink).__name__}")
