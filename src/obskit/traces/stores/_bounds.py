"""How many traces a store keeps, for how long, and when it gives one up."""

from __future__ import annotations

from dataclasses import dataclass

from ...settings import seconds, whole_number

#: Signs of life in the time after which a process without one counts as gone.
_BEATS = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    What every store keeps to.

    Args:
        per_user: Traces kept of one user.
        total: Traces kept in all.
        ttl: Seconds from its start after which a trace is forgotten; None keeps it
            until others take its place.
        lost_after: Seconds without a sign of life after which the running traces of a
            process are shown as lost; None where the store sees by itself who is gone.

    Raises:
        ConfigError: If one of them is no number above 0.
    """

    per_user: int = 100
    total: int = 1_000
    ttl: float | None = None
    lost_after: float | None = None

    def __post_init__(self) -> None:
        whole_number("per_user", self.per_user)
        whole_number("total", self.total)
        for name in ("ttl", "lost_after"):
            if getattr(self, name) is not None:
                seconds(name, getattr(self, name))

    @property
    def beat_every(self) -> float | None:
        """Seconds from one sign of life to the next; None where nobody needs one."""
        return self.lost_after and self.lost_after / _BEATS

    def horizon_ns(self, now_ns: int) -> int:
        """Return the latest start of what is too old at *now_ns* of the same clock."""
        return -1 if self.ttl is None else now_ns - int(self.ttl * 1e9)

    def oldest_key(self, now_ns: int) -> str:
        """Return what sorts before every `Change.key` that is not too old at *now_ns* of the wall clock."""
        return f"{max(0, self.horizon_ns(now_ns) + 1):016x}"
