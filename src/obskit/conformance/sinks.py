"""The rules of line sinks."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import chain
from typing import Final

from ..clock import Deadline
from ..errors import SinkError
from ..sinks import Sink
from . import rules
from .rules import Rules, check, expect, in_child, in_forks, in_threads

_LINE: Final = b'{"level":"info","msg":"obskit checks this sink"}\n'


def check_sink(make_sink: Callable[[], Sink[bytes]], *, received: Callable[[], bytes] | None = None) -> None:
    """
    Check that the sinks which *make_sink* builds keep the rules of `obskit.sinks.Sink`.

    Args:
        make_sink: Builds a working sink; called once for each rule.
        received: Returns all that has arrived where the sinks deliver to. Without it
            nobody can tell whether lines arrive whole.

    Raises:
        AssertionError: If a rule is broken; names each, what it is for, and what happened.
    """
    check("sink", "obskit.sinks.Sink", SinkRules(make_sink, received))


class SinkRules(Rules[Sink[bytes]]):
    """What `obskit.sinks.Sink` asks for."""

    def __init__(self, make: Callable[[], Sink[bytes]], received: Callable[[], bytes] | None) -> None:
        super().__init__(make)
        self.received: Final = received

    def delivers(self) -> None:
        """`emit` delivers a line without an error: the sink is set up and working."""
        with closing(self.make()) as sink:
            sink.emit(_LINE)

    def raises_sink_error_only(self) -> None:
        """`emit` raises SinkError only, whatever the line: its text is the reason counted."""
        with closing(self.make()) as sink:
            for line in (b"\n", '{"msg":"\u00fc\u20ac"}\n'.encode(), b'"' + b"x" * 256_000 + b'"\n'):
                _emit(sink, line)

    def takes_late_lines(self) -> None:
        """After close a line is a SinkError or goes nowhere: some code logs until the end."""
        sink = self.make()
        sink.close()
        _emit(sink)

    def serves_threads(self) -> None:
        """`emit` may be called from several threads at once, and each line arrives once and in one piece."""
        text = b"x" * 10_000
        sent = [[b'{"line":"%d of %d","text":"%s"}\n' % (n, t, text) for n in range(50)] for t in range(8)]

        def log(thread: int) -> None:
            for line in sent[thread]:
                sink.emit(line)

        with closing(self.make()) as sink:
            in_threads(len(sent), log)
        if self.received is not None:
            arrived = Counter(self.received().splitlines(keepends=True))
            whole = [line for line in chain(*sent) if arrived[line] == 1]
            expect("lines that arrived once and whole", 400, len(whole))

    def flushes(self) -> None:
        """`flush(timeout)`, where there is one, is True once nothing is held back, else False."""
        with closing(self.make()) as sink:
            sink.emit(_LINE)
            if flush := getattr(sink, "flush", None):
                expect("flush", True, flush(rules.PATIENCE / 2))

    def survives_signals(self) -> None:
        """`emit` may interrupt itself, as a signal handler does: use a re-entrant lock."""

        def log_in_a_handler_too() -> None:  # pragma: no cover - runs in a child
            signal.signal(signal.SIGALRM, lambda *_: _emit(sink))
            signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
            deadline = Deadline(0.3)
            while deadline.left():
                _emit(sink)
            signal.setitimer(signal.ITIMER_REAL, 0)

        with closing(self.make()) as sink:
            in_child(log_in_a_handler_too)

    def survives_fork(self) -> None:
        """A forked child can log, whatever lock a thread of the parent held: renew locks at fork."""
        with closing(self.make()) as sink:
            in_forks(10, lambda: _emit(sink), beside=lambda: sink.emit(_LINE))


def _emit(sink: Sink[bytes], line: bytes = _LINE) -> None:
    with suppress(SinkError):
        sink.emit(line)
