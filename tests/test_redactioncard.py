"""The redaction card: obskit keeps its promise, the judge is strict, and the page says what was measured."""

from __future__ import annotations

import re
from pathlib import Path

from obskit.redaction import Literals, Redactor
from redactioncard.card import Results, judge, page, texts
from redactioncard.contenders import CONTENDERS, Contender
from redactioncard.corpus import REPORTED, TUNING, clean, library_lines, planted
from redactioncard.recipes import RECIPES
from redactioncard.surroundings import SURROUNDINGS

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "redaction-card.md"
REDACTOR = Redactor(literals=Literals())


def test_obskit_hides_99_percent_and_changes_at_most_1_percent() -> None:
    """The promise holds on a sample of the secrets, on all clean texts and on lines of others."""
    shown = texts(share=0.1, lines=1_000)
    results = judge([REDACTOR.text(text) for text in shown.all()], shown)
    assert len(shown.planted) > 500
    assert results.keeps_promise(shown), (
        [(some.recipe, some.text) for some in results.missed],
        [some.text for some in results.changed],
        results.changed_lines,
    )


def test_judge_sees_a_leak_a_lost_sentence_and_a_false_alarm() -> None:
    """Who shows everything misses all secrets; who hides everything loses every text."""
    shown = texts(share=0.02, lines=20)
    open_hearted = judge(shown.all(), shown)
    assert len(open_hearted.missed) == len(shown.planted)
    assert (len(open_hearted.changed), open_hearted.changed_lines) == (0, 0)
    tight_lipped = judge(["***"] * len(shown.all()), shown)
    assert tight_lipped.missed == []
    assert tight_lipped.lost == sum(any(some.rest) for some in shown.planted)
    assert (len(tight_lipped.changed), tight_lipped.changed_lines) == (len(shown.clean), 20)
    assert not open_hearted.keeps_promise(shown)
    assert not tight_lipped.keeps_promise(shown)


def test_corpus_is_as_large_as_promised_and_the_same_each_time() -> None:
    """At least 20 kinds of text around a secret, 300 texts without one, and no text in both halves."""
    assert len(SURROUNDINGS) >= 20
    assert len(RECIPES) >= 200
    assert len(list(clean(REPORTED))) >= 300
    assert list(planted(TUNING, 0.01)) == list(planted(TUNING, 0.01))
    assert not {some.text for some in planted(TUNING)} & {some.text for some in planted(REPORTED)}
    assert not {some.text for some in clean(TUNING)} & {some.text for some in clean(REPORTED)}
    assert library_lines(10) == library_lines(10)


def test_a_peer_that_cannot_be_installed_is_told() -> None:
    """The page says who is missing, and leaves the row of that peer empty."""
    shown = texts(share=0.01, lines=10)
    peer = Contender("no-such-peer", "1.0", "redact = str")
    written = page(
        [CONTENDERS[0], peer], {"obskit": Results([], 0, [], 0), peer.name: None}, shown, "2026-01-01"
    )
    assert "no-such-peer could not be installed." in written
    assert "| no-such-peer | 1.0 | | | | | | |" in written
    assert "| obskit | this project | 100.0% |" in written


def test_page_names_every_contender_and_the_corpus_that_exists() -> None:
    """The published page is of this corpus, with no contender left out."""
    text = PAGE.read_text("utf-8")
    assert re.findall(r"^\| ([a-z-]+) \| \S", text, re.MULTILINE) == [some.name for some in CONTENDERS]
    assert f"of {len(RECIPES)} kinds of secrets" in text
    assert f"{len(RECIPES) * len(SURROUNDINGS):,} texts with a secret" in text
