"""
Keep traces in a place outside of this process, without ever waiting for it.

Who records only leaves a mark. A thread reads what is marked from the traces
themselves, so that what changes often is written once, and hands all of it to the
`Backend` in one go. What is not written yet, readers get from the traces as well;
while the backend is out of reach, that is all they get.

This module knows nothing of any one kind of place, and how documents are written
and read is up to `frozen`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock, Deadline
from ...errors import StoreError
from ...ids import new_trace_id, parse_fingerprint, parse_trace_id
from ...interrupts import let_pass
from ...notices import Notices
from ...settings import at_most
from ...worker import EXIT_TIMEOUT, Worker, close_at_exit, restart_after_fork
from ..current import open_traces
from ..model import ExecutionTrace, SafeTrace
from ..users import names_of, user_key
from ._bounds import Bounds
from ._protocol import Backend, Change, Kept, process_of
from .frozen import freeze, thaw

R = TypeVar("R")

#: Seconds that a reader waits for what this process has recorded to be written.
_PATIENCE: Final = 1.0
#: Seconds until a backend that failed is asked again; twice as long each time.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
#: Traces that are written in one go.
_BATCH: Final = 256
#: Traces that `find` returns at most.
_MAX_FOUND: Final = 100
_COUNTED: Final = (
    "made",
    "written",
    "dropped",
    "steps_dropped",
    "fields_dropped",
    "links_dropped",
    "ids_dropped",
    "failures",
    "unreadable",
)


class _Record:
    """A trace that has not been written to its end."""

    __slots__ = ("is_ended", "is_kept", "key", "trace", "user")

    def __init__(self, trace: SafeTrace, key: str) -> None:
        self.trace: Final = trace
        self.key: Final = key
        self.user: Final = user_key(trace.user_id)
        self.is_ended = False
        self.is_kept = False  #: something of it is written

    def change(self) -> Change:
        """Write it down as it is now."""
        is_final = self.is_ended  # first: it may end right after this
        return Change(
            key=self.key,
            trace_id=self.trace.trace_id,
            user=self.user,
            is_new=not self.is_kept,
            is_final=is_final,
            document=freeze(self.trace),
        )


class BufferedTraceStore:
    """
    A `TraceStore` over a `Backend`; see `TraceStore` for what the methods do.

    Args:
        backend: Where traces are kept; it belongs to the store.
        bounds: Those that the backend keeps; they hold here for what is not written yet.
        clock: The source of time.
    """

    def __init__(self, backend: Backend, bounds: Bounds, clock: Clock = SYSTEM_CLOCK) -> None:
        self._backend = backend
        self._bounds = bounds
        self._clock = clock
        self._notices = Notices()
        self._closed = False
        # Its one item says that there is something to do.
        self._worker: Worker[None] = Worker(self._work, capacity=1, clock=clock, name="obskit-traces")
        self.start_anew()
        restart_after_fork(self)
        close_at_exit(self)

    def start_anew(self) -> None:
        """Leave to the parent, in a forked child, its traces and what it is writing."""
        # Reentrant, since a signal handler may record as well. Notified of all that concerns who waits.
        self._changed = threading.Condition(threading.RLock())
        self._process = new_trace_id()[:16]
        self._latest_ns = 0  #: when the latest trace began, in its key
        self._records: dict[ExecutionTrace, _Record] = {}  #: traces whose end is not written
        # Those of which something is to be written, and being written, by the numbers of their marks.
        self._marked: dict[_Record, int] = {}
        self._writing: dict[_Record, int] = {}
        self._last_mark = 0
        self._to_forget: dict[str, _Erasure] = {}  #: by user
        self._failures = 0  #: in a row
        self._pause_ends_ns = self._next_beat_ns = 0  #: by the monotonic clock
        self._counts: Counter[str] = Counter(dict.fromkeys(_COUNTED, 0))

    # --- recording ---

    def started(self, trace: SafeTrace, /) -> None:
        """Keep a trace that has just begun."""
        with self._changed:
            self._counts["made"] += 1
            if self._closed:
                self._count_dropped("closed", 1)
                return
            if len(self._records) >= self._bounds.total:
                self._drop(_oldest(self._records.values()), "full")
            # Each of its own, also where the clock stands still or goes back.
            self._latest_ns = max(self._latest_ns + 1, self._clock.time_ns())
            record = _Record(trace, f"{self._latest_ns:016x}{self._process}")
            self._records[trace] = record
            self._mark(record)
            self._wake()  # perhaps no thread could be started for the traces before

    def changed(self, trace: SafeTrace, /) -> None:
        """Keep what is new of a running trace."""
        with self._changed:
            record = self._records.get(trace)
            if record is not None:
                self._mark(record)

    def ended(self, trace: SafeTrace, /) -> None:
        """Keep the final form of a trace."""
        with self._changed:
            record = self._records.get(trace)
            if record is None or record.is_ended:
                return  # given up, or begun before a fork
            record.is_ended = True
            self._mark(record)
            for what, count in trace.dropped.items():
                self._counts[f"{what}_dropped"] += count

    def _mark(self, record: _Record) -> None:
        """Remember that something of *record* is to be written."""
        if record not in self._marked:
            self._last_mark += 1
            self._marked[record] = self._last_mark
            if len(self._marked) == 1:
                self._wake()

    def _drop(self, record: _Record, reason: str) -> None:
        """Give *record* up."""
        self._marked.pop(record, None)
        if self._records.pop(record.trace, None) is not None:
            self._count_dropped(reason, 1)

    def _count_dropped(self, reason: str, count: int) -> None:
        self._counts["dropped"] += count
        self._counts[f"dropped_{reason}"] += count

    # --- reading ---

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        """Return the user's trace that started last, the caller's own open ones left out."""
        own = {(trace.trace_id, trace.span_id) for trace in open_traces()}
        found = self._of_user(user_id, 1 + len(own))
        return next((trace for trace in found if (trace.trace_id, trace.span_id) not in own), None)

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        """Return the newest trace of that id."""
        known = parse_trace_id(trace_id)
        return None if known is None else next(iter(self._find(known, 1)), None)

    def find(self, fingerprint: str, /) -> list[ExecutionTrace]:
        """Return the traces whose id begins with *fingerprint*, newest start first; at most 100."""
        wanted = parse_fingerprint(fingerprint)
        return [] if wanted is None else self._find(wanted, _MAX_FOUND)

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        """Return the newest traces of a user, or of everybody, newest start first."""
        if user_id is not None:
            return self._of_user(user_id, limit)
        most = int(at_most(limit, self._bounds.total))
        return self._read(lambda: self._backend.recent(None, most), lambda _: True, most)

    def _of_user(self, user_id: object, limit: int) -> list[ExecutionTrace]:
        user, names = user_key(user_id), [*names_of(user_id)]
        most = int(at_most(limit, self._bounds.per_user))
        found = self._read(lambda: self._backend.recent(user, most), lambda record: record.user == user, most)
        # Users may have the same key, since it is short.
        return [trace for trace in found if trace.user_id in names]

    def _find(self, prefix: str, limit: int) -> list[ExecutionTrace]:
        return self._read(
            lambda: self._backend.find(prefix, limit),
            lambda record: record.trace.trace_id.startswith(prefix),
            limit,
        )

    def _read(
        self, ask: Callable[[], list[Kept]], is_wanted: Callable[[_Record], bool], limit: int
    ) -> list[ExecutionTrace]:
        """Return what the backend has, and where that is not up to date, what this process has."""
        if limit <= 0:
            return []
        is_written = self.flush(_PATIENCE)
        with self._changed:
            own = [record for record in self._records.values() if is_wanted(record)]
        kept = self._try(ask) if self._is_in_reach() else None
        found = {one.key: one for one in kept or ()}
        if not is_written or kept is None:
            found |= {record.key: Kept(record.key, freeze(record.trace)) for record in own}
        now_ns = self._clock.time_ns()
        oldest = self._bounds.oldest_key(now_ns)
        newest = sorted((key for key in found if key >= oldest), reverse=True)
        traces = (self._thawed(found[key], now_ns) for key in newest)
        return [*islice(filter(None, traces), limit)]

    def _thawed(self, kept: Kept, now_ns: int) -> ExecutionTrace | None:
        try:
            # Who asks is alive, also where nobody could say so for a while.
            is_lost = kept.is_lost and process_of(kept.key) != self._process
            return thaw(kept.document, is_lost=is_lost, now_ns=now_ns)
        except StoreError as error:
            with self._changed:
                self._counts["unreadable"] += 1
            self._notices.tell("unreadable", f"{self._backend.name} holds something else: {error}")
            return None

    # --- erasing, finishing, counting ---

    def forget(self, user_id: object, /) -> int:
        """
        Erase all traces of a user; returns how many there were.

        While the backend is out of reach, they are erased as soon as it is back, and
        `flush` returns False until then.
        """
        user = user_key(user_id)
        self.flush(_PATIENCE)  # what waits is counted with the rest
        with self._changed:
            own = [record for record in self._records.values() if record.user == user]
            for record in own:
                self._drop(record, "forgotten")
            erasure = self._to_forget.setdefault(user, _Erasure())
            self._wake()
            is_erased = self._wait(lambda: erasure.is_done, _PATIENCE)
        # What is written was erased with the rest, or had to give way before.
        unwritten = {record.key for record in own if not (is_erased and record.is_kept)}
        oldest = self._bounds.oldest_key(self._clock.time_ns())
        return sum(key >= oldest for key in {*erasure.keys, *unwritten})

    def flush(self, timeout: float) -> bool:
        """Finish pending writes within *timeout* seconds, None for any time; False if some are left."""
        with self._changed:
            goal = self._last_mark
            return self._wait(lambda: not self._to_forget and self._is_written(goal), at_most(timeout))

    def _is_written(self, goal: int) -> bool:
        """Tell whether everything is that was marked by the numbers up to *goal*."""
        oldest = next(iter((self._writing or self._marked).values()), None)
        return oldest is None or oldest > goal

    def _wait(self, is_done: Callable[[], bool], timeout: float) -> bool:
        """Wait for the thread; False where it is not done in time, or nothing can be done."""
        deadline = Deadline(timeout)
        while not is_done():
            left = deadline.left()
            if not left or not self._is_in_reach():
                return False
            self._changed.wait(left)
        return True

    def close(self, timeout: float = EXIT_TIMEOUT) -> None:
        """Write what waits, for at most five seconds, and release everything; idempotent."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._worker.close(timeout)  # where no thread can start any more, it works right here
        with self._changed:
            for record in list(self._records.values()):
                self._drop(record, "closed")
        if not self._worker.pending:  # else it hangs in there, and we would as well
            self._backend.close()

    def stats(self) -> dict[str, float]:
        """
        Count traces: ``made``, and of these ``written``, ``dropped`` and ``pending``.

        ``steps_dropped`` and the like count what the kept ones left out, ``failures`` how
        often the backend was out of reach, and ``unreadable`` what was found in it that is
        no trace.
        """
        with self._changed:
            pending = self._counts["made"] - self._counts["written"] - self._counts["dropped"]
            return {**self._counts, "pending": pending}

    # --- the thread ---

    def _wake(self) -> None:
        """Let the thread look for what is to be done."""
        self._changed.notify_all()
        self._worker.submit(None)

    def _work(self, _: None) -> None:
        """Do what there is to do, until nothing is left or will be due later."""
        while self._is_work_left():
            self._try(self._do_what_is_due)

    def _is_work_left(self) -> bool:
        """Wait until something is due; False where that will never be."""
        with self._changed:
            while (seconds := self._seconds_to_work()) is not None and seconds > 0:
                self._clock.wait(self._changed, seconds)
            return seconds is not None

    def _seconds_to_work(self) -> float | None:
        """Return how long there is nothing to do: 0 or less for now, None for ever."""
        if self._marked or self._to_forget:
            due_ns = self._pause_ends_ns
        elif self._records and self._backend.beat_every is not None and not self._closed:
            due_ns = max(self._next_beat_ns, self._pause_ends_ns)
        else:
            return None
        left = (due_ns - self._clock.monotonic_ns()) / 1e9
        return None if left > 0 and self._closed else left

    def _do_what_is_due(self) -> None:
        """Say that this process is alive, erase who is to be forgotten, and write what was marked first."""
        now_ns, every = self._clock.monotonic_ns(), self._backend.beat_every
        if every is not None and now_ns >= self._next_beat_ns:
            self._backend.beat(self._process)
            self._next_beat_ns = now_ns + int(every * 1e9)
        for user, erasure in list(self._to_forget.items()):
            erasure.keys = self._backend.forget(user)
            with self._changed:
                erasure.is_done = True
                del self._to_forget[user]
        with self._changed:
            self._writing = dict(islice(self._marked.items(), _BATCH))
            for record in self._writing:
                del self._marked[record]
        try:
            self._write([*self._writing])
        except BaseException:
            self._put_back()
            raise
        with self._changed:
            self._writing = {}
            self._changed.notify_all()

    def _put_back(self) -> None:
        """Mark again what could not be written, before all that came later."""
        with self._changed:
            for record, number in self._marked.items():
                self._writing.setdefault(record, number)
            self._marked = {
                record: number for record, number in self._writing.items() if record.trace in self._records
            }
            self._writing = {}

    def _write(self, batch: Sequence[_Record]) -> None:
        """Write what is new of *batch*; what can never be written is given up, and nothing else."""
        try:
            changes = [record.change() for record in batch]
            late = self._backend.write(changes) if changes else 0
        except StoreError:
            raise
        except Exception as error:
            let_pass(error)
            if len(batch) > 1:
                for record in batch:
                    self._write([record])
                return
            self._notices.tell("error", f"a trace was not kept: {type(error).__name__}")
            with self._changed:
                self._drop(batch[0], "error")
            return
        with self._changed:
            ended = 0
            for record, change in zip(batch, changes, strict=True):
                record.is_kept = True
                if change.is_final and self._records.pop(record.trace, None) is not None:
                    self._marked.pop(record, None)
                    ended += 1
            late = min(late, ended)
            self._count_dropped("late", late)
            self._counts["written"] += ended - late

    # --- while the backend is out of reach ---

    def _is_in_reach(self) -> bool:
        """Tell whether it is worth asking the backend."""
        return not self._closed and self._pause_ends_ns <= self._clock.monotonic_ns()

    def _try(self, call: Callable[[], R]) -> R | None:
        """Ask the backend; None where it fails, and then it is left alone for a while."""
        try:
            answer = call()
        except Exception as error:
            let_pass(error)
            self._notices.tell(
                "failed",
                f"{self._backend.name} is out of reach: traces are kept in memory until it is back"
                f" ({type(error).__name__}: {error})",
            )
            with self._changed:
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures, 10))
                self._pause_ends_ns = self._clock.monotonic_ns() + int(pause * 1e9)
                self._failures += 1
                self._counts["failures"] += 1
                self._changed.notify_all()
            return None
        if self._failures:
            with self._changed:
                self._failures = self._pause_ends_ns = 0
                self._changed.notify_all()
        return answer


class _Erasure:
    """What has become of a request to forget a user."""

    def __init__(self) -> None:
        self.is_done = False
        self.keys: Collection[str] = ()  #: of the traces that were erased


def _oldest(records: Iterable[_Record]) -> _Record:
    """Choose what gives way: the oldest that has ended, or the oldest where all still run."""
    first = next(iter(records))
    return next((record for record in records if record.is_ended), first)
