"""Read settings from the environment, strictly, and remember what was odd about them."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import told


class Environment:
    """
    Reads variables; what is set but cannot be meant is noted, not guessed.

    Args:
        variables: Names and values, such as `os.environ`.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.notices: list[str] = []  #: one sentence for each value that was not taken

    def text(self, name: str, default: str = "") -> str:
        """Return the value of *name*; what is empty counts as not set."""
        return self._variables.get(name, "").strip() or default

    def setting(
        self, name: str, given: str | int | None, variable: str, default: str
    ) -> tuple[str, str | int]:
        """Return *name* and what was *given*; where that is None, *variable* and its value."""
        return (variable, self.text(variable, default)) if given is None else (name, given)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a switch: exactly ``true`` or ``false``; anything else is off and noted."""
        value = self._variables.get(name, "")
        if not value:
            return default
        if value not in ("true", "false"):
            self.notices.append(f"{name} must be true or false, got {told(value)}: taken as false")
        return value == "true"

    def seconds(self, name: str, default: float) -> float:
        """Return a number of seconds above zero; anything else is noted and the default taken."""
        value = self.text(name, "")
        try:
            seconds = float(value) if value else default
        except ValueError:
            seconds = 0.0
        if 0 < seconds < float("inf"):
            return seconds
        self.notices.append(f"{name} must be seconds above 0, got {told(value)}: taken as {default:g}")
        return default
