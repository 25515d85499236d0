"""
Know what of a trace that is being recorded is not yet written.

Steps are kept in slots, so that however many there are, what is written of one
trace is bounded: the first ones and the latest stay, as in the trace itself.
"""

from __future__ import annotations

from typing import Final

from ...ids import new_trace_id
from ..bounds import MAX_STEPS
from ..model import SafeTrace, Step
from ..users import user_key
from ._protocol import Change, Entry
from .frozen import freeze, freeze_head, freeze_step

_HEAD: Final = MAX_STEPS // 2


class News:
    """What of a trace is yet to be written."""

    __slots__ = ("head", "is_final", "is_new", "number", "slots")

    def __init__(self, *, is_new: bool = False) -> None:
        self.is_new = self.head = is_new
        self.is_final = False
        self.slots: set[int] = set()
        self.number = 0  #: news are written in this order


class Record:
    """A trace that has not been written to its end."""

    __slots__ = ("entry", "is_ended", "news", "numbers", "steps", "trace")

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
        self.news = News(is_new=True)
        self.numbers: dict[Step, int] = {}  #: of the steps that have a slot, in the order in which they began
        self.steps: dict[int, tuple[Step, int]] = {}  #: by slot, with its number

    def note(self, step: Step | None) -> bool:
        """Note that *step* has changed, or the trace itself; False if it is of no interest any more."""
        if step is None:
            self.news.head = True
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
        self.news.slots.add(_slot(number))
        return True

    def end(self) -> None:
        """Note that the trace has ended."""
        self.is_ended = self.news.is_final = True

    def take(self) -> News:
        """Hand out what is new."""
        news, self.news = self.news, News()
        return news

    def put_back(self, news: News) -> None:
        """Take back what was handed out."""
        self.news.is_new |= news.is_new
        self.news.head |= news.head
        self.news.is_final |= news.is_final
        self.news.slots |= news.slots
        self.news.number = news.number

    def change(self, news: News) -> Change:
        """Write down what is new, as it is now."""
        steps: dict[int, bytes] = {}
        if news.is_final:
            document: bytes | None = freeze(self.trace)
        else:
            document = freeze_head(self.trace) if news.head else None
            steps = {slot: freeze_step(*self.steps[slot]) for slot in sorted(news.slots)}
        return Change(
            entry=self.entry, is_new=news.is_new, is_final=news.is_final, trace=document, steps=steps
        )


def _slot(number: int) -> int:
    return number if number < _HEAD else _HEAD + (number - _HEAD) % (MAX_STEPS - _HEAD)
