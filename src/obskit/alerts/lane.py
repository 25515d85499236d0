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
from ..http import parse_retry_after
from ..notices import Notices
from ..worker import Worker
from .breaker import Breaker
from .dedupe import Held, MemoryDedupe
from .dedupe.failopen import FailOpen
from .delivery import Delivery, Kind
from .model import Severity
from .receipt import QueuedReceipt, Result
from .routing import Route
from .storm import Storm
from .window import NO_REPEATS, Repeats

if TYPE_CHECKING:
    from .spool import Spool

#: Seconds from its first attempt that a delivery may take; what it waits for others is added.
TOTAL_TIMEOUT: Final = 120.0
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
    mark: str | None  #: names the window at this sink; None for a message that has none
    lease: str  #: the token under which the window is leased
    receipt: QueuedReceipt | None
    row: int | None = None  #: in the spool, where it is kept there
    attempts: int = 0
    due_ns: int = 0  #: when it was to be tried again
    deadline_ns: int = 0  #: set with the first attempt
    waited_ns: int = 0  #: because the service asked for it, so it was added to the deadline
    is_shared: bool = False  #: True once the shared place lets us send
    carried: Repeats = NO_REPEATS  #: what the shared place wants us to report
    counts_as: str = "suppressed"  #: begins the names of the counters of its repeats

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
    windows: MemoryDedupe
    shared: FailOpen
    spool: Spool | None
    notices: Notices
    bury: Callable[[Delivery], None]  #: is given what no sink took
    settle: Callable[[Job, Result], None]  #: is told what became of a message
    patience_ns: int  #: for how long a service may make a message wait, beyond its total time
    inside: set[int]  #: threads that are delivering: what they complain about is no alert

    def number_of(self, time_ns: int) -> int:
        """Number the windows since 1970, so that all processes agree in which one a time lies."""
        return int(time_ns / (self.window * 1e9))


