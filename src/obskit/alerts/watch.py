"""
Do what is due when no call comes: tell of repeats, of storms, and of what was spooled.

Its thread starts with the first thing to watch. It only writes messages and hands
them to the lanes, which deliver them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from ..clock import Deadline
from ..encoding.budget import shorten
from ..ids import new_trace_id
from ..runtime import current
from ..worker import Worker
from .dedupe import Granted, Held
from .delivery import Delivery, Kind, delivery_token
from .lane import LOCAL_LEASE, Job, Lane, Terms
from .model import Alert, SafeAlert, Severity, secured
from .window import NO_REPEATS, Repeats

#: Seconds over which one digest tells of a storm.
STORM_PAUSE: Final = 60.0
#: Bounds of the seconds between two looks at windows and spool.
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
#: Seconds that the shared place has to take over what was counted, also where no time is left.
_LEAST: Final = 0.2
#: Messages that one summary tells of, and characters of each; of more there is only a number.
_TOLD: Final = 20
_LENGTH: Final = 120

#: Returns the seconds until it is to be done again.
_Chore: TypeAlias = Callable[[], float | None]


class Watch:
    """
    Looks after the lanes of one alerter.

    Args:
        lanes: Who delivers.
        terms: What the lanes have in common.
        incidents: The last alert of each incident key and severity.
    """

    def __init__(
        self, lanes: Iterable[Lane], terms: Terms, incidents: Mapping[tuple[str, Severity], SafeAlert]
    ) -> None:
        self._lanes = tuple(lanes)
        self._terms = terms
        self._incidents = incidents
        self._worker: Worker[_Chore] = Worker(
            lambda chore: chore(), capacity=len(self._lanes) + 2, clock=terms.clock, name="obskit-alerts"
        )

    def start_anew(self) -> None:
        """Watch nothing yet, as in a forked child."""
        self._unwatched = threading.Lock()  # nobody gives it back: of several threads one starts to look
        self._draining = threading.RLock()  # a signal handler may flush or close meanwhile

    def start(self) -> None:
        """Look from now on, where there is anything to look for."""
        has_chores = self._terms.digests or self._terms.spool is not None
        if has_chores and self._unwatched.acquire(blocking=False):
            self._worker.submit(self._look)

    def storm_began(self, lane: Lane) -> None:
        """Take note that *lane* has begun to hold alerts back."""
        self._worker.submit(lambda: self._tell_storm(lane), STORM_PAUSE)

    def drain(self) -> None:
        """Deliver what lies in the spool and nobody works at."""
        spool = self._terms.spool
        if spool is None or not self._lanes:
            return
        with self._draining:
            for name, job in spool.claim(min(lane.room for lane in self._lanes)):
                lane = self._lane_for(name, job)
                if job.mark is not None:
                    answer = lane.windows.lease(job.mark, job.lease, LOCAL_LEASE, job.occurred)
                    if isinstance(answer, Held):
                        lane.settle(job, "duplicate")
                        continue
                lane.deliver(job)

    def hand_over(self, timeout: float) -> None:
        """
        Let the shared place keep what was counted here, so that whoever tells next tells of it too.

        It is asked for each window; what it does not get to in *timeout* seconds stays here.
        """
        shared = self._terms.shared
        if not shared.outlives_us:
            return
        deadline = Deadline(max(timeout, _LEAST))
        for windows in (lane.windows for lane in self._lanes):
            for mark in windows.unreported():
                if not deadline.left():
                    return
                repeats = windows.take(mark)
                if repeats.count and not shared.count(mark, repeats):
                    windows.count(mark, repeats)

    def close(self, timeout: float) -> None:
        """Stop watching, and tell what is left to tell; half of *timeout* is for those who deliver it."""
        self._worker.close(0.0)
        self.drain()
        self.hand_over(timeout / 2)
        for lane in self._lanes:
            self._tell_storm(lane)
            taken = {mark: lane.windows.take(mark) for mark in lane.windows.unreported()}
            # A message on its way reports the others.
            if told := {mark: repeats for mark, repeats in taken.items() if repeats.count}:
                self._tell_the_rest(lane, told)

    def _look(self) -> float:
        """Tell of the windows that are over, and drain the spool; returns the seconds until the next look."""
        pause = min(_LONGEST_PAUSE, self._terms.window)  # so that no window begins and ends unseen
        self.drain()
        if self._terms.digests:
            for lane in self._lanes:
                for mark in lane.windows.over():
                    self._tell_again(lane, mark)
                pause = min(pause, lane.windows.next_end())
        return max(pause, _SHORTEST_PAUSE)

    def _lane_for(self, name: str, job: Job) -> Lane:
        """Find the lane that a message was meant for, or one that takes such messages, or any."""
        severity = job.delivery.alert.severity
        return max(self._lanes, key=lambda lane: (lane.name == name, severity in lane.route.severities))

    # --- what is told ---

    def _tell_again(self, lane: Lane, mark: str) -> None:
        """Tell at the end of its window that something happened again, which begins a window."""
        lease = new_trace_id()
        answer = lane.windows.lease(mark, lease, LOCAL_LEASE, NO_REPEATS)
        if not isinstance(answer, Granted):  # somebody is telling of it just now
            return
        # Trace id and links are those of the first occurrence.
        alert = SafeAlert(replace(self._incident(mark), trace_id=None, links={}))
        key, _ = _parts(mark)
        message = self._terms.message(
            alert, key, self._terms.token(mark, Kind.SUMMARY), Kind.SUMMARY, answer.repeats
        )
        self._tell(lane, Job(delivery=message, mark=mark, lease=lease))

    def _tell_storm(self, lane: Lane) -> None:
        """Tell what a storm held back."""
        if (taken := lane.storm.take()) is not None:
            repeats, worst, messages = taken
            alerts = f"{repeats.count} alert{'s' * (repeats.count != 1)}"
            title = f"A storm: {alerts} had no message of their own, among them:"
            delivery = self._summary(title, worst, messages, f"storm@{lane.name}", repeats)
            self._tell(lane, Job(delivery=delivery, counts_as="throttled"))

    def _tell_the_rest(self, lane: Lane, told: Mapping[str, Repeats]) -> None:
        """Tell at the end of the program what happened again since the last messages."""
        messages = [(self._incident(mark).message, repeats.count) for mark, repeats in told.items()]
        parts = [_parts(mark) for mark in told]
        worst = max((severity for _, severity in parts), key=lambda severity: severity.rank)
        title = "Stopping. Since they were last told, these happened again:"
        repeats = functools.reduce(Repeats.plus, told.values())
        self._tell(lane, Job(delivery=self._summary(title, worst, messages, parts[0][0], repeats)))

    def _incident(self, mark: str) -> SafeAlert:
        """Return what is known of the incident of *mark*."""
        key, severity = _parts(mark)
        known = self._incidents.get((key, severity))
        if known is not None:
            return known
        unknown = Alert(severity=severity, message=f"A failure happened again: {key[:8]}")
        return secured(unknown, current().gate)

    def _summary(
        self, title: str, severity: Severity, messages: Sequence[tuple[str, int]], key: str, repeats: Repeats
    ) -> Delivery:
        """Write one message about several, each with how often it came."""
        gate = current().gate
        lines = [
            title,
            *(f"{count} x {shorten(gate.text(text), _LENGTH)}" for text, count in messages[:_TOLD]),
        ]
        if len(messages) > _TOLD:
            lines.append(f"and {len(messages) - _TOLD} more")
        alert = secured(Alert(severity=severity, message="\n".join(lines)), gate)
        token = delivery_token(Kind.SUMMARY, self._terms.clock.time_ns(), key)
        return self._terms.message(alert, key, token, Kind.SUMMARY, repeats)

    def _tell(self, lane: Lane, job: Job) -> None:
        if self._terms.spool is not None:
            self._terms.spool.add({lane.name: job})
        lane.deliver(job)


def _parts(mark: str) -> tuple[str, Severity]:
    """Read incident key and severity from the name of a window, see `Lane.mark`."""
    key, _, rest = mark.partition(":")
    return key, Severity(rest.partition("@")[0])
