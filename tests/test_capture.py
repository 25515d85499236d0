"""A test sees what was logged, in whatever order and thread things happen."""

from __future__ import annotations

import asyncio
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import obskit
from obskit.testing import capture

log = obskit.get_logger("made.first")


def configured(level: str = "info") -> obskit.Runtime:
    """Set up a program that installs nothing."""
    return obskit.configure(level=level, output=io.BytesIO(), capture_logging=False, hooks=False)


def test_a_logger_may_be_older_than_the_capture_and_the_set_up() -> None:
    """None of them has to come first."""
    with capture() as events, configured():
        log.info("older")
        obskit.get_logger("made.later").bind(shop=1).info("newer")
    assert [event["msg"] for event in events] == ["older", "newer"]


def test_a_new_set_up_inside_the_block_is_captured_too() -> None:
    """Also when it ends inside the block, and nothing is written meanwhile."""
    output = io.BytesIO()
    with capture() as events:
        with obskit.configure(level="debug", output=output, capture_logging=False, hooks=False):
            log.debug("inside")
        log.info("after")
    assert [event["msg"] for event in events] == ["inside", "after"]
    assert output.getvalue() == b""


def test_lines_are_written_again_afterwards() -> None:
    """Nothing of a capture stays."""
    output = io.BytesIO()
    with obskit.configure(output=output, capture_logging=False, hooks=False):
        with capture():
            log.info("captured")
        log.info("written")
    assert b"captured" not in output.getvalue()
    assert b"written" in output.getvalue()


def test_captures_of_several_threads_do_not_mix() -> None:
    """Each thread sees its own events, however they overlap."""
    barrier = threading.Barrier(8)

    def test_of_somebody(number: int) -> list[int]:
        with capture() as events:
            barrier.wait()
            for _ in range(50):
                log.info("mine", number=number)
            barrier.wait()
        return [event["number"] for event in events]

    with configured(), ThreadPoolExecutor(8) as pool:
        for number, seen in enumerate(pool.map(test_of_somebody, range(8))):
            assert seen == [number] * 50


def test_captures_of_several_tasks_do_not_mix() -> None:
    """Nor do those of tasks in one loop."""

    async def test_of_somebody(number: int) -> list[int]:
        with capture() as events:
            await asyncio.sleep(0)
            log.info("mine", number=number)
            await asyncio.sleep(0)
        return [event["number"] for event in events]

    async def main() -> list[list[int]]:
        return await asyncio.gather(*map(test_of_somebody, range(20)))

    with configured():
        assert asyncio.run(main()) == [[number] for number in range(20)]


def test_a_thread_of_its_own_is_seen_by_every_open_capture() -> None:
    """Such a thread belongs to no capture, so none may miss it."""
    with configured(), capture() as outer, capture() as inner:
        thread = threading.Thread(target=log.info, args=("background",))
        thread.start()
        thread.join()
    assert [event["msg"] for event in outer] == [event["msg"] for event in inner] == ["background"]


def test_the_innermost_capture_takes_the_events() -> None:
    """A capture inside a capture keeps its events to itself."""
    with configured(), capture() as outer:
        with capture() as inner:
            log.info("inner")
        log.info("outer")
    assert [event["msg"] for event in outer] == ["outer"]
    assert [event["msg"] for event in inner] == ["inner"]
