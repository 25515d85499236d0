"""No secret leaves the process: random ones are planted everywhere and looked for in every exit."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from obskit.redaction.literals import Spellings
from tests.canary.exits import EXITS, SLOW
from tests.canary.plants import MARK, Canaries

#: So many characters in a row of a secret are a leak; a tail may have four.
PIECE = 8


@pytest.fixture(autouse=True)
def _plain_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uncaught exceptions go where they go in a program, and not to pytest."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)


@pytest.fixture
def canaries() -> Iterator[Canaries]:
    """Secrets that nobody has seen before."""
    planted = Canaries()
    yield planted
    planted.forget()


def leaks(shown: str, canaries: Canaries) -> list[str]:
    """Tell which secrets are in *shown*, in whole, in part or encoded."""
    # No secret has one character fifty times in a row, and padding takes most of the time of the search.
    shown = re.sub(r"(.)\1{50,}+", r"\1", shown)
    return [
        place
        for place, secret in canaries.values.items()
        if any(secret[start : start + PIECE] in shown for start in range(len(secret) - PIECE + 1))
        or list(Spellings([secret]).find(shown))
    ]


@pytest.mark.parametrize("name", [*EXITS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_no_canary_gets_out(name: str, canaries: Canaries, tmp_path: Path) -> None:
    """Nothing of any secret is in what an exit gave out, although the exit was open."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        shown = (EXITS | SLOW)[name](canaries.plant, tmp_path).decode("utf-8", "surrogateescape")
    assert MARK in shown
    assert leaks(shown, canaries) == []


def test_a_leak_would_be_seen(canaries: Canaries) -> None:
    """The search itself finds a secret: whole, in part, and encoded."""
    secret = canaries.new("here")
    for shown in (f"a {secret} b", secret[5:14], secret.encode().hex()):
        assert leaks(shown, canaries) == ["here"]