class Lane:
    """
    The way to one sink.

    Args:
        route: Where the messages go.
        name: Names the sink in windows, in the spool and on stderr.
    """

    def __init__(self, route: Route, name: str, terms: Terms) -> None:
        self.name = name
        self.route = route
        self.storm = Storm(burst=route.burst, per_minute=route.per_minute)
        self.fallback: Lane | None = None
        if route.fallback is not None:
            self.fallback = Lane(Route(route.fallback, Severity.WARNING), f"{name}-fallback", terms)
        self._sink = route.sink
        self._terms = terms
        self._breaker = Breaker()
        self._trouble = ""  # what went wrong last
        self._paused_until_ns = 0
        self._idle_since_ns = 0
        self._revoked = False
        self._closed = False
        self._flying: dict[int, Job] = {}  # with the sink right now; whoever takes one out settles it
        # Where nobody else would get a message, it waits for as long as the service asks.
        self._patience_ns = 0 if self.fallback is not None else terms.patience_ns
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

    def mark(self, dedupe_key: str) -> str:
        """Name the window of *dedupe_key* at this sink."""
        return f"{dedupe_key}@{self.name}"

    def submit(self, job: Job) -> bool:
        """Take *job*; False where the queue is full or closed."""
        return self._worker.submit(job)

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

    def refuse(self, job: Job) -> None:
        """Give *job* up, which found no place in the queue."""
        self.release(job)
        self._settle(job, "failed" if job.row is None else "spooled")

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
            self._idle_since_ns = self._terms.clock.monotonic_ns()
            self._terms.inside.discard(thread)

    def _step(self, job: Job) -> float | None:
        now = self._terms.clock.monotonic_ns()
        if job.deadline_ns:  # it has stood behind others since, which is not its fault
            job.deadline_ns += max(0, self._idle_since_ns - job.due_ns)
        if self._revoked:
            self._give_up(job, self._trouble)
        elif now < self._paused_until_ns:
            pause = self._paused_until_ns - now
            job.deadline_ns += pause if job.deadline_ns else 0  # nor is this
            return self._later(job, pause / 1e9, self._trouble, free_ns=self._patience_ns)
        elif (rest := self._breaker.rest_ns(now)) > 0:
            if self.fallback is not None:
                self._give_up(job, self._trouble)
                return None
            return self._later(job, rest / 1e9, self._trouble)
        elif self._may_send(job):
            return self._attempt(job, now)
        return None

    def _may_send(self, job: Job) -> bool:
        """Ask the shared place, once per message, whether another process has told already."""
        if job.mark is None or job.is_shared:
            return True
        ours = NO_REPEATS if self._terms.digests else job.occurred
        answer = self._terms.shared.lease(job.mark, job.lease, LEASE, ours)
        if isinstance(answer, Held):
            self._terms.windows.delivered(job.mark, job.lease, answer.seconds)
            if self._terms.digests:  # told from here when the window ends
                self._terms.windows.count(job.mark, job.occurred)
            self._settle(job, "duplicate")
            return False
        job.is_shared, job.carried = True, answer.repeats
        return True

    def _attempt(self, job: Job, now: int) -> float | None:
        job.deadline_ns = job.deadline_ns or now + int(TOTAL_TIMEOUT * 1e9)
        if job.carried.count:
            message = replace(job.delivery, repeats=job.delivery.repeats.plus(job.carried))
        else:
            message = job.delivery
        self._flying[id(job)] = job
        error = self._emit(message)
        if self._flying.pop(id(job), None) is None:  # it was given up meanwhile, at the end of the program
            self._close_sink()
        elif error is None:
            self._breaker.succeeded()
            self._delivered(job)
        elif isinstance(error, SinkRejected):
            self._breaker.succeeded()
            self._revoked = self._revoked or error.revoked
            self._trouble = str(error)
            self._give_up(job, str(error), is_hopeless=not error.revoked)
        else:
            return self._retry(job, error)
        return None

    def _emit(self, message: Delivery) -> SinkError | None:
        try:
            self._sink.emit(message)
        except SinkError as error:
            return error
        except BaseException as error:  # a sink may be anybody's and raise anything
            return SinkError(type(error).__name__)
        return None

    def _retry(self, job: Job, error: SinkError) -> float | None:
        """Back off with full jitter, or as long as we are told to: that is no failed attempt."""
        now = self._terms.clock.monotonic_ns()
        self._trouble = str(error)
        wait = parse_retry_after(error.retry_after)
        if wait is not None:
            wait_ns = int(wait * 1e9)
            free_ns = min(wait_ns, self._patience_ns - job.waited_ns)
            self._paused_until_ns = now + wait_ns
            job.deadline_ns += free_ns
            job.waited_ns += free_ns
        else:
            self._breaker.failed(now)
            wait = self._terms.jitter(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**job.attempts))
            job.attempts += 1
        return self._later(job, wait, self._trouble)

    def _later(self, job: Job, seconds: float, reason: str, *, free_ns: int = 0) -> float | None:
        now = self._terms.clock.monotonic_ns()
        deadline = job.deadline_ns or now + int(TOTAL_TIMEOUT * 1e9) + free_ns
        if self._closed or now + int(seconds * 1e9) > deadline:
            self._breaker.let_one_try()  # the next one has all its time before it
            self._give_up(job, reason)
            return None
        if job.mark is not None and job.is_shared:
            # Whoever has taken the lease meanwhile tells people; ask once more then.
            job.is_shared = self._terms.shared.renew(job.mark, job.lease, seconds + LEASE)
            job.carried = job.carried if job.is_shared else NO_REPEATS
        job.due_ns = now + int(seconds * 1e9)
        return seconds

    def _delivered(self, job: Job) -> None:
        if job.mark is not None:
            self._terms.windows.delivered(job.mark, job.lease, self._terms.window)
            self._terms.shared.delivered(job.mark, job.lease, self._terms.window)
        self._settle(job, "delivered")

    def _give_up(self, job: Job, reason: str, *, is_hopeless: bool = False) -> None:
        """Hand *job* to the fallback, or release its window; what is spooled is tried again later."""
        notice = f"an alert was not delivered by {self.name}: {reason}"
        self._terms.notices.tell(notice, notice)
        if self.fallback is not None:
            job.attempts = job.deadline_ns = job.waited_ns = 0
            if self.fallback.submit(job):
                return
        self.release(job)
        if job.row is not None and not is_hopeless:
            self._settle(job, "spooled")
        else:
            self._terms.bury(job.delivery)
            self._settle(job, "failed")

    def release(self, job: Job) -> None:
        """End the lease of *job*: the next occurrence is sent."""
        if job.mark is not None:
            self._terms.windows.release(job.mark, job.lease)
            if job.is_shared:
                self._terms.shared.release(job.mark, job.lease)

    def _settle(self, job: Job, result: Result) -> None:
        if job.row is not None and self._terms.spool is not None:
            if result == "spooled":
                self._terms.spool.give_back(job.row)
            else:
                self._terms.spool.done(job.row)
        self._terms.settle(job, result)
