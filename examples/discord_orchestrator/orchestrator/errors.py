"""
The one way in which a command fails on purpose.
"""

from __future__ import annotations


class CommandFailed(Exception):
    """
    A command cannot be finished.

    Args:
        words: What happened, fit for the user, and the same each time it happens.
        cause: Technical detail for the team; not shown to the user.
        retry_after: Seconds after which another try may succeed; None where it cannot.
        by_user: The user can mend it alone, so nobody else is told.
    """

    def __init__(
        self,
        words: str,
        *,
        cause: str | Exception | None = None,
        retry_after: float | None = None,
        by_user: bool = False,
    ) -> None:
        super().__init__(words)
        self.cause = cause
        self.retry_after = retry_after
        self.by_user = by_user

    @classmethod
    def of(cls, error: Exception) -> CommandFailed:
        """Return *error* itself, or words for one that nobody foresaw."""
        if isinstance(error, cls):
            return error
        return cls(f"Something went wrong on our side ({type(error).__name__}).", cause=error)
