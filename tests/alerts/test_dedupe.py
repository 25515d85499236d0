"""Places that remember what people know keep the rules, and the kit finds those that do not."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import obskit.alerts.dedupe
from obskit.alerts.dedupe import Granted, Held, MemoryDedupe, SQLiteDedupe
from obskit.alerts.window import NO_REPEATS, Repeats
from obskit.conformance import rules
from obskit.errors import ConfigError, StoreError
from obskit.testing import FakeClock, check_dedupe


def test_the_memory_keeps_the_rules() -> None:
    """In real time."""
    place = MemoryDedupe()
    check_dedupe(lambda: place)


def test_the_sqlite_file_keeps_the_rules(tmp_path: Path) -> None:
    """Several objects, each with connections of its own, on one file."""
    check_dedupe(lambda: SQLiteDedupe(tmp_path / "alerts.db"))


def test_the_rules_can_be_tried_with_a_clock_that_is_advanced(clock: FakeClock) -> None:
    """A place that goes by a clock of its own needs no waiting."""
    place = MemoryDedupe(clock=clock)
    check_dedupe(lambda: place, wait=clock.advance)


class Forgetful(MemoryDedupe):
    """Grants everybody."""

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """Forget first."""
        self.end(key)
        return super().lease(key, token, seconds, occurred)


class Deaf(MemoryDedupe):
    """Counts nothing, renews for anybody and never lets go."""

    def count(self, key: str, repeats: Repeats, /) -> None:
        """Do nothing."""

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """Agree."""
        return True

    def release(self, key: str, token: str, /) -> None:
        """Do nothing."""


class Eternal(MemoryDedupe):
    """Holds a lease for ever, and a window of anybody."""

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """Hold it."""
        return super().lease(key[:20], token, 3600.0, occurred)

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """Forget."""
        self.end(key)


class Broken(MemoryDedupe):
    """Fails."""

    def lease(self, key: str, token: str, seconds: float, occurred: Repeats, /) -> Granted | Held:
        """Fail."""
        raise StoreError("down")

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """Lose the lease that it should hold longer."""
        self.end(key)
        return False


class HalfRenewing(MemoryDedupe):
    """Says that it has renewed, to the right one, and has not."""

    def renew(self, key: str, token: str, seconds: float, /) -> bool:
        """Tell."""
        return self._marks.get(key) is not None and self._marks[key].token == token


class Generous(MemoryDedupe):
    """Takes a message of anybody for the holder's."""

    def delivered(self, key: str, token: str, window: float, /) -> None:
        """Open a window, whoever asks."""
        if key not in self._marks:
            super().lease(key, token, window, NO_REPEATS)
        super().delivered(key, self._marks[key].token or token, window)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Forgetful, ["leased to one token", "window begins with the delivery", "Of many who ask"]),
        (Deaf, ["counted and handed to the next", "A release lets", "The holder, and nobody else"]),
        (Eternal, ["A lease expires", "are kept apart", "window begins with the delivery"]),
        (Broken, ["StoreError: down"]),
        (HalfRenewing, ["after the first lease: Granted"]),
        (Generous, ["after a delivery without lease", "A token that does not hold the lease"]),
    ],
)
def test_a_bad_place_is_told_which_rule_it_breaks(
    kind: type[MemoryDedupe], words: list[str], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each rule finds the place that was made to break it."""
    monkeypatch.setattr(rules, "PATIENCE", 3.0)
    place = kind(clock=clock)
    with pytest.raises(AssertionError) as caught:
        check_dedupe(lambda: place, wait=clock.advance)
    assert [word for word in words if word not in str(caught.value)] == []
    assert str(caught.value).startswith("the place breaks")


def test_a_stranger_who_changes_something_is_found(clock: FakeClock) -> None:
    """Releasing for anybody breaks the rule too."""

    class Careless(MemoryDedupe):
        def release(self, key: str, token: str, /) -> None:
            super().release(key, str(self._marks[key].token) if key in self._marks else token)

    place = Careless(clock=clock)
    with pytest.raises(AssertionError, match="another token was released and delivered"):
        check_dedupe(lambda: place, wait=clock.advance)


def test_marks_outlive_the_process_and_old_ones_go(tmp_path: Path, clock: FakeClock) -> None:
    """What nobody has changed for a week is forgotten."""
    path = tmp_path / "alerts.db"
    first = SQLiteDedupe(path, clock=clock)
    first.count("old", Repeats(2, 1000, 2000))
    first.close()
    clock.advance(6 * 24 * 3600)
    second = SQLiteDedupe(path, clock=clock)
    second.count("new", Repeats(1, 1000, 1000))
    assert second.lease("old", "a", 1.0, NO_REPEATS) == Granted(Repeats(2, 1000, 2000))
    clock.advance(8 * 24 * 3600)
    second.count("other", Repeats(1, 1000, 1000))
    assert second.end("old") == second.end("new") == NO_REPEATS


def test_a_wall_clock_that_was_set_back_makes_no_silence(tmp_path: Path) -> None:
    """A mark from the future holds nobody up, and keeps its counts."""
    path = tmp_path / "alerts.db"
    ahead = SQLiteDedupe(path, clock=FakeClock(1_700_003_600))
    for key in ("window", "lease"):
        ahead.lease(key, "a", 60.0, NO_REPEATS)
        ahead.count(key, Repeats(3, 1000, 2000))
    ahead.delivered("window", "a", 300.0)
    back = SQLiteDedupe(path, clock=FakeClock(1_700_000_000))
    for key in ("window", "lease"):
        assert back.lease(key, "b", 60.0, NO_REPEATS) == Granted(Repeats(3, 1000, 2000))


def test_a_window_in_memory_ends_while_the_machine_sleeps() -> None:
    """A frozen Lambda environment stops the monotonic clock; the wall clock goes on."""

    class Frozen(FakeClock):
        asleep = 0

        def time_ns(self) -> int:
            return super().time_ns() + self.asleep

    clock = Frozen()
    place = MemoryDedupe(clock=clock)
    place.lease("key", "a", 60.0, NO_REPEATS)
    place.delivered("key", "a", 300.0)
    clock.asleep = 299 * 10**9
    assert isinstance(place.lease("key", "b", 60.0, NO_REPEATS), Held)
    clock.asleep = 0  # the wall clock is set back: what has passed has passed
    assert isinstance(place.lease("key", "b", 60.0, NO_REPEATS), Held)
    clock.advance(2)
    assert isinstance(place.lease("key", "b", 60.0, NO_REPEATS), Granted)


def test_a_wrong_path_is_refused() -> None:
    """The error comes when the place is made."""
    with pytest.raises(ConfigError):
        SQLiteDedupe(":memory:")


def test_what_is_not_there_is_an_attribute_error() -> None:
    """As with any module."""
    module: Any = obskit.alerts.dedupe
    with pytest.raises(AttributeError, match="has no attribute 'MongoDedupe'"):
        _ = module.MongoDedupe
    assert threading.active_count()


def test_what_a_forked_child_keeps_is_the_windows() -> None:
    """What the parent is sending, or will report, is not the child's."""
    place = MemoryDedupe()
    place.lease("told", "a", 60.0, NO_REPEATS)
    place.delivered("told", "a", 60.0)
    place.count("told", Repeats(1, 1, 1))
    place.lease("sending", "a", 60.0, NO_REPEATS)
    place.start_anew()
    assert isinstance(place.lease("told", "b", 60.0, NO_REPEATS), Held)
    assert place.lease("sending", "b", 60.0, NO_REPEATS) == Granted()
    assert not place.unreported()
