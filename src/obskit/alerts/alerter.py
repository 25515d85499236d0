"""
Decide about alerts in the caller, and deliver them in the background.

`Alerter.send` looks only at memory: it never waits for a sink, and nothing that
goes wrong in alerting reaches the application or becomes an alert itself.
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, TypeVar

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigError
from ..ids import new_step_id
from ..notices import Notices
from ..runtime import Runtime, current
from ..worker import close_at_exit, restart_after_fork
from .dedupe import Dedupe, Granted, MemoryDedupe
from .dedupe.failopen import FailOpen
from .delivery import AlertSink, Delivery, Kind, delivery_token
from .key import KEY_LENGTH, KeyRule, check_rule, dedupe_key, incident_key, severity_of
from .lane import Job, Lane, Terms
from .model import Alert, SafeAlert, Severity, secured
from .receipt import QueuedReceipt, Receipt, Result
from .routing import Route
from .window import NO_REPEATS, Repeats

V = TypeVar("V")

#: Every alert ends up in exactly one of these: ``sent`` is their sum.
_ENDS: Final = (
    "delivered",
    "duplicate",
    "throttled",
    "muted",
    "disabled",
    "failed",
    "spooled",
    "dropped",
    "pending",
)
#: A local lease ends with its delivery. This is for a thread that was killed from outside.
_LOCAL_LEASE: Final = 3600.0
#: Incidents remembered for `Alerter.resolve`, and keys for `Alerter.mute`.
_MAX_KEYS: Final = 1_000


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
        clock: Drives windows and retries.

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
        clock: Clock | None = None,
    ) -> None:
        check_rule(key)
        _check_window(window)
        self._key_rule = key
        self._enabled = enabled
        self._window = window
        self._clock = clock or SYSTEM_CLOCK
        self._notices = Notices()
        self._windows = MemoryDedupe(clock=self._clock)
        self._shared = FailOpen(dedupe, lambda text: self._notices.tell("dedupe", text))
        self._lanes = self._make_lanes(sinks)
        self._lanes_for = {
            severity: tuple(lane for lane in self._lanes if severity in lane.route.severities)
            for severity in Severity
        }
        self._muted: OrderedDict[str, float] = OrderedDict()  # incident key -> end, monotonic ns
        self._incidents: OrderedDict[str, SafeAlert] = OrderedDict()  # what a recovery is about
        self._resolved: OrderedDict[str, int] = OrderedDict()  # how often, for fresh tokens
        self._closed = False
        self.start_anew()
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Forget, in a forked child, what the parent counts and delivers."""
        self._lock = threading.RLock()
        self._counters: Counter[str] = Counter()
        # Names of leases: made without asking the operating system for each of them.
        self._process = new_step_id()
        self._numbers = itertools.count()

    def send(self, alert: Alert) -> Receipt:
        """Tell people about *alert*, unless they know; returns at once and never raises."""
        try:
            receipt = self._decide(alert)
        except Exception as error:
            self._notices.tell("send", f"an alert was dropped: {type(error).__name__}")
            receipt = self._dropped("", "error")
        return self._accounted(receipt)

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
        with self._lock:
            alert = self._incidents.pop(key, None)
            _remember(self._resolved, key, self._resolved.get(key, 0) + 1)
        repeats = {lane: self._end_windows(lane, key) for lane in self._lanes}
        if alert is None or self._closed:
            return Receipt("duplicate", key)
        lanes = self._lanes_for[alert.severity]
        receipt = QueuedReceipt(key, len(lanes))
        now_ns = self._clock.time_ns()
        message = Delivery(
            alert=alert,
            key=key,
            service=current().service,
            time_ns=now_ns,
            token=delivery_token(key, Kind.RECOVERY, now_ns),
            kind=Kind.RECOVERY,
        )
        jobs = {
            lane: Job(delivery=replace(message, repeats=repeats[lane]), mark=None, lease="", receipt=receipt)
            for lane in lanes
        }
        return self._accounted(self._enqueue(jobs, receipt))

    def mute(self, key: str, seconds: float) -> None:
        """Send nothing about the incident *key* for *seconds*; 0 ends it."""
        until = self._clock.monotonic_ns() + seconds * 1e9
        with self._lock:
            _remember(self._muted, key, until)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until every alert is settled, at most *timeout* seconds; False if some are not."""
        deadline = SYSTEM_CLOCK.monotonic_ns() + int(timeout * 1e9)
        done = [lane.flush(_seconds_left(deadline)) for lane in self._lanes]
        return all(done)

    def close(self, timeout: float = 5.0) -> None:
        """
        Deliver what is pending within *timeout* seconds, then stop; idempotent.

        Repeats that no message has reported go out as one last message per sink.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
        deadline = SYSTEM_CLOCK.monotonic_ns() + int(timeout * 1e9)
        self._summarise()
        for lane in self._lanes:
            lane.close(_seconds_left(deadline))
        self._shared.close()

    def stats(self) -> Mapping[str, float]:
        """
        Return what was counted so far.

        ``sent`` is always the sum of ``delivered duplicate throttled muted disabled
        failed spooled dropped pending``. ``suppressed_reported`` counts the repeats
        that messages have told of, at each sink; ``suppressed_lost`` those whose
        last message failed.
        """
        with self._lock:
            names = ("sent", *_ENDS, "suppressed_reported", "suppressed_lost")
            return {**dict.fromkeys(names, 0), **self._counters}

    # --- the decision, in the caller ---

    def _decide(self, alert: Alert) -> Receipt:
        runtime = current()
        key = self._key(alert, runtime.service)
        lanes = self._lanes_for[alert.severity]
        for lane in self._lanes:
            if lane.is_inside():  # a sink alerts about its own failure
                return self._dropped(key, "inside")
        if self._closed:
            return self._dropped(key, "closed")
        if not self._enabled or not lanes:
            return Receipt("disabled", key)
        if self._is_muted(key):
            return Receipt("muted", key)
        return self._tell(alert, key, runtime, lanes)

    def _tell(self, alert: Alert, key: str, runtime: Runtime, lanes: Iterable[Lane]) -> Receipt:
        """Send *alert* where its window is open, and count it elsewhere."""
        mark = dedupe_key(key, alert.severity)
        lease = f"{self._process}-{next(self._numbers)}"
        now_ns = self._clock.time_ns()
        granted = self._lease(lanes, mark, lease, now_ns)
        if not granted:
            return Receipt("duplicate", key)
        try:
            safe = secured(alert, runtime.gate)
            receipt = QueuedReceipt(key, len(granted))
            message = Delivery(alert=safe, key=key, service=runtime.service, time_ns=now_ns, token="")
            jobs = {
                lane: Job(
                    delivery=replace(message, repeats=repeats, token=self._token(lane.mark(mark), message)),
                    mark=lane.mark(mark),
                    lease=lease,
                    receipt=receipt,
                )
                for lane, repeats in granted.items()
            }
        except BaseException:
            for lane in granted:
                self._windows.release(lane.mark(mark), lease)
            raise
        with self._lock:
            _remember(self._incidents, key, safe)
        return self._enqueue(jobs, receipt)

    def _lease(self, lanes: Iterable[Lane], mark: str, lease: str, now_ns: int) -> dict[Lane, Repeats]:
        """Return the lanes whose window is open, each with the repeats to report."""
        granted: dict[Lane, Repeats] = {}
        for lane in lanes:
            key = lane.mark(mark)
            answer = self._windows.lease(key, lease, _LOCAL_LEASE)
            if isinstance(answer, Granted):
                granted[lane] = answer.repeats
            else:
                self._windows.count(key, Repeats(1, now_ns, now_ns))
        return granted

    def _enqueue(self, jobs: Mapping[Lane, Job], receipt: QueuedReceipt) -> Receipt:
        self._count("sent", "pending")
        close_at_exit(self)
        refused = [job for lane, job in jobs.items() if not lane.submit(job)]
        if len(refused) == len(jobs):
            self._count("sent", "pending", by=-1)
            return self._dropped(receipt.key, "full")
        for job in refused:
            self._settle(job, "failed")
        return receipt

    def _key(self, alert: Alert, service: str) -> str:
        try:
            return incident_key(alert, service=service, rule=self._key_rule)
        except Exception as error:
            if not callable(self._key_rule):
                raise
            self._notices.tell(
                "key", f"the key function failed: {type(error).__name__}; using the usual rule"
            )
            return incident_key(alert, service=service)

    def _token(self, mark: str, message: Delivery) -> str:
        """Name a message so that all processes in one window agree, but not after a recovery."""
        window = int(message.time_ns / (self._window * 1e9))
        return delivery_token(mark, message.kind, window, self._resolved.get(message.key, 0))

    def _is_muted(self, key: str) -> bool:
        until = self._muted.get(key)
        return until is not None and self._clock.monotonic_ns() < until

    def _accounted(self, receipt: Receipt) -> Receipt:
        """Count an alert that was not queued; one that was is counted before it can be settled."""
        if receipt.outcome != "queued":
            self._count("sent", receipt.outcome)
        return receipt

    def _dropped(self, key: str, reason: str) -> Receipt:
        self._count(f"dropped_{reason}")
        return Receipt("dropped", key)

    # --- messages without a window, and what became of messages ---

    def _end_windows(self, lane: Lane, key: str) -> Repeats:
        repeats = NO_REPEATS
        for severity in Severity:
            mark = lane.mark(dedupe_key(key, severity))
            repeats = repeats.plus(self._windows.end(mark)).plus(self._shared.end(mark))
        return repeats

    def _summarise(self) -> None:
        """Send each sink one message about the repeats that it was never told of."""
        unreported = self._windows.unreported()
        for lane in self._lanes:
            told = {mark: self._windows.end(mark) for mark in unreported if mark.endswith(lane.mark(""))}
            if told:
                lane.submit(Job(delivery=self._summary(told), mark=None, lease="", receipt=None))

    def _summary(self, told: Mapping[str, Repeats]) -> Delivery:
        runtime = current()
        now_ns = self._clock.time_ns()
        lines = ["Stopping. Since they were last told, these happened again:"]
        for mark, repeats in told.items():
            known = self._incidents.get(mark[:KEY_LENGTH])
            lines.append(f"{repeats.count} x {known.message if known else mark[:8]}")
        severities = [severity_of(mark) for mark in told]
        worst = max(severities, key=lambda severity: severity.rank)
        return Delivery(
            alert=secured(Alert(severity=worst, message="\n".join(lines)), runtime.gate),
            key=next(iter(told))[:KEY_LENGTH],
            service=runtime.service,
            time_ns=now_ns,
            token=delivery_token(Kind.SUMMARY, now_ns, *told),
            kind=Kind.SUMMARY,
            repeats=functools.reduce(Repeats.plus, told.values()),
        )

    def _settle(self, job: Job, result: Result) -> None:
        count = job.delivery.repeats.count
        if count and result == "delivered":
            self._count("suppressed_reported", by=count)
        elif count and job.mark is None:
            self._count("suppressed_lost", by=count)
        settled = job.receipt.report(result) if job.receipt is not None else None
        if settled is not None:
            with self._lock:
                self._count("pending", by=-1)
                self._count(settled)

    def _count(self, *names: str, by: int = 1) -> None:
        """Count all *names* at once, so that the sum in `stats` holds at any moment."""
        with self._lock:
            for name in names:
                self._counters[name] += by

    def _make_lanes(self, sinks: Iterable[AlertSink | Route]) -> tuple[Lane, ...]:
        terms = Terms(
            window=self._window,
            clock=self._clock,
            windows=self._windows,
            shared=self._shared,
            notices=self._notices,
            settle=self._settle,
        )
        if not isinstance(sinks, Iterable):
            raise ConfigError(f"sinks must be a list of alert sinks, got {type(sinks).__name__}")
        routes = [sink if isinstance(sink, Route) else Route(sink, Severity.WARNING) for sink in sinks]
        return tuple(
            Lane(route, f"{type(route.sink).__name__}-{number}", terms)
            for number, route in enumerate(routes, 1)
        )


def _check_window(window: object) -> None:
    if isinstance(window, bool) or not isinstance(window, int | float) or not 0 < window < math.inf:
        raise ConfigError(f"window must be a number of seconds above 0, got {window!r}")


def _remember(table: OrderedDict[str, V], key: str, value: V) -> None:
    """Keep the newest entries of *table* only."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > _MAX_KEYS:
        table.popitem(last=False)


def _seconds_left(deadline_ns: int) -> float:
    return max(0.0, (deadline_ns - SYSTEM_CLOCK.monotonic_ns()) / 1e9)
