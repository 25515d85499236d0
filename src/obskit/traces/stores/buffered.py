"""
Keep traces in a place outside of this process, without ever waiting for it.

Who records only leaves a mark. A thread reads what is marked from the traces
themselves, so that what changes often is written once, and hands all of it to the
`Backend` in one go. Whatever is not written yet, readers get from the traces as
well; while the backend is out of reach, that is all they get.

This module knows nothing of any one kind of place, and how documents are written
and read is up to `frozen`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import Final, TypeVar

from ...clock import SYSTEM_CLOCK, Clock
from ...errors import StoreError
from ...ids import new_trace_id, parse_fingerprint, parse_trace_id
from ...interrupts import let_pass
from ...notices import Notices
from ...settings import at_most
from ...worker import EXIT_TIMEOUT, Worker, close_at_exit, restart_after_fork
from ..current import open_traces
from ..model import ExecutionTrace, SafeTrace, Step
from ..users import names_of, user_key
from ._bounds import Bounds
from ._protocol import Backend, Kept
from ._reach import FIRST_PAUSE, Reach
from ._record import News, Record
from .frozen import assemble

R = TypeVar("R")

#: Seconds that a reader waits for what this process has recorded to be written.
_PATIENCE: Final = 1.0
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
        # Its one item says that marks wait. Two, because the next may come while one is handled.
        self._writer: Worker[None] = Worker(self._write, capacity=2, clock=clock, name="obskit-traces")
        self._pulse: Worker[None] = Worker(self._tend, capacity=2, clock=clock, name="obskit-pulse")
        self.start_anew()
        restart_after_fork(self)
        close_at_exit(self)

    def start_anew(self) -> None:
        """Leave to the parent, in a forked child, its traces and what it is writing."""
        # Reentrant, since a signal handler may record as well.
        self._lock = threading.RLock()
        self._progress = threading.Condition(self._lock)
        self._writing = threading.RLock()  #: held by who changes something in the backend
        self._process = new_trace_id()[:16]
        self._records: dict[ExecutionTrace, Record] = {}  #: traces whose end is not written
        self._marked: dict[Record, None] = {}  #: those of which something is to be written
        self._to_forget: dict[str, None] = {}
        self._last_mark = self._last_written = 0  #: marks are written in the order of their numbers
        self._interrupts = 0  #: who waits for the writer to stop
        self._is_called = False  #: the writer knows that there is something to do
        self._is_watched = False  #: the pulse runs
        self._beaten_ns: int | None = None
        self._reach = Reach(self._clock)
        self._counts: dict[str, float] = dict.fromkeys(_COUNTED, 0)

    # --- recording ---

    def started(self, trace: SafeTrace, /) -> None:
        """Keep a trace that has just begun."""
        record = Record(trace, self._process, self._clock.time_ns())
        with self._lock:
            self._counts["made"] += 1
            if self._closed:
                self._count_dropped("closed", 1)
                return
            if len(self._records) >= self._bounds.total:
                self._drop(_oldest(self._records.values()), "full")
            self._records[trace] = record
            self._mark(record)
            if self._backend.beat_every is not None:
                self._watch()

    def changed(self, trace: SafeTrace, step: Step | None, /) -> None:
        """Keep what is new of a running trace."""
        with self._lock:
            record = self._records.get(trace)
            if record is not None and record.note(step):
                self._mark(record)

    def ended(self, trace: SafeTrace, /) -> None:
        """Keep the final form of a trace."""
        with self._lock:
            record = self._records.get(trace)
            if record is None or record.is_ended:
                return  # given up, or begun before a fork
            record.is_ended = True
            self._mark(record)
            for what, count in trace.dropped.items():
                self._add(f"{what}_dropped", count)

    # --- reading ---

    def last(self, user_id: object, /) -> ExecutionTrace | None:
        """Return the user's trace that started last, the caller's own open ones left out."""
        with self._lock:
            own = [record for trace in open_traces() if (record := self._records.get(trace))]
        return next(iter(self._of_user(user_id, 1, own)), None)

    def get(self, trace_id: str, /) -> ExecutionTrace | None:
        """Return the newest trace of that id."""
        known = parse_trace_id(trace_id)
        found = [] if known is None else self._find(known, 1)
        return found[0] if found else None

    def find(self, fingerprint: str, /) -> list[ExecutionTrace]:
        """Return the traces whose id begins with *fingerprint*, newest start first; at most 100."""
        wanted = parse_fingerprint(fingerprint)
        return [] if wanted is None else self._find(wanted, _MAX_FOUND)

    def recent(self, user_id: object = None, limit: int = 20) -> list[ExecutionTrace]:
        """Return the newest traces of a user, or of everybody, newest start first."""
        if user_id is not None:
            return self._of_user(user_id, limit)
        most = int(at_most(limit, self._bounds.total))
        return self._read(lambda: self._backend.recent(None, most, ()), lambda _: True, most)

    def _of_user(self, user_id: object, limit: int, skip: Sequence[Record] = ()) -> list[ExecutionTrace]:
        user, names = user_key(user_id), [*names_of(user_id)]
        most, keys = int(at_most(limit, self._bounds.per_user)), [record.entry.key for record in skip]
        found = self._read(
            lambda: self._backend.recent(user, most, keys),
            lambda record: record.entry.user == user and record not in skip,
            most,
        )
        # Users may have the same key, since it is short.
        return [trace for trace in found if trace.user_id in names]

    def _find(self, prefix: str, limit: int) -> list[ExecutionTrace]:
        return self._read(
            lambda: self._backend.find(prefix, limit),
            lambda record: record.entry.trace_id.startswith(prefix),
            limit,
        )

    def _read(
        self, ask: Callable[[], list[Kept]], is_wanted: Callable[[Record], bool], limit: int
    ) -> list[ExecutionTrace]:
        """Return what the backend has, as this process knows it, after what only this process has."""
        if limit <= 0:
            return []
        self.flush(_PATIENCE)  # so that the backend has seen to the bounds
        now_ns = self._clock.time_ns()
        with self._lock:
            horizon_ns = self._bounds.horizon_ns(now_ns)
            own = {
                record.entry.key: record
                for record in reversed(self._records.values())
                if is_wanted(record) and record.entry.began_ns > horizon_ns
            }
            unkept = {key: record for key, record in own.items() if not record.is_kept}
        kept = self._try(ask) if self._is_due() else None
        found: Iterable[ExecutionTrace | None]
        if kept is None:
            found = map(_copy, own.values())
        else:
            others = (one for one in kept if one.key not in unkept)
            found = chain(
                map(_copy, unkept.values()),
                (_copy(own[one.key]) if one.key in own else self._assembled(one, now_ns) for one in others),
            )
        return [*islice(filter(None, found), limit)]

    def _assembled(self, kept: Kept, now_ns: int) -> ExecutionTrace | None:
        try:
            return assemble(kept.trace, kept.steps, is_lost=kept.is_lost, now_ns=now_ns)
        except StoreError as error:
            with self._lock:
                self._add("unreadable", 1)
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
        with self._interrupted_writer():
            with self._lock:
                own = [record for record in self._records.values() if record.entry.user == user]
                for record in own:
                    self._drop(record, "forgotten")
            erased = self._try(lambda: self._erase([user])) if self._is_due() else None
        if erased is not None:
            return erased + sum(not record.is_kept for record in own)
        with self._lock:
            self._to_forget[user] = None
            self._watch()
        return len(own)

    @contextmanager
    def _interrupted_writer(self) -> Iterator[None]:
        """Let the writer stop after what it is at, and go on after the block: a lock alone is not fair."""
        with self._lock:
            self._interrupts += 1
        try:
            with self._writing:
                yield
        finally:
            with self._lock:
                self._interrupts -= 1
                self._wake()

    def _erase(self, users: list[str]) -> int:
        erased = 0
        for user in users:
            erased += self._backend.forget(user)
            self._to_forget.pop(user, None)
        return erased

    def flush(self, timeout: float) -> bool:
        """Finish pending writes within *timeout* seconds, None for any time; False if some are left."""
        deadline = SYSTEM_CLOCK.monotonic_ns() + int(at_most(timeout) * 1e9)
        with self._progress:
            goal = self._last_mark
            while self._last_written < goal or self._to_forget:
                left = (deadline - SYSTEM_CLOCK.monotonic_ns()) / 1e9
                if left <= 0 or not self._is_due():
                    return False
                self._wake()
                self._progress.wait(left)
        return True

    def close(self, timeout: float = EXIT_TIMEOUT) -> None:
        """Write what waits, for at most five seconds, and release everything; idempotent."""
        if self._closed:
            return
        if self._is_due() and (self._last_written < self._last_mark or self._to_forget):
            self._wake()
            self._writer.flush(timeout)  # where no thread can start any more, it works right here
        self._closed = True
        self._writer.close(0)
        self._pulse.close(0)
        with self._lock:
            for record in list(self._records.values()):
                self._drop(record, "closed")
        if not self._writer.pending:  # else it hangs in there, and we would as well
            self._backend.close()

    def stats(self) -> dict[str, float]:
        """
        Count traces: ``made``, and of these ``written``, ``dropped`` and ``pending``.

        ``steps_dropped`` and the like count what the kept ones left out, ``failures`` how
        often the backend was out of reach, and ``unreadable`` what was found in it that is
        no trace.
        """
        with self._lock:
            pending = self._counts["made"] - self._counts["written"] - self._counts["dropped"]
            return {**self._counts, "pending": pending}

    # --- marks; callers hold the lock ---

    def _mark(self, record: Record) -> None:
        """Remember that something of *record* is to be written."""
        if record not in self._marked:
            self._last_mark = record.number = self._last_mark + 1
            self._marked[record] = None
        if self._is_due():
            self._wake()
        else:
            self._watch()

    def _drop(self, record: Record, reason: str) -> None:
        """Give *record* up."""
        self._records.pop(record.trace, None)
        self._marked.pop(record, None)
        self._count_dropped(reason, 1)

    def _count_dropped(self, reason: str, count: int) -> None:
        self._add("dropped", count)
        self._add(f"dropped_{reason}", count)

    def _add(self, name: str, count: float) -> None:
        self._counts[name] = self._counts.get(name, 0) + count

    # --- writing, in a thread ---

    def _wake(self) -> None:
        """Let the writer know that there is something to do."""
        if not self._is_called:
            self._is_called = True
            self._writer.submit(None)

    def _write(self, _: None) -> None:
        """Write what is marked until nothing is, or the backend is out of reach."""
        self._is_called = False
        with self._writing:
            while self._is_due() and not self._interrupts and self._write_some():
                pass
        with self._progress:
            self._progress.notify_all()

    def _write_some(self) -> bool:
        """Write what was marked first; False once nothing is left."""
        if self._to_forget and self._try(lambda: self._erase(list(self._to_forget))) is None:
            return True
        with self._progress:
            batch = [(record, record.take()) for record in islice(self._marked, _BATCH)]
            for record, _ in batch:
                del self._marked[record]
            if not batch:
                self._last_written = self._last_mark
        written = None
        try:
            written = self._try(lambda: self._write_batch(batch)) if batch else False
        finally:  # a signal handler may have raised
            if written is None:
                self._put_back(batch)
        return bool(batch)

    def _write_batch(self, batch: list[tuple[Record, News]]) -> bool:
        self._beat()
        try:
            late = self._backend.write([record.change(news) for record, news in batch])
        except StoreError:
            raise
        except Exception as error:  # one of them can never be written; the others can
            let_pass(error)
            late = sum(self._write_alone(record, news) for record, news in batch)
        with self._progress:
            ended = [record for record, news in batch if news.is_final and record.trace in self._records]
            for record, _ in batch:
                record.is_kept = True
            for record in ended:
                del self._records[record.trace]
                self._marked.pop(record, None)
            late = min(late, len(ended))
            self._count_dropped("late", late)
            self._add("written", len(ended) - late)
            self._last_written = max(news.number for _, news in batch)
            self._progress.notify_all()
        return True

    def _write_alone(self, record: Record, news: News) -> int:
        """Write what is new of *record*, or give it up where that can never be done."""
        try:
            return self._backend.write([record.change(news)])
        except StoreError:
            raise
        except Exception as error:
            let_pass(error)
            with self._lock:
                if record.trace in self._records:
                    self._drop(record, "error")
            self._notices.tell("error", f"a trace was not kept: {type(error).__name__}")
            return 0

    def _put_back(self, batch: list[tuple[Record, News]]) -> None:
        """Mark again what could not be written, before all that came later."""
        with self._lock:
            again = [(record, news) for record, news in batch if record.trace in self._records]
            for record, news in again:
                record.put_back(news)
            self._marked = {**dict.fromkeys(record for record, _ in again), **self._marked}
            self._watch()

    # --- while the backend is out of reach ---

    def _is_due(self) -> bool:
        """Tell whether it is worth asking the backend."""
        return not self._closed and self._reach.seconds_left() <= 0

    def _try(self, call: Callable[[], R]) -> R | None:
        """Ask the backend; None where it fails."""
        try:
            answer = call()
        except Exception as error:
            let_pass(error)
            self._failed(error)
            return None
        if self._reach.is_lost:
            with self._lock:
                self._reach.answered()
                self._wake()
        return answer

    def _failed(self, error: Exception) -> None:
        """Leave the backend alone for a while."""
        self._notices.tell(
            "failed",
            f"{self._backend.name} is out of reach: traces are kept in memory until it is back"
            f" ({type(error).__name__}: {error})",
        )
        with self._progress:
            self._add("failures", 1)
            self._reach.failed()
            self._watch()
            self._progress.notify_all()

    def _watch(self) -> None:
        """Have somebody try again, and tell others that this process is alive."""
        if not self._is_watched:
            self._is_watched = True
            self._pulse.submit(None)

    def _tend(self, _: None) -> float | None:
        """Do what is due by the clock; returns the seconds until the next time."""
        with self._lock:
            waits = []
            if self._reach.is_lost and (self._marked or self._to_forget):
                left = self._reach.seconds_left()
                waits.append(left if left > 0 else FIRST_PAUSE)
                if left <= 0:
                    self._wake()
            if self._backend.beat_every is not None and self._records:
                waits.append(self._backend.beat_every)
            self._is_watched = bool(waits)
        if waits and self._is_due():
            with suppress(StoreError):  # writing will tell
                self._beat()
        return min(waits, default=None)

    def _beat(self) -> None:
        """Say that this process is alive, unless that was said just now."""
        now, every = self._clock.monotonic_ns(), self._backend.beat_every
        if every is not None and (self._beaten_ns is None or now >= self._beaten_ns + every * 0.9e9):
            self._backend.beat(self._process)
            self._beaten_ns = now


def _copy(record: Record) -> ExecutionTrace | None:
    """Return the trace as it is now; None where it holds something that nobody can keep."""
    try:
        return record.read()
    except Exception as error:  # writing will tell
        let_pass(error)
    return None


def _oldest(records: Iterable[Record]) -> Record:
    """Choose what gives way: the oldest that has ended, or the oldest where all still run."""
    first = next(iter(records))
    return next((record for record in records if record.is_ended), first)
