"""
The one replaceable cell that holds what `configure()` built.

Loggers, traces and alerts ask `current()` at each call, so a logger made before
`configure()` follows it. The cell is the only process-wide state of obskit that
changes, and it is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import RLock
from typing import Final, Protocol, Self, TypeVar

from .clock import Clock, Deadline
from .context import bound_context
from .event import SafeEvent
from .gate import Gate
from .interrupts import let_pass
from .lazy import LOADING
from .notices import Notices
from .settings import at_most
from .worker import restart_after_fork

T = TypeVar("T")


class Part(Protocol):
    """Something of the runtime that holds work back and gives it up when asked."""

    def flush(self, timeout: float) -> bool:
        """Finish what is pending within *timeout* seconds; False if something is left."""

    def close(self) -> None:
        """Finish and release everything; idempotent."""

    def stats(self) -> Mapping[str, float]:
        """Return what was counted so far, by name."""


class Installed(Protocol):
    """Hooks or handlers in the process that bring to the logs of the runtime in force what others say."""

    def undo(self) -> None:
        """Put back what was there before."""


class TraceObserver(Protocol):
    """Is told of every trace that starts and ends, in the thread and context of the trace."""

    def trace_started(self, trace: TraceFacts, /) -> None:
        """Take note of a trace that has just become the current one."""

    def trace_ended(self, trace: TraceFacts, /) -> None:
        """Take note of a trace that has ended and is still the current one."""


class TraceFacts(Protocol):
    """What an observer may read of a trace; all of it is safe to show."""

    @property
    def trace_id(self) -> str:
        """32 lowercase hex digits."""

    @property
    def command(self) -> str:
        """What the user asked for."""

    @property
    def status(self) -> str:
        """One of ``running ok error cancelled lost``."""

    @property
    def duration_ms(self) -> float:
        """Milliseconds since the start, or from start to end."""

    @property
    def step_count(self) -> int:
        """Steps recorded, the dropped ones included."""

    @property
    def block(self) -> bound_context:
        """What binds the trace's fields: scopes that lie in it belong to the trace."""


class Later:
    """A part that is made at first need: a program that only logs loads neither traces nor alerts."""

    __slots__ = ("_make", "made")

    def __init__(self, make: Callable[[], Part]) -> None:
        self.made: Part | None = None
        self._make = make

    def get(self) -> Part:
        """Return the part, made now if it has not been."""
        if self.made is None:
            with LOADING:
                if self.made is None:
                    self.made = self._make()
        return self.made


def ready(part: Part) -> Later:
    """Wrap a *part* that is made already."""
    later = Later(lambda: part)
    later.get()
    return later


class Runtime:
    """Everything that is set up once per process."""

    def __init__(
        self,
        *,
        service: str,
        clock: Clock,
        gate: Gate,
        logs: Part,
        trace_store: Later,
        alerter: Later,
        lowest: int = 0,
        observers: tuple[TraceObserver, ...] = (),
    ) -> None:
        self.service: Final = service
        self.clock: Final = clock
        self.gate: Final = gate
        self.logs: Final = logs
        self.lowest: Final = lowest  #: no event of a lower level is written, whatever its logger
        self.observers: Final = observers
        #: What connects the rest of the process to the logs, by name; the next runtime takes it over.
        self.installed: dict[str, Installed] = {}
        #: By name: headers from outside that did not conform; ``trace`` where a store or an observer raised.
        self.refused: Final[dict[str, int]] = {}
        self._trace_store: Final = trace_store
        self._alerter: Final = alerter
        self._notices: Final = Notices()

    @property
    def trace_store(self) -> Part:
        """Keeps the traces."""
        return self._trace_store.get()

    @property
    def alerter(self) -> Part:
        """Delivers the alerts."""
        return self._alerter.get()

    def flush(self, timeout: float | None = 5.0) -> bool:
        """
        Finish everything pending: lines, trace writes and alerts.

        Args:
            timeout: Seconds for all of it together; None is no limit.

        Returns:
            False if something is still pending.
        """
        deadline = Deadline(at_most(timeout))
        done = [self._asked(part, lambda part: part.flush(deadline.left()), False) for part in self.parts()]
        return all(done)

    def close(self, *, keep: Iterable[Part] = ()) -> None:
        """
        Undo what `configure()` did: uninstall the hooks, finish what is pending; idempotent.

        Args:
            keep: Parts that stay open because another runtime goes on with them.
        """
        with LOADING:
            for installed in self.installed.values():
                installed.undo()
            self.installed = {}
        kept = list(keep)
        for part in self.parts():
            if not any(part is other for other in kept):
                self._asked(part, lambda part: part.close(), None)
        with LOADING:  # else one that is put in force meanwhile would be thrown out
            if CELL.runtime is self:
                CELL.fill(None)

    def _asked(self, part: Part, ask: Callable[[Part], T], otherwise: T) -> T:
        """Ask a part, which may be one of the user's own: what it raises is told and goes no further."""
        try:
            return ask(part)
        except Exception as error:
            let_pass(error)
            kind, what = type(part).__name__, type(error).__name__
            self._notices.tell(f"part {kind} {what}", f"{kind} failed: {what}; the other parts go on")
            return otherwise

    def stats(self) -> Mapping[str, float]:
        """Return all counters, each named after its part: ``logs_dropped``, ``alerts_sent`` ..."""
        parts = {"traces": self.trace_store, "alerts": self.alerter, "logs": self.logs}
        counts: dict[str, Mapping[str, float]] = {
            name: self._asked(part, lambda part: dict(part.stats()), {}) for name, part in parts.items()
        }
        counts |= {"redaction": self.gate.redactor.stats(), "refused": self.refused.copy()}
        return {f"{name}_{what}": count for name, each in counts.items() for what, count in each.items()}

    def parts(self) -> list[Part]:
        """List the parts that were made, in the order to finish them: traces and alerts may still log."""
        parts = (self._trace_store.made, self._alerter.made, self.logs)
        return [part for part in parts if part is not None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cell:
    """Holds the runtime in force, and makes one where nobody configured."""

    def __init__(self) -> None:
        self.runtime: Runtime | None = None
        #: A log call of a lower level ends here, as most of a busy program do: the level of the
        #: runtime, or 0 while a trace keeps what is below it.
        self.lowest = 0
        self._recordings = 0
        self._counting = RLock()
        #: Takes all events in place of the lines of whatever runtime is in force, for tests.
        self.diverted: Callable[[SafeEvent], None] | None = None
        self.make_default: Callable[[], object]  #: puts a runtime in force where nobody configured
        restart_after_fork(self)

    def start_anew(self) -> None:
        """Forget, in a forked child, that a thread of the parent was counting."""
        self._counting = RLock()

    def fill(self, runtime: Runtime | None) -> None:
        """Put *runtime* in force; None leaves the next call to build the default one."""
        self.runtime = runtime
        self.count_recordings(0)

    def count_recordings(self, more: int) -> None:
        """Take note that *more* traces than before keep their lines below the level, or fewer."""
        with self._counting:
            self._recordings += more
            runtime = self.runtime
            self.lowest = 0 if self._recordings or runtime is None else runtime.lowest

    def current(self) -> Runtime:
        """Return the runtime in force, building the default one where there is none."""
        return self.runtime or self._build()

    def _build(self) -> Runtime:
        with LOADING:
            while (runtime := self.runtime) is None:  # another thread may close the default one at once
                self.make_default()
            return runtime


CELL: Final = Cell()
current: Final = CELL.current
