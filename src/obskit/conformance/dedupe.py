"""The rules of a place that remembers which failures people know about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ..alerts.dedupe import Dedupe, Granted, Held
from ..alerts.window import NO_REPEATS, Repeats
from ..ids import new_step_id
from . import rules
from .rules import Rules, check, expect, in_threads

#: Seconds that surely are not over before a rule has looked, and some that soon are.
_LONG: Final = 600.0
_SHORT: Final = 0.2
_THREADS: Final = 8
_ROUNDS: Final = 10
_START_NS: Final = 1_700_000_000_000_000_000


def check_dedupe(make_dedupe: Callable[[], Dedupe], *, wait: Callable[[float], object] | None = None) -> None:
    """
    Check that the place which *make_dedupe* opens keeps the rules of `obskit.alerts.dedupe.Dedupe`.

    Args:
        make_dedupe: Opens the place. It is called several times, and what one object
            remembers the others know.
        wait: Makes a number of seconds pass, where the place goes by a `FakeClock`;
            otherwise the time is real.

    Raises:
        AssertionError: If a rule is broken; names each, what it is for, and what happened.
    """
    check("place", "obskit.alerts.dedupe.Dedupe", DedupeRules(make_dedupe, wait or threading.Event().wait))


def _key() -> str:
    return f"check-{new_step_id()}"


def _times(count: int, first_us: int = 0, last_us: int = 0) -> Repeats:
    return Repeats(count, _START_NS + first_us * 1_000, _START_NS + last_us * 1_000)


def _lease(dedupe: Dedupe, key: str, token: str, occurred: Repeats = NO_REPEATS) -> Granted | Held:
    return dedupe.lease(key, token, _LONG, occurred)


def _expect_held(when: str, answer: Granted | Held) -> None:
    if not isinstance(answer, Held) or not 0 < answer.seconds <= _LONG:
        raise AssertionError(f"{when}: {answer}")


class DedupeRules(Rules[Dedupe]):
    """What `obskit.alerts.dedupe.Dedupe` asks for."""

    def __init__(self, make: Callable[[], Dedupe], wait: Callable[[float], object]) -> None:
        super().__init__(make)
        self.wait: Final = wait

    def grants_once(self) -> None:
        """A key is leased to one token: one of many processes tells people."""
        key, first, second = _key(), self.make(), self.make()
        expect("the first lease", Granted(), _lease(first, key, "a", _times(1)))
        _expect_held("a lease from elsewhere", _lease(second, key, "b", _times(1)))
        _expect_held("a third lease", _lease(first, key, "c", _times(1)))

    def grants_the_holder_again(self) -> None:
        """The holder is granted its lease again: a spool goes on after a crash."""
        key, dedupe = _key(), self.make()
        dedupe.count(key, _times(2, 1, 5))
        _lease(dedupe, key, "a", _times(1))
        expect("the same token", Granted(_times(2, 1, 5)), _lease(self.make(), key, "a", _times(1)))

    def counts_what_is_held(self) -> None:
        """What is held is counted and handed to the next: every repeat is reported."""
        key, dedupe = _key(), self.make()
        _lease(dedupe, key, "a")
        _lease(dedupe, key, "b", _times(1, 7, 7))
        _lease(dedupe, key, "c", _times(4, 3, 9))
        dedupe.count(key, _times(2**40, 5, 8))
        dedupe.delivered(key, "a", _SHORT)
        expect("the next lease", Granted(_times(2**40 + 5, 3, 9)), self._lease_in_time(dedupe, key))

    def window_begins_at_delivery(self) -> None:
        """The window begins with the delivery, which reports what was handed out."""
        key, dedupe = _key(), self.make()
        dedupe.count(key, _times(3))
        _lease(dedupe, key, "a")
        dedupe.delivered(key, "a", _LONG)
        _expect_held("within the window", _lease(dedupe, key, "b"))
        dedupe.end(key)
        _lease(dedupe, key, "c")
        dedupe.delivered(key, "c", _SHORT)
        expect("after the window", Granted(), self._lease_in_time(dedupe, key))

    def release_leaves_no_silence(self) -> None:
        """A release lets the next one send at once, and loses no count."""
        key, dedupe = _key(), self.make()
        dedupe.count(key, _times(2, 1, 2))
        _lease(dedupe, key, "a")
        dedupe.count(key, _times(1, 4, 4))
        dedupe.release(key, "a")
        expect("after a release", Granted(_times(3, 1, 4)), _lease(dedupe, key, "b"))

    def lease_expires(self) -> None:
        """A lease expires: a process that died silences nothing."""
        key, dedupe = _key(), self.make()
        dedupe.count(key, _times(2, 1, 2))
        dedupe.lease(key, "a", _SHORT, NO_REPEATS)
        dedupe.count(key, _times(1, 4, 4))
        expect("after the lease", Granted(_times(3, 1, 4)), self._lease_in_time(dedupe, key))

    def renewing_holds(self) -> None:
        """The holder, and nobody else, can renew: a long delivery lets no second one in."""
        key, dedupe = _key(), self.make()
        dedupe.lease(key, "a", _SHORT, NO_REPEATS)
        expect("the holder renews", True, dedupe.renew(key, "a", _LONG))
        expect("another token renews", False, dedupe.renew(key, "b", _LONG))
        expect("an unknown key is renewed", False, dedupe.renew(_key(), "a", _LONG))
        self.wait(2 * _SHORT)
        _expect_held("after the first lease", _lease(dedupe, key, "b"))

    def strangers_change_nothing(self) -> None:
        """A token that does not hold the lease changes nothing: it came too late."""
        key, dedupe = _key(), self.make()
        dedupe.delivered(key, "nobody", _LONG)
        dedupe.release(key, "nobody")
        expect("after a delivery without lease", Granted(), _lease(dedupe, key, "a"))
        dedupe.release(key, "b")
        dedupe.delivered(key, "b", _SHORT / 10)
        self.wait(2 * _SHORT)
        _expect_held("after another token was released and delivered", _lease(dedupe, key, "c"))

    def ending_tells_and_forgets(self) -> None:
        """`end` returns what is not reported and forgets: after a recovery all is news."""
        key, dedupe = _key(), self.make()
        dedupe.count(key, _times(2, 1, 2))
        _lease(dedupe, key, "a")
        dedupe.count(key, _times(1, 4, 4))
        expect("end", _times(1, 4, 4), dedupe.end(key))
        expect("a second end", NO_REPEATS, dedupe.end(key))
        dedupe.delivered(key, "a", _LONG)
        expect("the next lease", Granted(), _lease(dedupe, key, "b"))

    def keys_are_apart(self) -> None:
        """Keys of any characters, up to 300 of them, are kept apart: no failure hides another."""
        dedupe, stem = self.make(), _key()
        ends = ["", ":error@Sink-1", ":error@Sink-2", "%", "_", "é\u20ac😀 '\"", "-" * (300 - len(stem))]
        for number, key in enumerate([stem.upper(), *(stem + end for end in ends)]):
            expect(f"the lease of {key!r:.50}", Granted(), _lease(dedupe, key, f"token-{number}"))

    def is_atomic(self) -> None:
        """Of many who ask at once one is granted, and the others are counted."""
        keys = [_key() for _ in range(_ROUNDS)]
        rounds = threading.Barrier(_THREADS, timeout=rules.PATIENCE / 2)
        granted: list[str] = []

        def ask(number: int) -> None:
            """Ask for each key at the same moment as the others."""
            dedupe = self.make()
            for key in keys:
                rounds.wait()
                if isinstance(_lease(dedupe, key, f"token-{number}", _times(1)), Granted):
                    granted.append(key)

        in_threads(_THREADS, ask)
        expect("keys that were granted", sorted(keys), sorted(granted))
        counts = [self.make().end(key).count for key in keys]
        expect("how often each was counted", [_THREADS - 1] * _ROUNDS, counts)

    def _lease_in_time(self, dedupe: Dedupe, key: str) -> Granted | Held:
        """Ask again and again until the time that *key* is held for is over, or far too late."""
        answer: Granted | Held = Held(0)
        for _ in range(25):
            if isinstance(answer, Held):
                self.wait(_SHORT)
                answer = _lease(dedupe, key, "late")
        return answer
