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
from typing import Final

from ..clock import Clock
from ..errors import SinkError, SinkRejected
from ..http import parse_retry_after
from ..ids import jitter
from ..notices import Notices
from ..worker import Worker
from .dedupe import Held, MemoryDedupe
from .dedupe.failopen import FailOpen
from .delivery import Delivery
from .receipt import QueuedReceipt, Result
from .routing import Route
from .window import Repeats

#: Seconds a delivery may take with all its retries, from its first attempt.
TOTAL_TIMEOUT: Final = 120.0
#: Seconds that a shared lease outlives its process; it is renewed while we retry.
LEASE: Final = 30.0
#: Bounds of the time between attempts, in seconds; full jitter takes any time below.
_FIRST_BACKOFF: Final = 0.5
_LONGEST_BACKOFF: Final = 60.0
#: Messages that may wait for one sink.
_CAPACITY: Final = 1_000


@dataclass(slots=True, kw_only=True)
class Job:
    """A message on its way."""

    delivery: Delivery
    mark: str | None  #: names the window at this sink; None for a message that has none
    lease: str  #: the token under which the window is leased
    receipt: QueuedReceipt | None
    attempts: int = 0
    deadline_ns: int = 0  #: set with the first attempt
    is_shared: bool = False  #: True once the shared place lets us send


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all lanes of an alerter have in common."""

    window: float
    clock: Clock
    windows: MemoryDedupe
    shared: FailOpen
    notices: Notices
    settle: Callable[[Job, Result], None]  #: is told what became of a message


class Lane:
    """The way to one sink."""

    def __init__(self, route: Route, name: str, terms: Terms) -> None:
        self.route = route
        self.name = name
        self._terms = terms
        self._paused_until_ns = 0
        self._revoked = False
        self._closed = False
        self._worker: Worker[Job] = Worker(
            self._process, capacity=_CAPACITY, clock=terms.clock, name=f"obskit-{name}"
        )

    def mark(self, dedupe_key: str) -> str:
        """Name the window of *dedupe_key* at this sink."""
        return f"{dedupe_key}@{self.name}"

    def submit(self, job: Job) -> bool:
        """Take *job*; False, with its mark released, where the queue is full or closed."""
        if self._worker.submit(job):
            return True
        self._release(job)
        return False

    def is_inside(self) -> bool:
        """Tell whether the calling thread is delivering."""
        return self._worker.is_inside()

    def flush(self, timeout: float) -> bool:
        """Wait until every message is settled; False if the time was too short."""
        return self._worker.flush(timeout)

    def close(self, timeout: float) -> None:
        """Deliver within *timeout* what is pending, give up the rest, close the sink."""
        left = self._worker.close(timeout)
        self._closed = True
        for job in left:
            self._give_up(job, "there was no time left at the end")
        with contextlib.suppress(Exception):
            self.route.sink.close()

    def _process(self, job: Job) -> float | None:
        """Try to deliver *job*; returns the seconds until the next attempt, or None once it is settled."""
        try:
            return self._step(job)
        except BaseException as error:  # not even a broken error of a sink leaves an alert unsettled
            self._give_up(job, type(error).__name__)
            return None

    def _step(self, job: Job) -> float | None:
        now = self._terms.clock.monotonic_ns()
        if not job.deadline_ns:
            job.deadline_ns = now + int(TOTAL_TIMEOUT * 1e9)
        if self._revoked:
            self._give_up(job, "the service has refused us for good")
        elif now < self._paused_until_ns:
            return self._later(job, (self._paused_until_ns - now) / 1e9, "the service asked to wait")
        elif self._may_send(job):
            return self._attempt(job)
        return None

    def _attempt(self, job: Job) -> float | None:
        try:
            self.route.sink.emit(job.delivery)
        except SinkRejected as error:
            self._revoked = error.revoked
            self._give_up(job, str(error))
        except SinkError as error:
            return self._retry(job, error)
        except BaseException as error:  # a sink may be anybody's and raise anything
            return self._retry(job, SinkError(type(error).__name__))
        else:
            self._delivered(job)
        return None

    def _may_send(self, job: Job) -> bool:
        """Ask the shared place, once per message, whether another process has told already."""
        if job.mark is None or job.is_shared:
            return True
        answer = self._terms.shared.lease(job.mark, job.lease, LEASE)
        if isinstance(answer, Held):
            occurrence = Repeats(1, job.delivery.time_ns, job.delivery.time_ns)
            self._terms.shared.count(job.mark, occurrence.plus(job.delivery.repeats))
            self._terms.windows.delivered(job.mark, job.lease, answer.seconds)
            self._terms.settle(job, "duplicate")
            return False
        job.is_shared = True
        job.delivery = replace(job.delivery, repeats=job.delivery.repeats.plus(answer.repeats))
        return True

    def _retry(self, job: Job, error: SinkError) -> float | None:
        """Back off with full jitter; being told to wait is no failed attempt."""
        wait = parse_retry_after(error.retry_after)
        if wait is not None:
            self._paused_until_ns = self._terms.clock.monotonic_ns() + int(wait * 1e9)
        else:
            wait = jitter(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**job.attempts))
            job.attempts += 1
        return self._later(job, wait, str(error))

    def _later(self, job: Job, seconds: float, reason: str) -> float | None:
        now = self._terms.clock.monotonic_ns()
        if self._closed or now + int(seconds * 1e9) > job.deadline_ns:
            self._give_up(job, reason)
            return None
        if job.mark is not None:
            self._terms.shared.renew(job.mark, job.lease, seconds + LEASE)
        return seconds

    def _delivered(self, job: Job) -> None:
        if job.mark is not None:
            self._terms.windows.delivered(job.mark, job.lease, self._terms.window)
            self._terms.shared.delivered(job.mark, job.lease, self._terms.window)
        self._terms.settle(job, "delivered")

    def _give_up(self, job: Job, reason: str) -> None:
        self._release(job)
        self._terms.notices.tell(self.name, f"an alert was not delivered by {self.name}: {reason}")
        self._terms.settle(job, "failed")

    def _release(self, job: Job) -> None:
        if job.mark is not None:
            self._terms.windows.release(job.mark, job.lease)
            if job.is_shared:
                self._terms.shared.release(job.mark, job.lease)
