"""What a signal handler raises is told from what a value raises."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import pytest

import obskit
from obskit.interrupts import is_interruption


class Handlers:
    """Handlers as programs write them."""

    def exit(self, number: int, frame: FrameType | None) -> None:
        """Leave the program, as a method."""
        sys.exit(3)


def time_out(number: int, frame: FrameType | None) -> None:
    """Give up."""
    raise TimeoutError


class Interrupted:
    """A value during whose repr() a signal arrives."""

    def __repr__(self) -> str:
        signal.raise_signal(signal.SIGTERM)
        return "fine"


class Exiting:
    """A value whose own code wants to leave the program."""

    def __repr__(self) -> str:
        raise SystemExit(4)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [(time_out, TimeoutError), (Handlers().exit, SystemExit), (lambda *_: sys.exit(5), SystemExit)],
)
def test_what_a_signal_handler_raises_reaches_the_program(
    handler: signal.Handlers, expected: type[BaseException]
) -> None:
    """A timeout or an exit that comes while a line is made is not swallowed."""
    before = signal.signal(signal.SIGTERM, handler)
    try:
        with pytest.raises(expected):
            obskit.get_logger().info("%s", Interrupted(), value=Interrupted())
        with pytest.raises(expected):
            obskit.redact([Interrupted()])
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_a_value_raises_does_not() -> None:
    """Not even when it is SystemExit."""
    obskit.get_logger().info("fine", value=Exiting())


@pytest.mark.parametrize(
    ("error", "passes"), [(KeyboardInterrupt(), True), (GeneratorExit(), True), (ValueError(), False)]
)
def test_ctrl_c_passes_in_any_case(error: BaseException, passes: bool) -> None:
    """Some exceptions are never a value's."""
    assert is_interruption(error) is passes
