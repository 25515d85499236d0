"""Say which sink gets which alerts."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ConfigError
from .delivery import AlertSink
from .model import Severity


@dataclass(frozen=True, slots=True)
class Route:
    """
    Limit *sink* to alerts that are at least as bad as *min_severity*.

    Raises:
        ConfigError: If *sink* has no ``emit`` or *min_severity* is no severity.
    """

    sink: AlertSink
    min_severity: str = Severity.ERROR

    def __post_init__(self) -> None:
        if not callable(getattr(self.sink, "emit", None)):
            raise ConfigError(f"sinks must be alert sinks or routes, got {type(self.sink).__name__}")
        if Severity.parse(self.min_severity) is None:
            takes = ", ".join(Severity)
            raise ConfigError(f"min_severity must be one of {takes}, got {self.min_severity!r}")

    @property
    def severities(self) -> tuple[Severity, ...]:
        """What goes to the sink."""
        least = Severity.parse(self.min_severity) or Severity.ERROR
        return tuple(severity for severity in Severity if severity.rank >= least.rank)
