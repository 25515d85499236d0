"""The rules of a place that remembers which failures people know about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..alerts.dedupe import Dedupe, Granted, Held
from ..alerts.window import NO_REPEATS, Repeats
from ..ids import new_step_id
from .rules import PATIENCE, closes_twice, complain, complaints, in_threads

MakeDedupe: TypeAlias = Callable[[], Dedupe]

#: Seconds that surely are not over before a rule has looked, and some that soon are.
_LONG: Final = 600.0
_SHORT: Final = 0.2
_THREADS: Final = 8
_ROUNDS: Final = 10
_START_NS: Final = 1_700_000_000_000_000_000


def check_dedupe(make_dedupe: MakeDedupe, *, wait: Callable[[float], object] | None = None) -> None:
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
    setting = Setting(make_dedupe, wait or threading.Event().wait)
    complain("place", "obskit.alerts.dedupe.Dedupe", complaints(RULES, setting))


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules are tried with."""

    make: MakeDedupe
    wait: Callable[[float], object]

    def lease_in_time(self, dedupe: Dedupe, key: str, token: str) -> Granted | None:
        """Ask again and again until the time that *key* is held for is over; None if it never is."""
        for _ in range(25):
            self.wait(_SHORT)
            if isinstance(answer := dedupe.lease(key, token, _LONG, NO_REPEATS), Granted):
                return answer
        return None


def _times(count: int, first_us: int = 0, last_us: int = 0) -> Repeats:
    return Repeats(count, _START_NS + first_us * 1_000, _START_NS + last_us * 1_000)


def _key() -> str:
    return f"check-{new_step_id()}"


def _expected(what: str, wanted: object, got: object) -> str | None:
    return None if got == wanted else f"{what}: expected {wanted}, got {got}"


def _holds(answer: Granted | Held, at_most: float) -> bool:
    return isinstance(answer, Held) and 0 < answer.seconds <= at_most


# --- the rules ---


def _grants_once(setting: Setting) -> str | None:
    key, first, second = _key(), setting.make(), setting.make()
    answers = [
        first.lease(key, "a", _LONG, _times(1)),
        second.lease(key, "b", _LONG, _times(1)),
        first.lease(key, "c", _LONG, _times(1)),
    ]
    if answers[0] == Granted() and all(_holds(answer, _LONG) for answer in answers[1:]):
        return None
    return f"three leases of one key were answered {answers}"


