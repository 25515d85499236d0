"""Where obskit is installed, tests read what was logged from a fixture; nothing has to be switched on."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

#: Tests of somebody's bot: a logger made before everything, threads, tasks, and a new set-up.
SUITE = """
import asyncio, threading
import pytest
import obskit

log = obskit.get_logger("bot")

@pytest.mark.parametrize("number", range(20))
def test_sees_its_own_events_only(obskit_events, number):
    log.info("started", number=number)
    assert [event["number"] for event in obskit_events] == [number]

def test_sees_what_threads_and_tasks_log(obskit_events):
    async def task():
        log.info("task")
    thread = threading.Thread(target=log.info, args=("thread",))
    thread.start()
    thread.join()
    asyncio.run(task())
    assert [event["msg"] for event in obskit_events] == ["thread", "task"]

def test_sees_through_a_new_set_up(obskit_events):
    log.debug("unseen")
    with obskit.configure(level="debug", capture_logging=False, hooks=False):
        log.debug("configured")
    log.info("closed")
    assert [event["msg"] for event in obskit_events] == ["configured", "closed"]

def test_nothing_is_written(obskit_events, capfd):
    log.error("failed")
    assert capfd.readouterr().out == ""
"""


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_the_fixture_holds_the_events_of_one_test(pytester: pytest.Pytester, workers: int) -> None:
    """Whichever logger, thread or set-up they come from, alone and under xdist."""
    pytester.makepyfile(SUITE)
    distributed = ["-n", str(workers)] if workers else ["-p", "no:xdist"]
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *distributed)
    result.assert_outcomes(passed=23)


def test_the_fixture_explains_itself(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` shows one line that says what it is."""
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["obskit_events*", "*The events that are logged during the test*"])
