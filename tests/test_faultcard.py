"""The fault card: its judge is strict, its page names every probe, and obskit fails none of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from faultcard import calls, faults
from faultcard.card import run
from faultcard.contenders import BY_NAME
from faultcard.judge import MAX_LINE, InvalidLine, read_line
from faultcard.leaks import LEAKS

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "fault-card.md"


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1}',
        b'{"a":NaN}\n',
        b'{"a":1,"a":2}\n',
        b'{"a":{"b":1,"b":1}}\n',
        b'{"a":"\xff"}\n',
        b'{"a":"\\ud800"}\n',
        '{"a":"\u2028"}\n'.encode(),
        b'{"a":1}\n{"a":2}\n',
        b'{"a":1}x\n',
        b"[1]\n",
        b"\n",
        b'{"a":"' + b"x" * MAX_LINE + b'"}\n',
        b"[" * 100_000 + b"\n",
    ],
    ids=lambda line: repr(line[:30]),
)
def test_a_line_that_a_strict_reader_refuses_is_refused(line: bytes) -> None:
    """The judge forgives nobody, obskit included."""
    with pytest.raises(InvalidLine):
        read_line(line)


def test_a_right_line_is_read() -> None:
    """What is one JSON object and one line is fine."""
    assert read_line('{"a":["\u00e9\\u2028",null]}\n'.encode()) == {"a": ["\u00e9\u2028", None]}


def test_page_names_the_probes_that_exist() -> None:
    """The published page is of this card: at least 120 calls and 30 faults, none left out."""
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    memory = [call.name for call in calls.CALLS.values() if call.memory]
    assert sorted(listed) == sorted([*calls.CALLS, *faults.FAULTS, *LEAKS, *memory])
    assert len(calls.CALLS) >= 120
    assert len(faults.FAULTS) >= 30


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the faults are those of Linux")
@pytest.mark.timeout(600)
def test_obskit_fails_no_probe() -> None:
    """Nothing is lost, raised, invalid or hung, and no planted secret shows."""
    obskit = run([BY_NAME["obskit"]])["obskit"]
    assert obskit.failures() == {}
    assert (len(obskit.calls.outcomes), len(obskit.faults)) == (len(calls.CALLS), len(faults.FAULTS))
