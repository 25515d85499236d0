"""Ask a shared place what people know about, and send when it cannot say."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Final, TypeVar

from ...clock import Clock
from ...errors import StoreError
from ...interrupts import let_pass
from ..window import NO_REPEATS, Repeats
from ._protocol import Dedupe, Granted, Held
from .memory import MemoryDedupe

R = TypeVar("R")

#: Seconds without another question to a place that has failed: each may cost its time limit.
_RESPITE: Final = 5.0


class FailOpen:
    """
    A place that never raises: two messages are better than none.

    Args:
        dedupe: The shared place; None where there is none, and everybody may send.
        clock: Tells when to ask a place again that has failed.
        tell: Called with what went wrong.
        inside: Threads that are at work here or in a sink.
    """

    def __init__(
        self, dedupe: Dedupe | None, clock: Clock, tell: Callable[[str], None], inside: set[int]
    ) -> None:
        self._dedupe = dedupe
        self._clock = clock
        self._tell = tell
        self._asked_again_ns = 0
        self._inside = inside
        self.failures = 0

    @property
    def outlives_us(self) -> bool:
        """Tell whether it keeps for others what we do not tell."""
        return self._dedupe is not None and type(self._dedupe) is not MemoryDedupe

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """See `Dedupe.lease`."""
        everybody_may: Granted | Held = Granted()
        return self._ask(lambda dedupe: dedupe.lease(key, token, seconds, occurred), everybody_may)

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """See `Dedupe.renew`."""
        return self._ask(lambda dedupe: dedupe.renew(key, token, seconds), True)

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """See `Dedupe.delivered`."""
        self._ask(lambda dedupe: dedupe.delivered(key, token, window), None)

    def release(self, key: str, token: str, /) -> None:
        """See `Dedupe.release`."""
        self._ask(lambda dedupe: dedupe.release(key, token), None)

    def count(self, key: str, repeats: Repeats, /) -> bool:
        """See `Dedupe.count`; False where the caller has to remember them itself."""

        def count(dedupe: Dedupe) -> bool:
            """Say that it was kept."""
            dedupe.count(key, repeats)
            return True

        return self._ask(count, False)

    def end(self, key: str, /) -> Repeats:
        """See `Dedupe.end`."""
        return self._ask(lambda dedupe: dedupe.end(key), NO_REPEATS)

    def close(self) -> None:
        """See `Dedupe.close`."""
        self._asked_again_ns = 0
        self._ask(lambda dedupe: dedupe.close(), None)

    def _ask(self, question: Callable[[Dedupe], R], otherwise: R) -> R:
        now = self._clock.monotonic_ns()
        if self._dedupe is None or now < self._asked_again_ns:
            return otherwise
        thread = get_ident()
        was_inside = thread in self._inside
        self._inside.add(thread)
        try:
            return question(self._dedupe)
        except Exception as error:
            let_pass(error)
            self.failures += 1
            self._asked_again_ns = now + int(_RESPITE * 1e9)
            # The text of a foreign error may say anything.
            reason = str(error) if isinstance(error, StoreError) else type(error).__name__
            self._tell(f"{type(self._dedupe).__name__} failed: {reason}; alerts may come twice")
            return otherwise
        finally:
            if not was_inside:
                self._inside.discard(thread)
