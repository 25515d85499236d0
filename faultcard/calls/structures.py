"""Containers that are endless, too deep, too wide, or that change while they are read."""

from __future__ import annotations

import copy
import itertools
import pickle
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faultcard.calls.model import BESIDE, Calls
from faultcard.contenders import Log

CALLS = Calls()
call, value = CALLS.call, CALLS.value


@value()
def dictionary_inside_itself() -> Any:
    """A dictionary that contains itself."""
    loop: dict[str, Any] = {}
    loop["self"] = loop
    return loop


@value()
def list_inside_itself() -> Any:
    """A list that contains itself."""
    loop: list[Any] = []
    loop.append(loop)
    return loop


@value()
def cycle_of_three() -> Any:
    """A dictionary, a list and a tuple that contain each other."""
    start: dict[str, Any] = {}
    start["list"] = [(start,)]
    return start


@value()
def list_2000_deep() -> Any:
    """Lists nested 2,000 deep, beyond the recursion limit."""
    return _nested_list(2_000)


@value()
def list_100000_deep() -> Any:
    """Lists nested 100,000 deep."""
    return _nested_list(100_000)


@value()
def dictionary_100000_deep() -> Any:
    """Dictionaries nested 100,000 deep."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"in": deep}
    return deep


def _nested_list(depth: int) -> Any:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


@value()
def shared_graph() -> Any:
    """Thirty lists of ten times the next one: 10^30 leaves if it were written out."""
    graph: list[Any] = ["leaf"]
    for _ in range(30):
        graph = [graph] * 10
    return graph


@value()
def list_of_a_million() -> Any:
    """A list of a million numbers."""
    return list(range(1_000_000))


@value()
def dictionary_of_100000() -> Any:
    """A dictionary of 100,000 keys."""
    return {f"key-{number}": number for number in range(100_000)}


@value()
def ten_thousand_texts() -> Any:
    """Ten thousand texts of a kilobyte."""
    return ["x" * 1_000] * 10_000


@value()
def endless_iterator() -> Any:
    """An iterator without end."""
    return itertools.count()


@value()
def range_of_a_quintillion() -> Any:
    """A range that is longer than any memory."""
    return range(10**18)


@call(BESIDE)
def generator(log: Log) -> None:
    """A generator, which must still be at its beginning afterwards."""
    numbers = (number for number in range(3))
    log.info("call", value=numbers, beside=BESIDE)
    if next(numbers) != 0:
        raise AssertionError("the generator was consumed")


@value()
def list_whose_iter_never_ends() -> Any:
    """A subclass of list whose iteration never ends."""

    class Endless(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            return itertools.repeat("again")

    return Endless(["once"])


@value()
def list_whose_len_lies() -> Any:
    """A sequence that says it has a quintillion items."""

    class Long(Sequence[Any]):
        def __len__(self) -> int:
            return 10**18

        def __getitem__(self, index: Any) -> Any:
            return index

    return Long()


@value()
def dictionary_whose_items_raises() -> Any:
    """A subclass of dict whose `items()` raises."""

    class Broken(dict[str, Any]):
        def items(self) -> Any:
            raise ValueError("no items")

        keys = values = __iter__ = items

    return Broken(a=1)


@value()
def dictionary_whose_items_lies() -> Any:
    """A subclass of dict whose `items()` gives what are no pairs."""

    class Lying(dict[str, Any]):
        def items(self) -> Any:
            return [1, ("a",), ("b", 2, 3), None]

    return Lying(a=1)


@value()
def mapping_that_lies() -> Any:
    """A mapping that names keys and then has none of them."""

    class Lying(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise KeyError(key)

        def __iter__(self) -> Iterator[str]:
            return iter(["a", "b"])

        def __len__(self) -> int:
            return 2

    return Lying()


@value()
def mapping_without_end() -> Any:
    """A mapping whose keys never end."""

    class Endless(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return key

        def __iter__(self) -> Iterator[str]:
            return map(str, itertools.count())

        def __len__(self) -> int:
            return 1

    return Endless()


@value()
def dictionary_that_grows_while_read() -> Any:
    """A dictionary whose value adds a key to it when it is turned into text."""
    growing: dict[str, Any] = {}

    class Adds:
        def __repr__(self) -> str:
            growing[f"more-{len(growing)}"] = self
            return "adds"

    growing["first"] = Adds()
    return growing


@call(BESIDE, lines=200, seconds=20)
def dictionary_another_thread_changes(log: Log) -> None:
    """200 lines with a dictionary that another thread fills and empties meanwhile."""
    shared: dict[str, int] = {}
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            for number in range(200):
                shared[f"key-{number}"] = number
            shared.clear()
            time.sleep(0)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(200):
            log.info("call", value=shared, beside=BESIDE)
    finally:
        done.set()
        thread.join()


@call("as-it-was")
def list_changed_after_the_call(log: Log) -> None:
    """A list that is emptied right after the call; the line shows what it was."""
    items = ["as-it-was"]
    log.info("call", value=items)
    items.clear()


@call("given", BESIDE)
def value_stays_as_it_was(log: Log) -> None:
    """A nested value with secret-sounding keys, which the logger must not change."""
    given: dict[str, Any] = {"a": {"password": "not-real", "list": [1, ("x",)]}, "b": "given"}
    before = copy.deepcopy(given)
    log.info("call", value=given, beside=BESIDE)
    if given != before:
        raise AssertionError("the value was changed")


@call(BESIDE)
def ten_thousand_fields(log: Log) -> None:
    """A call with 10,000 fields."""
    log.info("call", beside=BESIDE, **{f"field_{number}": number for number in range(10_000)})


@call(BESIDE)
def fields_of_three_megabytes(log: Log) -> None:
    """Thirty fields of 100 KB, with a small one after them."""
    log.info("call", **{f"field_{number}": "x" * 100_000 for number in range(30)}, beside=BESIDE)


@call(BESIDE)
def bound_a_hundred_times(log: Log) -> None:
    """A logger bound a hundred times over."""
    for number in range(100):
        log = log.bind(**{f"bound_{number}": number})
    log.bind(beside=BESIDE).info("call")


@call(BESIDE)
def logger_after_a_pickle(log: Log) -> None:
    """A logger that went through `pickle`, as to another process."""
    pickle.loads(pickle.dumps(log)).info("call", beside=BESIDE)


@call(BESIDE)
def logger_after_a_deep_copy(log: Log) -> None:
    """A logger that was copied deeply, as part of an object that holds it."""
    copy.deepcopy(log).info("call", beside=BESIDE)
