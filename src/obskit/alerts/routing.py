"""Say which sink gets which alerts."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final

from ..settings import having, positive, whole_number, wrong
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
            raise wrong("min_severity", f"one of {', '.join(Severity)}", self.min_severity)
        whole_number("burst", self.burst)
        positive("per_minute", self.per_minute)

    @property
    def severities(self) -> tuple[Severity, ...]:
        """What goes to the sink."""
        least = Severity.parse(self.min_severity) or Severity.ERROR
        return tuple(severity for severity in Severity if severity.rank >= least.rank)


def check_sink(sink: object) -> None:
    """Refuse what is no sink of alerts."""
    having("sinks", sink, "alert sinks or routes", "emit")
