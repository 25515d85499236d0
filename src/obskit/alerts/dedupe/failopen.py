"""Ask a shared place what people know about, and send when it cannot say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..window import NO_REPEATS, Repeats
from ._protocol import Dedupe, Granted, Held

R = TypeVar("R")


class FailOpen:
    """
    A `Dedupe` that never raises: two messages are better than none.

    Args:
        dedupe: The shared place; None where there is none, and everybody may send.
        tell: Called with what went wrong.
    """

    def __init__(self, dedupe: Dedupe | None, tell: Callable[[str], None]) -> None:
        self._dedupe = dedupe
        self._tell = tell

    def lease(self, key: str, token: str, seconds: float, /) -> Granted | Held:
        """See `Dedupe.lease`."""
        everybody_may: Granted | Held = Granted()
        return self._try(lambda dedupe: dedupe.lease(key, token, seconds), everybody_may)

    def renew(self, key: str, token: str, seconds: float, /) -> None:
        """See `Dedupe.renew`."""
        self._try(lambda dedupe: dedupe.renew(key, token, seconds), None)

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """See `Dedupe.delivered`."""
        self._try(lambda dedupe: dedupe.delivered(key, token, window), None)

    def release(self, key: str, token: str, /) -> None:
        """See `Dedupe.release`."""
        self._try(lambda dedupe: dedupe.release(key, token), None)

    def count(self, key: str, repeats: Repeats, /) -> None:
        """See `Dedupe.count`."""
        self._try(lambda dedupe: dedupe.count(key, repeats), None)

    def end(self, key: str, /) -> Repeats:
        """See `Dedupe.end`."""
        return self._try(lambda dedupe: dedupe.end(key), NO_REPEATS)

    def close(self) -> None:
        """See `Dedupe.close`."""
        self._try(lambda dedupe: dedupe.close(), None)

    def _try(self, ask: Callable[[Dedupe], R], otherwise: R) -> R:
        if self._dedupe is None:
            return otherwise
        try:
            return ask(self._dedupe)
        except Exception as error:
            self._tell(f"{type(self._dedupe).__name__} failed: {type(error).__name__}; alerts may come twice")
            return otherwise
