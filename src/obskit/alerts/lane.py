"""
Take messages to one sink: lease, send, retry, mark.

Each sink has a lane with a thread of its own, so a service that hangs holds up
no other. A lane never decides what is news; it makes sure that a message either
arrives or is given up with its mark released.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import get_ident
from typing import TYPE_CHECKING, Final

from ..clock import Clock
from ..errors import SinkError, SinkRejected
from ..http import MAX_RETRY_AFTER, parse_retry_after
from ..interrupts import let_pass
from ..notices import Notices
from ..runtime import current
from ..worker import Worker
from .breaker import Breaker
from .dedupe import Held, MemoryDedupe
from .dedupe.failopen import FailOpen
from .delivery import AlertSink, Delivery, Kind, delivery_token
from .model import SafeAlert, Severity
from .receipt import Ledger, Receipt, Result
from .routing import Route
from .storm import Storm
from .window import NO_REPEATS, Repeats

if TYPE_CHECKING:
    from .spool import Spool

#: Seconds that a message may spend on being tried again; what it waits behind others is not counted.
_TOTAL_TIMEOUT: Final = 120.0
#: Seconds that a service may make a message wait that a fallback can take, or a spool or dead letter sink.
_SHORT_PATIENCE: Final = 10.0
_PATIENCE: Final = 120.0
#: Seconds that a shared lease outlives its process; it is renewed while we retry.
LEASE: Final = 30.0
#: Seconds of a local lease, which ends with its delivery: this is for a thread that was killed from outside.
LOCAL_LEASE: Final = 3600.0
#: Bounds of the time between attempts, in seconds; full jitter takes any time below.
_FIRST_BACKOFF: Final = 0.5
_LONGEST_BACKOFF: Final = 60.0
#: Messages that may wait for one sink: a little more than the longest burst.
CAPACITY: Final = 1_200


@dataclass(slots=True, kw_only=True)
class Job:
    """A message on its way."""

    delivery: Delivery
    receipt: Receipt | None = None
    mark: str | None = None  #: names the window at this sink; None for a message that has none
    lease: str = ""  #: the token under which the window is leased
    counts_as: str = "suppressed"  #: begins the names of the counters of its repeats
    row: int | None = None  #: in the spool, where it is kept there
    carried: Repeats | None = None  #: what the shared place wants us to report; None until it lets us send
    attempts: int = 0
    spent: float = 0.0  #: seconds, on attempts that failed and on waiting for the next
    asked: float = 0.0  #: seconds that the service asked it to wait

    @property
    def message(self) -> Delivery:
        """What the sink is given."""
        if self.carried is None or not self.carried.count:
            return self.delivery
        return replace(self.delivery, repeats=self.delivery.repeats.plus(self.carried))

    @property
    def occurred(self) -> Repeats:
        """What the next message has to report if this one is not sent."""
        if self.delivery.kind is not Kind.FIRING:
            return self.delivery.repeats
        return Repeats(1, self.delivery.time_ns, self.delivery.time_ns).plus(self.delivery.repeats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all lanes of an alerter have in common."""

    window: float
    digests: bool  #: True to tell of repeats when their window ends, and not with the next occurrence
    clock: Clock
    jitter: Callable[[float], float]  #: draws a number between 0 and its argument
    shared: FailOpen
    spool: Spool | None
    dead_letter: AlertSink | None  #: is given what no sink took
    ledger: Ledger
    notices: Notices
    inside: set[int]  #: threads that are delivering: what they complain about is no alert

    def message(
        self, alert: SafeAlert, key: str, token: str, kind: Kind, repeats: Repeats = NO_REPEATS
    ) -> Delivery:
        """Write a message that is sent now."""
        return Delivery(
            alert=alert,
            key=key,
            service=current().service,
            time_ns=self.clock.time_ns(),
            token=token,
            kind=kind,
            repeats=repeats,
        )

    def token(self, mark: str, kind: Kind, recoveries: int = 0) -> str:
        """Name a message of now, so that all processes agree within one of the windows since 1970."""
        return delivery_token(mark, kind, int(self.clock.time_ns() / (self.window * 1e9)), recoveries)


