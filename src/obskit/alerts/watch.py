"""
Do what is due when no call comes: tell of repeats, of storms, and of what was spooled.

Its thread starts with the first thing to watch. It only writes messages and hands
them to the lanes, which deliver them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from ..encoding.budget import shorten
from ..ids import new_trace_id
from ..runtime import current
from ..worker import Worker
from .dedupe import Granted, Held
from .delivery import Delivery, Kind, delivery_token
from .lane import LOCAL_LEASE, Job, Lane, Terms
from .model import Alert, SafeAlert, Severity, secured
from .storm import TOLD_OF_EACH
from .window import NO_REPEATS, Repeats

#: Seconds over which one digest tells of a storm.
STORM_PAUSE: Final = 60.0
#: Bounds of the seconds between two looks at windows and spool.
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
#: Incidents told of when the program ends; of more there is only a number.
_TOLD: Final = 20

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
            lambda chore: chore(), capacity=len(self._lanes) + 1, clock=terms.clock, name="obskit-alerts"
        )

    def start_anew(self) -> None:
        """Watch nothing yet, as in a forked child."""
        self._is_watching = False
        self._draining = threading.Lock()

    def start(self) -> None:
        """Look from now on, where there is anything to look for."""
        if not self._is_watching and (self._terms.digests or self._terms.spool is not None):
            self._is_watching = self._worker.submit(self._look)

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

    def hand_over(self) -> None:
        """Let the shared place keep what was counted here, so that whoever tells next tells of it too."""
        shared = self._terms.shared
        if not shared.outlives_us:
            return
        for windows in (lane.windows for lane in self._lanes):
            for mark in windows.unreported():
                repeats = windows.take(mark)
                if repeats.count and not shared.count(mark, repeats):
                    windows.count(mark, repeats)

    def close(self) -> None:
        """Stop watching, and tell what is left to tell."""
        self._worker.close(0.0)
        self.drain()
        self.hand_over()
        for lane in self._lanes:
            self._tell_storm(lane)
            if told := {mark: lane.windows.end(mark) for mark in lane.windows.unreported()}:
                self._tell_the_rest(lane, told)

    def _look(self) -> float:
        """Tell of the windows that are over, and drain the spool; returns the seconds until the next look."""
        pause = _LONGEST_PAUSE
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
        key, alert = self._incident(mark)
        alert = SafeAlert(replace(alert, trace_id=None, links={}))  # those of the first occurrence
        token = self._terms.token(mark, Kind.SUMMARY, self._terms.clock.time_ns())
        self._tell(lane, alert, key, answer.repeats, token=token, mark=mark, lease=lease)

    def _tell_storm(self, lane: Lane) -> None:
        """Tell what a storm held back."""
        if (held_back := lane.storm.take(current().gate)) is not None:
            alert, repeats = held_back
            safe = secured(alert, current().gate)
            self._tell(lane, safe, f"storm@{lane.name}", repeats, counts_as="throttled")

    def _tell_the_rest(self, lane: Lane, told: Mapping[str, Repeats]) -> None:
        """Tell at the end of the program what happened again since the last messages."""
        incidents = [self._incident(mark) for mark in told]
        lines = ["Stopping. Since they were last told, these happened again:"]
        for (_, alert), repeats in list(zip(incidents, told.values(), strict=True))[:_TOLD]:
            lines.append(f"{repeats.count} x {shorten(alert.message, TOLD_OF_EACH)}")
        if len(told) > _TOLD:
            lines.append(f"and {len(told) - _TOLD} more")
        worst = max((alert.severity for _, alert in incidents), key=lambda severity: severity.rank)
        summary = secured(Alert(severity=worst, message="\n".join(lines)), current().gate)
        self._tell(lane, summary, incidents[0][0], functools.reduce(Repeats.plus, told.values()))

    def _incident(self, mark: str) -> tuple[str, SafeAlert]:
        """Return the incident key of *mark* and what is known of the incident."""
        key, _, rest = mark.partition(":")
        severity = Severity(rest.partition("@")[0])
        known = self._incidents.get((key, severity))
        if known is None:
            unknown = Alert(severity=severity, message=f"A failure happened again: {key[:8]}")
            known = secured(unknown, current().gate)
        return key, known

    def _tell(
        self,
        lane: Lane,
        alert: SafeAlert,
        key: str,
        repeats: Repeats,
        *,
        token: str | None = None,
        mark: str | None = None,
        lease: str = "",
        counts_as: str = "suppressed",
    ) -> None:
        now_ns = self._terms.clock.time_ns()
        delivery = Delivery(
            alert=alert,
            key=key,
            service=current().service,
            time_ns=now_ns,
            token=token or delivery_token(Kind.SUMMARY, now_ns, key),
            kind=Kind.SUMMARY,
            repeats=repeats,
        )
        job = Job(delivery=delivery, mark=mark, lease=lease, counts_as=counts_as)
        if self._terms.spool is not None:
            self._terms.spool.add({lane.name: job})
        lane.deliver(job)
