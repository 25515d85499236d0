"""
Decide about alerts in the caller, and deliver them in the background.

`Alerter.send` looks only at memory: it never waits for a sink, and nothing that
goes wrong in alerting reaches the application or becomes an alert itself.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from ..clock import SYSTEM_CLOCK, Clock, Deadline, checked_clock
from ..encoding.plain import text_of
from ..ids import jitter, new_trace_id
from ..interrupts import let_pass
from ..notices import Notices
from ..runtime import current
from ..settings import LONGEST, at_most, flag, having, seconds, several
from ..worker import close_at_exit, restart_after_fork
from .dedupe import Dedupe, Held
from .dedupe.failopen import FailOpen
from .delivery import AlertSink, Kind, delivery_token
from .key import KeyRule, check_rule, incident_key
from .lane import LOCAL_LEASE, Job, Lane, Terms
from .model import Alert, SafeAlert, Severity, secured
from .receipt import Ledger, Outcome, Receipt
from .routing import Route, check_sink
from .watch import Watch
from .window import Repeats

if TYPE_CHECKING:
    from .spool import Spool

K = TypeVar("K")
V = TypeVar("V")

#: Incidents remembered for `Alerter.resolve`, and keys for `Alerter.mute`.
_MAX_KEYS: Final = 1_000
#: What a `Dedupe` has.
_DEDUPE: Final = ("lease", "renew", "delivered", "release", "count", "end", "close")
_CLOSED: Final = "the alerter is closed, which it is when the process ends"


class _Newest(OrderedDict[K, V]):
    """Keeps the newest entries."""

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > _MAX_KEYS:
            self.popitem(last=False)


class Alerter:
    """
    Tells people about a failure once per window, with the count of the repeats.

    Args:
        sinks: Where alerts go: sinks, or `Route` objects that limit one. There is a
            window per incident and sink.
        window: Seconds, from the last message that was delivered, in which repeats
            are only counted.
        dedupe: A place shared with other processes that remembers what was told.
        key: What makes two alerts the same: None for the usual rule, a function from
            alert to any value, or names of attributes. ``("severity", "message",
            "trace_id")`` tells every command that fails, so it is not recommended.
        enabled: False to send nothing.
        spool: The path of an SQLite file that keeps every message until it is
            delivered, also when the process is killed: the next one delivers it.
        digest: True to tell of repeats when their window ends; otherwise the next
            message does, or the last one at the end of the program.
        dead_letter: A sink that is given, once and without a second try, what no
            other took.
        clock: Drives windows and retries, which *jitter* spreads: it draws a number between
            0 and the one it is given.

    Raises:
        ConfigError: If a setting is wrong.
    """

    def __init__(
        self,
        sinks: Iterable[AlertSink | Route],
        window: float = 300.0,
        dedupe: Dedupe | None = None,
        key: KeyRule = None,
        *,
        enabled: bool = True,
        spool: str | os.PathLike[str] | None = None,
        digest: bool = False,
        dead_letter: AlertSink | None = None,
        clock: Clock | None = None,
        jitter: Callable[[float], float] = jitter,
    ) -> None:
        check_rule(key)
        if dedupe is not None:
            having("dedupe", dedupe, 'a Dedupe, such as SQLiteDedupe("alerts.db")', *_DEDUPE)
        if dead_letter is not None:
            check_sink(dead_letter)
        self._key_rule = key
        self._enabled = flag("enabled", enabled)
        self._clock = SYSTEM_CLOCK if clock is None else checked_clock(clock)
        self._notices = Notices()
        self._ledger = Ledger()
        self._inside: set[int] = set()
        self._terms = Terms(
            window=seconds("window", window),
            digests=flag("digest", digest),
            clock=self._clock,
            jitter=jitter,
            shared=FailOpen(dedupe, self._clock, partial(self._notices.tell, "dedupe"), self._inside),
            spool=None if spool is None else _open_spool(spool, self._notices),
            dead_letter=dead_letter,
            ledger=self._ledger,
            notices=self._notices,
            inside=self._inside,
        )
        self._lanes = _make_lanes(sinks, self._terms)
        # In this order to be waited for: what a lane gives up goes to its fallback.
        self._all_lanes = (*self._lanes, *(lane.fallback for lane in self._lanes if lane.fallback))
        self._lanes_for = {
            severity: tuple(lane for lane in self._lanes if severity in lane.route.severities)
            for severity in Severity
        }
        self._muted: _Newest[str, float] = _Newest()  # incident key -> end, monotonic ns
        self._incidents: _Newest[tuple[str, Severity], SafeAlert] = _Newest()  # the last alert of each
        self._recoveries: _Newest[str, int] = _Newest()  # of an incident key, for fresh tokens
        self._watch = Watch(self._lanes, self._terms, self._incidents)
        self._closed = False
        self.start_anew()
        restart_after_fork(self)
        close_at_exit(self)
        if enabled and self._lanes and self._terms.spool is not None and self._terms.spool.has_others():
            self._watch.start()

    def start_anew(self) -> None:
        """Forget, in a forked child, what the parent counts and delivers."""
        self._inside.clear()
        self._ledger.start_anew()
        self._watch.start_anew()
        for lane in self._all_lanes:
            lane.start_anew()
        self._lock = threading.RLock()
        # Names of leases: made without asking the operating system for each of them.
        self._process = new_trace_id()
        self._numbers = itertools.count()

    def send(self, alert: Alert) -> Receipt:
        """Tell people about *alert*, unless they know; returns at once and never raises."""
        try:
            return self._decide(alert)
        except Exception as error:
            let_pass(error)
            return self._dropped("", "error", type(error).__name__)

    def resolve(self, key: str) -> Receipt:
        """
        Tell people that an incident is over, and end its window.

        Args:
            key: As in the receipt of the alert.

        Returns:
            The receipt of the recovery message; ``duplicate`` where people were not
            told of the incident or know already that it is over. Where the alerter
            shares a place with other processes, this waits for it.
        """
        key = text_of(key)
        with self._lock:
            told = [self._incidents.pop((key, severity), None) for severity in Severity]
            self._recoveries[key] = self._recoveries.get(key, 0) + 1
        repeats = {lane: lane.end(key) for lane in self._lanes}
        worst = next(filter(None, reversed(told)), None)  # it went wherever any of them went
        if worst is None or self._closed:
            return Receipt("duplicate", key, self._ledger)
        token = delivery_token(key, Kind.RECOVERY, self._clock.time_ns())
        message = self._terms.message(worst, key, token, Kind.RECOVERY)
        lanes = self._lanes_for[worst.severity]
        receipt = Receipt("queued", key, self._ledger, sinks=len(lanes))
        jobs = {
            lane: Job(delivery=replace(message, repeats=repeats[lane]), receipt=receipt) for lane in lanes
        }
        return self._enqueue(jobs, receipt)

    def mute(self, key: str, seconds: float | None) -> None:
        """Send nothing about the incident *key* for *seconds*; 0 ends it, and None is for ever."""
        until = self._clock.monotonic_ns() + at_most(seconds, LONGEST) * 1e9
        with self._lock:
            self._muted[text_of(key)] = until

    def flush(self, timeout: float | None = 5.0) -> bool:
        """
        Wait until every alert is settled, at most *timeout* seconds; False if some are not.

        None waits as long as it takes.
        What was counted here is handed to the place that is shared with other processes.
        """
        deadline = Deadline(at_most(timeout))
        self._watch.drain()
        done = [lane.flush(deadline.left()) for lane in self._all_lanes]
        self._watch.hand_over(deadline.left())
        return all(done)

    def close(self, timeout: float | None = 5.0) -> None:
        """
        Deliver what is pending within *timeout* seconds, then stop; idempotent.

        Repeats that no message has reported go to the place that is shared with other
        processes, or else out as one last message per sink.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        deadline = Deadline(at_most(timeout))
        self._watch.close(deadline.left())
        for lane in self._all_lanes:  # half of the time is for the fallback
            lane.close(deadline.left() / (2 if lane.fallback else 1))
        self._watch.hand_over(deadline.left())
        self._terms.shared.close()
        if self._terms.spool is not None:
            self._terms.spool.close()

    def stats(self) -> Mapping[str, float]:
        """
        Return what was counted so far.

        ``sent`` is always the sum of ``delivered duplicate throttled muted disabled
        failed spooled dropped pending``. ``suppressed_reported`` counts the repeats
        that messages have told of, at each sink; ``suppressed_lost`` those whose
        last message failed; ``throttled_reported`` and ``throttled_lost`` the same
        of what a storm held back. ``spool_delivered`` are messages of earlier
        processes, and ``written`` is what the spool has taken.
        """
        spool = self._terms.spool
        windows = [lane.windows for lane in self._lanes]
        pending = [repeats.count for each in windows for repeats in each.unreported().values()]
        return {
            **self._ledger.stats(),
            "suppressed_pending": sum(pending),
            "suppressed_forgotten": sum(each.forgotten for each in windows),
            "dedupe_failures": self._terms.shared.failures,
            **({} if spool is None else {"written": spool.written, "spool_failures": spool.failures}),
        }

    # --- the decision, in the caller ---

    def _decide(self, alert: Alert) -> Receipt:
        key = self._key(alert, current().service)
        lanes = self._lanes_for[alert.severity]
        if threading.get_ident() in self._inside:
            return self._dropped(key, "inside")  # what alerting itself complains about
        if self._closed:
            return self._dropped(key, "closed", _CLOSED)
        if not self._enabled or not lanes:
            return self._decided("disabled", key)
        until = self._muted.get(key)
        if until is not None and self._clock.monotonic_ns() < until:
            return self._decided("muted", key)
        lease = f"{self._process}-{next(self._numbers)}"
        try:
            return self._tell(alert, key, lanes, lease)
        except BaseException:  # an interruption, too, must leave no silence
            for lane in lanes:
                lane.windows.release(lane.mark(key, alert.severity), lease)
            raise

    def _tell(self, alert: Alert, key: str, lanes: Iterable[Lane], lease: str) -> Receipt:
        """Send *alert* where its window is open, and count it elsewhere."""
        now_ns = self._clock.time_ns()
        occurred = Repeats(1, now_ns, now_ns)
        granted: list[tuple[Lane, str, Repeats]] = []  # with the window of each, and what it has to report
        is_storm = False
        for lane in lanes:
            mark = lane.mark(key, alert.severity)
            answer = lane.windows.lease(mark, lease, LOCAL_LEASE, occurred)
            if isinstance(answer, Held):
                continue
            if lane.storm.lets_pass(alert.severity, self._clock.monotonic_ns()):
                granted.append((lane, mark, answer.repeats))
                continue
            is_storm = True
            if lane.storm.hold_back(alert.severity, alert.message, now_ns):
                self._watch.storm_began(lane)
            lane.windows.release(mark, lease)
        self._watch.start()
        if not granted:
            return self._decided("throttled" if is_storm else "duplicate", key)
        safe = secured(alert, current().gate)
        with self._lock:
            self._incidents[key, alert.severity] = safe
        receipt = Receipt("queued", key, self._ledger, sinks=len(granted))
        recoveries = self._recoveries.get(key, 0)
        jobs = {}
        for lane, mark, repeats in granted:
            token = self._terms.token(mark, Kind.FIRING, recoveries)
            message = self._terms.message(safe, key, token, Kind.FIRING, repeats)
            jobs[lane] = Job(delivery=message, receipt=receipt, mark=mark, lease=lease)
        return self._enqueue(jobs, receipt)

    def _enqueue(self, jobs: Mapping[Lane, Job], receipt: Receipt) -> Receipt:
        self._ledger.count("sent", "pending")
        if self._terms.spool is not None:
            self._terms.spool.add({lane.name: job for lane, job in jobs.items()})
        refused = {lane: job for lane, job in jobs.items() if not lane.submit(job)}
        if len(refused) == len(jobs) and all(job.row is None for job in refused.values()):
            for lane, job in refused.items():
                lane.release(job)
            self._ledger.count("sent", "pending", by=-1)
            if self._closed:
                return self._dropped(receipt.key, "closed", _CLOSED)
            return self._dropped(receipt.key, "full", "too many are waiting")
        for lane, job in refused.items():
            lane.refuse(job)
        return receipt

    def _decided(self, outcome: Outcome, key: str) -> Receipt:
        """Count an alert of which no message is sent."""
        self._ledger.count("sent", outcome)
        return Receipt(outcome, key, self._ledger)

    def _dropped(self, key: str, reason: str, why: str | None = None) -> Receipt:
        """Count an alert that nobody will hear of, and say *why* once per reason."""
        if why is not None:
            self._notices.tell(f"dropped {reason}", f"an alert was dropped: {why}")
        self._ledger.count(f"dropped_{reason}")
        return self._decided("dropped", key)

    def _key(self, alert: Alert, service: str) -> str:
        try:
            return incident_key(alert, service=service, rule=self._key_rule)
        except Exception as error:
            let_pass(error)
            if not callable(self._key_rule):
                raise
            self._notices.tell(
                "key", f"the key function failed: {type(error).__name__}; using the usual rule"
            )
            return incident_key(alert, service=service)


def _make_lanes(sinks: Iterable[AlertSink | Route], terms: Terms) -> tuple[Lane, ...]:
    given = several("sinks", sinks, "alert sinks")
    routes = [sink if isinstance(sink, Route) else Route(sink, Severity.WARNING) for sink in given]
    return tuple(
        Lane(route, f"{type(route.sink).__name__}-{number}", terms) for number, route in enumerate(routes, 1)
    )


def _open_spool(path: str | os.PathLike[str], notices: Notices) -> Spool:
    from .spool import Spool  # a program without one does not load SQLite

    return Spool(path, notices)
