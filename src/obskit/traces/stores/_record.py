"""
Know what of a trace that is being recorded is not yet written.

Steps are kept in slots, so that however many there are, what is written of one
trace is bounded: the first ones and the latest stay, as in the trace itself.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ...ids import new_trace_id
from ..bounds import MAX_STEPS
from ..model import ExecutionTrace, SafeTrace, Step
from ..users import user_key
from ._protocol import Change, Entry
from .frozen import freeze, freeze_head, freeze_step
from .packed import pack, unpack

_HEAD: Final = MAX_STEPS // 2


class News(NamedTuple):
    """What of a trace is about to be written."""

    number: int  #: news are written in this order
    is_final: bool
    head: bool
    slots: set[int]


class Record:
    """A trace that has not been written to its end."""

    __slots__ = ("entry", "head", "is_ended", "is_kept", "number", "numbers", "slots", "steps", "trace")

    def __init__(self, trace: SafeTrace, process: str, now_ns: int) -> None:
        self.trace: Final = trace
        self.entry: Final = Entry(
            key=new_trace_id()[:16],
            trace_id=trace.trace_id,
            user=user_key(trace.user_id),
            process=process,
            began_ns=now_ns,
        )
        self.is_ended = False
        self.is_kept = False  #: something of it is written
        self.numbers: dict[Step, int] = {}  #: of the steps that have a slot, in the order in which they began
        self.steps: dict[int, tuple[Step, int]] = {}  #: by slot, with its number
        # What is yet to be written: since when, the trace itself, and the slots of steps.
        self.number = 0
        self.head = True
        self.slots: set[int] = set()

    def note(self, step: Step | None) -> bool:
        """Note that *step* has changed, or the trace itself; False if it is of no interest any more."""
        if step is None:
            self.head = True
            return True
        number = self.numbers.get(step)
        if number is None:
            if step not in self.trace.steps:  # it gave way to others
                return False
            number = self.numbers[step] = next(reversed(self.numbers.values()), -1) + 1
            slot = _slot(number)
            if slot in self.steps:
                del self.numbers[self.steps[slot][0]]
            self.steps[slot] = step, number
        self.slots.add(_slot(number))
        return True

    def take(self) -> News:
        """Hand out what is new."""
        news = News(self.number, self.is_ended, self.head, self.slots)
        self.head, self.slots = False, set()
        return news

    def put_back(self, news: News) -> None:
        """Take back what was handed out."""
        self.number = news.number
        self.head |= news.head
        self.slots |= news.slots

    def change(self, news: News) -> Change:
        """Write down what is new, as it is now."""
        if news.is_final:
            document: bytes | None = freeze(self.trace)
            steps = {}
        else:
            document = freeze_head(self.trace) if news.head else None
            steps = {slot: freeze_step(*self.steps[slot]) for slot in sorted(news.slots)}
        return Change(
            entry=self.entry, is_new=not self.is_kept, is_final=news.is_final, trace=document, steps=steps
        )

    def read(self) -> ExecutionTrace:
        """Return a copy of the trace as it is now."""
        return unpack(pack(self.trace))


def _slot(number: int) -> int:
    return number if number < _HEAD else _HEAD + (number - _HEAD) % (MAX_STEPS - _HEAD)
