"""
Do what is due when no call comes: tell of repeats, of storms, and of what was spooled.

Its thread starts with the first thing to watch. It only writes messages and hands
them to the lanes, which deliver them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from ..ids import new_trace_id
from ..runtime import current
from ..worker import Worker
from .dedupe import Granted, Held
from .delivery import Delivery, Kind, delivery_token
from .digest import Digests
from .key import KEY_LENGTH
from .lane import LOCAL_LEASE, Job, Lane, Terms
from .model import SafeAlert
from .window import NO_REPEATS

if TYPE_CHECKING:
    from .spool import Spool, Spooled

#: Seconds over which one digest tells of a storm.
STORM_PAUSE: Final = 60.0
#: Seconds between two looks at windows, where a message about one that is over found no place.
_SHORTEST_PAUSE: Final = 1.0
#: Seconds between two looks at what other processes have left in the spool.
_SPOOL_PAUSE: Final = 30.0


#: Returns the seconds until it is to be done again.
_Chore: TypeAlias = Callable[[], float | None]


class Watch:
    """
    Looks after the lanes of one alerter.

    Args:
        lanes: Who delivers.
        terms: What the lanes have in common.
        incidents: The last alert of each incident key.
    """

    def __init__(self, lanes: Iterable[Lane], terms: Terms, incidents: Mapping[str, SafeAlert]) -> None:
        self._lanes = {lane.name: lane for lane in lanes}
        self._terms = terms
        self._incidents = incidents
        self._worker: Worker[_Chore] = Worker(
            lambda chore: chore(), capacity=len(self._lanes) + 2, clock=terms.clock, name="obskit-alerts"
        )

    def start_anew(self) -> None:
        """Watch nothing yet, as in a forked child."""
        self._windows_watched = self._drain_is_due = False
        self._draining = threading.Lock()

    def repeated(self) -> None:
        """Take note that something was counted."""
        if self._terms.digests and not self._windows_watched:
            self._windows_watched = self._worker.submit(self._tell_repeats)

    def storm_began(self, lane: Lane) -> None:
        """Take note that *lane* has begun to hold alerts back."""
        self._worker.submit(lambda: self._tell_storm(lane), STORM_PAUSE)

    def spooled(self, *, delay: float = _SPOOL_PAUSE) -> None:
        """Take note that something lies in the spool that nobody works at."""
        if not self._drain_is_due:
            self._drain_is_due = self._worker.submit(self._drain_again, delay)

    def hand_over(self) -> None:
        """Let the shared place keep what was counted here, so that whoever tells next tells of it too."""
        if not self._terms.shared.outlives_us:
            return
        for mark in self._terms.windows.unreported():
            repeats = self._terms.windows.take(mark)
            if repeats.count and not self._terms.shared.count(mark, repeats):
                self._terms.windows.count(mark, repeats)

    def close(self) -> None:
        """Stop watching, and tell what is left to tell."""
        self._worker.close(0.0)
        self.drain()
        self.hand_over()
        windows = self._terms.windows
        unreported = list(windows.unreported())
        for lane in self._lanes.values():
            self._tell_storm(lane)
            told = {mark: windows.end(mark) for mark in unreported if mark.endswith(lane.mark(""))}
            if told:
                self._submit(lane, self._digest().stopping(told, self._incidents))

    # --- repeats ---

    def _tell_repeats(self) -> float | None:
        """Tell of the windows that are over; returns the seconds until the next one will be."""
        for mark in self._terms.windows.over():
            self._tell_again(mark)
        # In this order: what is counted from here on is seen now, or begins a new watch.
        self._windows_watched = False
        pause = self._terms.windows.next_end()
        if pause is None:
            return None
        self._windows_watched = True
        return max(pause, _SHORTEST_PAUSE)

    def _tell_again(self, mark: str) -> None:
        lease = new_trace_id()
        answer = self._terms.windows.lease(mark, lease, LOCAL_LEASE, NO_REPEATS)
        if not isinstance(answer, Granted):  # somebody is telling of it just now
            return
        token = delivery_token(mark, Kind.SUMMARY, self._terms.number_of(self._terms.clock.time_ns()))
        alert = self._incidents.get(mark[:KEY_LENGTH])
        delivery = self._digest().again(alert, mark, answer.repeats, token=token)
        self._submit(self._lanes[mark.rpartition("@")[2]], delivery, mark=mark, lease=lease)

    # --- storms ---

    def _tell_storm(self, lane: Lane) -> None:
        if (throttled := lane.storm.take()) is not None:
            self._submit(lane, self._digest().storm(throttled, sink=lane.name), counts_as="throttled")

    def _digest(self) -> Digests:
        runtime = current()
        return Digests(runtime.gate, service=runtime.service, time_ns=self._terms.clock.time_ns())

    def _submit(
        self,
        lane: Lane,
        delivery: Delivery,
        *,
        mark: str | None = None,
        lease: str = "",
        counts_as: str = "suppressed",
    ) -> None:
        job = Job(delivery=delivery, mark=mark, lease=lease, receipt=None, counts_as=counts_as)
        if self._terms.spool is not None:
            self._terms.spool.add({lane.name: job})
        if not lane.submit(job):
            lane.refuse(job)

    # --- the spool ---

    def _drain_again(self) -> float | None:
        self._drain_is_due = False
        pause = self.drain()
        if pause is None or self._drain_is_due:
            return None
        self._drain_is_due = True
        return pause

    def drain(self) -> float | None:
        """Deliver what nobody works at; returns the seconds until the next look, if one is needed."""
        spool = self._terms.spool
        if spool is None or not self._lanes:
            return None
        with self._draining:
            for spooled in spool.claim(min(lane.room for lane in self._lanes.values())):
                self._deliver(spooled, spool)
        return _SPOOL_PAUSE if spool.has_others() else None

    def _deliver(self, spooled: Spooled, spool: Spool) -> None:
        delivery, mark = spooled.delivery, spooled.mark
        severity = delivery.alert.severity
        able = [lane for lane in self._lanes.values() if severity in lane.route.severities]
        lane = self._lanes.get(spooled.lane) or (able or list(self._lanes.values()))[0]
        job = Job(delivery=delivery, mark=mark, lease=spooled.lease, receipt=None, counts_as="spool")
        job.row = spooled.row
        if mark is not None:
            answer = self._terms.windows.lease(mark, spooled.lease, LOCAL_LEASE, job.occurred)
            if isinstance(answer, Held):
                spool.done(spooled.row)
                return
        if not lane.submit(job):
            lane.refuse(job)