def _grants_the_holder_again(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.count(key, _times(2, 1, 5))
    dedupe.lease(key, "a", _LONG, _times(1))
    again = setting.make().lease(key, "a", _LONG, _times(1))
    return _expected("the same token", Granted(_times(2, 1, 5)), again)


def _counts_what_is_held(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.lease(key, "a", _LONG, NO_REPEATS)
    dedupe.lease(key, "b", _LONG, _times(1, 7, 7))
    dedupe.lease(key, "c", _LONG, _times(4, 3, 9))
    dedupe.count(key, _times(2**40, 5, 8))
    dedupe.delivered(key, "a", _SHORT)
    answer = setting.lease_in_time(dedupe, key, "d")
    return _expected("the next lease", Granted(_times(2**40 + 5, 3, 9)), answer)


def _window_begins_at_delivery(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.count(key, _times(3))
    dedupe.lease(key, "a", _LONG, NO_REPEATS)
    dedupe.delivered(key, "a", _LONG)
    if not _holds(held := dedupe.lease(key, "b", _LONG, NO_REPEATS), _LONG):
        return f"within the window: {held}"
    dedupe.end(key)
    dedupe.lease(key, "c", _LONG, NO_REPEATS)
    dedupe.delivered(key, "c", _SHORT)
    return _expected("after the window", Granted(), setting.lease_in_time(dedupe, key, "d"))


def _release_leaves_no_silence(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.count(key, _times(2, 1, 2))
    dedupe.lease(key, "a", _LONG, NO_REPEATS)
    dedupe.count(key, _times(1, 4, 4))
    dedupe.release(key, "a")
    return _expected("after a release", Granted(_times(3, 1, 4)), dedupe.lease(key, "b", _LONG, NO_REPEATS))


def _lease_expires(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.count(key, _times(2, 1, 2))
    dedupe.lease(key, "a", _SHORT, NO_REPEATS)
    dedupe.count(key, _times(1, 4, 4))
    answer = setting.lease_in_time(dedupe, key, "b")
    return _expected("after the lease", Granted(_times(3, 1, 4)), answer)


def _renewing_holds(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.lease(key, "a", _SHORT, NO_REPEATS)
    answers = [dedupe.renew(key, "a", _LONG), dedupe.renew(key, "b", _LONG), dedupe.renew(_key(), "a", _LONG)]
    if answers != [True, False, False]:
        return f"the holder, another token and an unknown key were answered {answers}"
    setting.wait(2 * _SHORT)
    held = dedupe.lease(key, "b", _LONG, NO_REPEATS)
    return None if _holds(held, _LONG) else f"after the first lease: {held}"


def _strangers_change_nothing(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.delivered(key, "nobody", _LONG)
    dedupe.release(key, "nobody")
    if (answer := dedupe.lease(key, "a", _LONG, NO_REPEATS)) != Granted():
        return f"a token without lease was delivered: {answer}"
    dedupe.release(key, "b")
    dedupe.delivered(key, "b", _SHORT / 10)
    setting.wait(2 * _SHORT)
    held = dedupe.lease(key, "c", _LONG, NO_REPEATS)
    return None if _holds(held, _LONG) else f"another token was released and delivered: {held}"


def _ending_tells_and_forgets(setting: Setting) -> str | None:
    key, dedupe = _key(), setting.make()
    dedupe.count(key, _times(2, 1, 2))
    dedupe.lease(key, "a", _LONG, NO_REPEATS)
    dedupe.count(key, _times(1, 4, 4))
    told = [dedupe.end(key), dedupe.end(key)]
    dedupe.delivered(key, "a", _LONG)
    answer = dedupe.lease(key, "b", _LONG, NO_REPEATS)
    wanted = [_times(1, 4, 4), NO_REPEATS, Granted()]
    return _expected("two ends and a lease", wanted, [*told, answer])


def _keys_are_apart(setting: Setting) -> str | None:
    dedupe, stem = setting.make(), _key()
    ends = ["", ":error@Sink-1", ":error@Sink-2", "%", "_", "é\u20ac😀 '\"", "-" * (300 - len(stem))]
    keys = [stem.upper(), *(stem + end for end in ends)]
    answers = [dedupe.lease(key, f"token-{number}", _LONG, NO_REPEATS) for number, key in enumerate(keys)]
    return _expected("one lease for each key", [Granted()] * len(keys), answers)


def _is_atomic(setting: Setting) -> str | None:
    keys = [_key() for _ in range(_ROUNDS)]
    rounds = threading.Barrier(_THREADS, timeout=PATIENCE / 2)
    granted: list[str] = []

    def ask(number: int) -> None:
        """Ask for each key at the same moment as the others."""
        dedupe = setting.make()
        for key in keys:
            rounds.wait()
            if isinstance(dedupe.lease(key, f"token-{number}", _LONG, _times(1)), Granted):
                granted.append(key)

    if fault := in_threads(_THREADS, ask):
        return fault
    counts = [setting.make().end(key).count for key in keys]
    if sorted(granted) == sorted(keys) and counts == [_THREADS - 1] * _ROUNDS:
        return None
    return f"{_THREADS} asked for each of {_ROUNDS} keys: {len(granted)} were granted, {counts} were counted"


def _closes_twice(setting: Setting) -> None:
    closes_twice(setting.make)


#: What obskit relies on, and why: each function says what is wrong, or raises it.
RULES: Final[dict[Callable[[Setting], str | None], str]] = {
    _grants_once: "A key is leased to one token: one of many processes tells people.",
    _grants_the_holder_again: "The holder is granted its lease again: a spool goes on after a crash.",
    _counts_what_is_held: "What is held is counted and handed to the next: every repeat is reported.",
    _window_begins_at_delivery: "The window begins with the delivery, which reports what was handed out.",
    _release_leaves_no_silence: "A release lets the next one send at once, and loses no count.",
    _lease_expires: "A lease expires: a process that died silences nothing.",
    _renewing_holds: "The holder, and nobody else, can renew: a long delivery lets no second one in.",
    _strangers_change_nothing: "A token that does not hold the lease changes nothing: it came too late.",
    _ending_tells_and_forgets: "end returns what is not reported and forgets: after a recovery all is news.",
    _keys_are_apart: "Keys of any characters, up to 300 of them, are kept apart: no failure hides another.",
    _is_atomic: "Of many who ask at once one is granted, and the others are counted.",
    _closes_twice: "close is idempotent: a program may close twice, for instance at exit.",
}