class Lane:
    """
    The way to one sink.

    Args:
        route: Where the messages go.
        name: Names the sink in windows, in the spool and on stderr.
        windows: Those of the lane whose fallback this is; None for windows of its own.
    """

    def __init__(self, route: Route, name: str, terms: Terms, windows: MemoryDedupe | None = None) -> None:
        self.name = name
        self.route = route
        self.windows = MemoryDedupe(clock=terms.clock) if windows is None else windows
        self.storm = Storm(burst=route.burst, per_minute=route.per_minute)
        self.fallback: Lane | None = None
        if route.fallback is not None:
            to_fallback = Route(route.fallback, Severity.WARNING)
            self.fallback = Lane(to_fallback, f"{name}-fallback", terms, self.windows)
        self._sink = route.sink
        self._terms = terms
        self._breaker = Breaker()
        self._trouble = ""  # what went wrong last
        self._revoked = False
        self._closed = False
        self._flying: dict[int, Job] = {}  # with the sink right now; whoever takes one out settles it
        if self.fallback is not None:
            self._patience = _SHORT_PATIENCE
        elif terms.spool is not None or terms.dead_letter is not None:
            self._patience = _PATIENCE
        else:
            self._patience = MAX_RETRY_AFTER
        self._worker: Worker[Job] = Worker(
            self._process, capacity=CAPACITY, clock=terms.clock, name=f"obskit-{name}"
        )

    def start_anew(self) -> None:
        """Leave to the parent, in a forked child, what is being sent or held back."""
        self._flying.clear()
        self.storm.start_anew()

    @property
    def room(self) -> int:
        """Messages that it can still take."""
        return CAPACITY - self._worker.pending

    def mark(self, key: str, severity: Severity) -> str:
        """Name the window of an incident at this sink; one that gets worse has another and is told again."""
        return f"{key}:{severity}@{self.name}"

    def submit(self, job: Job) -> bool:
        """Take *job*; False where the queue is full or closed."""
        return self._worker.submit(job)

    def deliver(self, job: Job) -> None:
        """Take *job*, or give it up where there is no place."""
        if not self.submit(job):
            self.refuse(job)

    def refuse(self, job: Job) -> None:
        """Give *job* up, which found no place in the queue."""
        self.release(job)
        self.settle(job, "failed" if job.row is None else "spooled")

    def release(self, job: Job) -> None:
        """End the lease of *job*: the next occurrence is sent."""
        if job.mark is not None:
            self.windows.release(job.mark, job.lease)
            if job.carried is not None:
                self._terms.shared.release(job.mark, job.lease)

    def settle(self, job: Job, result: Result) -> None:
        """Take down what became of *job*, and where it is kept on disk what is to become of it there."""
        if job.row is not None and self._terms.spool is not None:
            if result == "spooled":
                self._terms.spool.give_back(job.row)
            else:
                self._terms.spool.done(job.row)
        self._terms.ledger.settled(job, result)

    def end(self, key: str) -> Repeats:
        """Forget the windows of the incident *key*; returns the repeats that nobody has reported."""
        repeats = NO_REPEATS
        for severity in Severity:
            mark = self.mark(key, severity)
            repeats = repeats.plus(self.windows.end(mark)).plus(self._terms.shared.end(mark))
        return repeats

    def flush(self, timeout: float) -> bool:
        """Wait until every message is settled or with the fallback; False if the time was too short."""
        return self._worker.flush(timeout)

    def close(self, timeout: float) -> None:
        """Deliver within *timeout* what is pending, give up the rest, close the sink."""
        left = self._worker.close(timeout)
        self._closed = True
        # Two threads that try to take a job out get it once.
        flying = [job for key in list(self._flying) if (job := self._flying.pop(key, None)) is not None]
        for job in (*flying, *left):
            self._give_up(job, "there was no time left at the end")
        if not flying:  # a sink that hangs may hold a lock, so whoever is inside it closes it
            self._close_sink()

    def _close_sink(self) -> None:
        with contextlib.suppress(Exception):
            self._sink.close()

    # --- one try, in the thread of the lane ---

    def _process(self, job: Job) -> float | None:
        """Try to deliver *job*; returns the seconds until the next attempt, or None once it is settled."""
        thread = get_ident()
        self._terms.inside.add(thread)
        try:
            return self._step(job)
        except BaseException as error:  # not even a broken error of a sink leaves an alert unsettled
            self._give_up(job, type(error).__name__)
            return None
        finally:
            self._terms.inside.discard(thread)

    def _step(self, job: Job) -> float | None:
        now = self._terms.clock.monotonic_ns()
        rest = self._breaker.rest(now)
        if self._revoked or rest > self._patience:
            self._give_up(job, self._trouble)
        elif rest > 0:
            return self._later(job, rest)
        elif self._may_send(job):
            return self._attempt(job, now)
        return None

    def _may_send(self, job: Job) -> bool:
        """Ask the shared place, once per message, whether another process has told already."""
        if job.mark is None or job.carried is not None:
            return True
        ours = NO_REPEATS if self._terms.digests else job.occurred
        answer = self._terms.shared.lease(job.mark, job.lease, LEASE, ours)
        if isinstance(answer, Held):
            self.windows.delivered(job.mark, job.lease, answer.seconds)
            if self._terms.digests:  # told from here when the window ends
                self.windows.count(job.mark, job.occurred)
            self.settle(job, "duplicate")
            return False
        job.carried = answer.repeats
        return True

    def _attempt(self, job: Job, began_ns: int) -> float | None:
        self._flying[id(job)] = job
        error: SinkError | None = None
        try:
            self._sink.emit(job.message)
        except SinkError as caught:
            error = caught
        except BaseException as caught:  # a sink may be anybody's and raise anything
            error = SinkError(type(caught).__name__)
        if self._flying.pop(id(job), None) is None:  # it was given up meanwhile, at the end of the program
            self._close_sink()
        elif error is None:
            self._breaker.succeeded()
            if job.mark is not None:
                self.windows.delivered(job.mark, job.lease, self._terms.window)
                self._terms.shared.delivered(job.mark, job.lease, self._terms.window)
            self.settle(job, "delivered")
        elif isinstance(error, SinkRejected):
            self._breaker.succeeded()
            self._revoked = self._revoked or error.revoked
            self._trouble = str(error)
            self._give_up(job, self._trouble, is_hopeless=not error.revoked)
        else:
            return self._retry(job, error, began_ns)
        return None

    # --- what did not arrive ---

    def _retry(self, job: Job, error: SinkError, began_ns: int) -> float | None:
        """Back off with full jitter, or as long as we are told to: that is no failed attempt."""
        now = self._terms.clock.monotonic_ns()
        self._trouble = str(error)
        wait = parse_retry_after(error.retry_after)
        if wait is None:
            self._breaker.failed(now)
            back_off = self._terms.jitter(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**job.attempts))
            wait = max(back_off, self._breaker.rest(now))
            job.attempts += 1
            job.spent += wait + (now - began_ns) / 1e9
        else:
            wait = max(wait, _FIRST_BACKOFF)
            self._breaker.leave_alone(now, wait)
            job.asked += wait
        is_over = job.spent > _TOTAL_TIMEOUT or max(job.asked, wait) > self._patience
        return self._later(job, wait, is_over=is_over)

    def _later(self, job: Job, seconds: float, *, is_over: bool = False) -> float | None:
        """Keep *job* for another try, unless its time is over."""
        if is_over or self._closed:
            self._give_up(job, self._trouble)
            return None
        if job.mark is not None:
            self.windows.renew(job.mark, job.lease, seconds + LOCAL_LEASE)
            if job.carried is not None and not self._terms.shared.renew(job.mark, job.lease, seconds + LEASE):
                job.carried = None  # whoever has taken the lease meanwhile tells people; we ask once more
        return seconds

    def _give_up(self, job: Job, reason: str, *, is_hopeless: bool = False) -> None:
        """Hand *job* to the fallback, or release its window; what is spooled is tried again later."""
        notice = f"an alert was not delivered by {self.name}: {reason}"
        self._terms.notices.tell(notice, notice)
        if self.fallback is not None:
            job.attempts, job.spent, job.asked = 0, 0.0, 0.0
            if self.fallback.submit(job):
                return
        self.release(job)
        if job.row is not None and not is_hopeless:
            self.settle(job, "spooled")
        else:
            self._bury(job.delivery)
            self.settle(job, "failed")

    def _bury(self, message: Delivery) -> None:
        """Give the last sink what no other took."""
        if self._terms.dead_letter is None:
            return
        try:
            self._terms.dead_letter.emit(message)
            self._terms.ledger.count("dead_letters")
        except Exception as error:
            let_pass(error)
            self._terms.notices.tell("dead_letter", f"the dead letter sink failed: {type(error).__name__}")
