"""Show the corpus to every contender and write what came back as one page of Markdown."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redactioncard.contenders import Contender
from redactioncard.corpus import REPORTED, Clean, Planted, clean, library_lines, planted
from redactioncard.recipes import RECIPES
from redactioncard.surroundings import SURROUNDINGS

_LIBRARY_LINES: Final = 2_000
#: Personal data that some contenders hide, and rightly.
_PERSONAL: Final = re.compile(r"\w@\w|\d+\.\d+\.\d+\.\d+|\+\d|DE\d\d |ISBN|:\w\w:\w\w:|fe80")


@dataclass(frozen=True, slots=True)
class Texts:
    """What every contender is shown."""

    planted: Sequence[Planted]
    clean: Sequence[Clean]
    library: Sequence[str]

    def all(self) -> list[str]:
        """Give all of them in one list."""
        return [
            *(some.text for some in self.planted),
            *(some.text for some in self.clean),
            *self.library,
        ]


@dataclass(frozen=True, slots=True)
class Results:
    """What came back from one contender."""

    missed: Sequence[Planted]
    lost: int  #: texts whose secret was hidden, and something else with it
    changed: Sequence[Clean]
    changed_lines: int

    def false_alarms(self) -> list[Clean]:
        """Give the clean texts that were changed, but for those with personal data in them."""
        return [some for some in self.changed if not _PERSONAL.search(some.text)]

    def keeps_promise(self, texts: Texts) -> bool:
        """Say whether 99 % of the secrets are hidden and at most 1 % of the clean texts changed."""
        return (
            len(self.missed) <= 0.01 * len(texts.planted)
            and len(self.changed) <= 0.01 * len(texts.clean)
            and self.changed_lines <= 0.01 * len(texts.library)
        )


def texts(share: float = 1.0, lines: int = _LIBRARY_LINES) -> Texts:
    """Make the texts, or a *share* of those with a secret."""
    return Texts(list(planted(REPORTED, share)), list(clean(REPORTED)), library_lines(lines))


def judge(shown: Sequence[str], texts: Texts) -> Results:
    """Compare what a contender shows with what it was shown."""
    first = len(texts.planted)
    last = first + len(texts.clean)
    pairs = list(zip(texts.planted, shown[:first], strict=True))
    hidden = [(some, text) for some, text in pairs if not some.leaks_in(text)]
    return Results(
        missed=[some for some, text in pairs if some.leaks_in(text)],
        lost=sum(not all(part in text for part in some.rest) for some, text in hidden),
        changed=[
            some for some, text in zip(texts.clean, shown[first:last], strict=True) if some.text != text
        ],
        changed_lines=sum(line != text for line, text in zip(texts.library, shown[last:], strict=True)),
    )


_INTRODUCTION: Final = """\
# The redaction card

How much of what is secret in a text obskit and its peers hide, and how much else they hide with it.
Written by `python -m redactioncard --write` on {date}, with {python}; the texts are in `redactioncard/`.

{table}

- **hidden**: of {planted} texts with a secret, those in which no eight characters of it can be read any more.
- **unescaped**: the same of the kinds of text that write everything as it is.
- **kinds**: of {recipes} kinds of secrets, those hidden in at least 25 of {surroundings} kinds of text.
- **rest lost**: of the hidden ones, those in which something beside the secret and its carrier is gone, too.
- **false alarms**: of {clean} texts without a secret and without personal data, those that were changed.
  With personal data, which some of the peers mean to hide, there are {all_clean}.
- **library**: of {lines} lines of Python's own library with a word in them that sounds secret, those that
  were changed. They are drawn at random; a few of them do hold a cookie or a password.

A peer is set up as its documentation says for text, each in a virtual environment of its own.
logfire scrubs the values of attributes, and lets the message itself pass.
detect-secrets only finds; here, what it finds is replaced.
{missing}
## The texts

Each secret is random and made from the shape that its issuer or a public scanner documents:
tokens that say what they are, and secrets that a name, a header, a URL or a command gives away.
Each kind is put into each kind of text: alone, in sentences, quotes and brackets, in logfmt, JSON
(also in JSON that is a string in JSON), reprs, tracebacks, YAML, Markdown, coloured terminal lines,
query strings, HTML and long texts. A text escapes the secret as it escapes everything.

The texts without a secret were written down by hand, from what the logs of bots, web frameworks, databases,
brokers and build machines look like, with many a password, token and key in them that is none;
none was left out because it went wrong.

obskit's detectors were tuned with secrets of another seed and with every second of the first {first} clean
texts. What is reported are the others. They were looked at three times on the way: at first, obskit
changed 5 of 217; after that, {later} more were written, of which it changed 4, and then {provoking} to
provoke what was new, of which it changed 4; each time, what these showed was corrected.
So 2 to 3 in 100 is what to expect of texts as hard as these at first sight.
The lines of the library were used in the same way: at first, it changed 21.
None of the other contenders had that advantage.

## What obskit misses

{missed}

## What obskit hides without need

{alarms}
"""


def page(contenders: Iterable[Contender], card: Mapping[str, Results | None], texts: Texts, date: str) -> str:
    """Write the page."""
    from redactioncard.clean import CLEAN, LATER, PROVOKING

    ours = card["obskit"]
    assert ours is not None
    missing = [f"{name} could not be installed." for name, results in card.items() if results is None]
    return _INTRODUCTION.format(
        date=date,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        table=_table(contenders, card, texts),
        planted=f"{len(texts.planted):,}",
        recipes=len(RECIPES),
        surroundings=len(SURROUNDINGS),
        clean=sum(not _PERSONAL.search(some.text) for some in texts.clean),
        all_clean=len(texts.clean),
        lines=f"{len(texts.library):,}",
        missing="\n".join(["", *missing, ""]) if missing else "",
        first=sum(map(len, CLEAN.values())),
        later=len(LATER) - len(PROVOKING),
        provoking=len(PROVOKING),
        missed=_listed(f"{some.recipe}: {count}" for some, count in _by_recipe(ours.missed).items()),
        alarms=_listed(f"`{some.text}`" for some in ours.changed),
    )


def _unescaped(some: Iterable[Planted]) -> int:
    return sum(not SURROUNDINGS[planted.surrounding].escapes for planted in some)


def _kinds(missed: Iterable[Planted]) -> int:
    counts = Counter(some.recipe for some in missed)
    return sum(len(SURROUNDINGS) - counts[recipe] >= 25 for recipe in RECIPES)


def _by_recipe(missed: Iterable[Planted]) -> dict[Planted, int]:
    first: dict[str, Planted] = {}
    counts = Counter(first.setdefault(some.recipe, some).recipe for some in missed)
    return {first[recipe]: count for recipe, count in counts.items()}


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "Nothing."


def _table(contenders: Iterable[Contender], card: Mapping[str, Results | None], texts: Texts) -> str:
    rows = [
        "| | version | hidden | unescaped | kinds | rest lost | false alarms | library |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    plain = sum(not _PERSONAL.search(some.text) for some in texts.clean)
    for contender in contenders:
        results = card[contender.name]
        if results is None:
            rows.append(f"| {contender.name} | {contender.version} | | | | | | |")
            continue
        hidden = len(texts.planted) - len(results.missed)
        cells = [
            f"{hidden / len(texts.planted):.1%}",
            f"{1 - _unescaped(results.missed) / _unescaped(texts.planted):.1%}",
            str(_kinds(results.missed)),
            f"{results.lost / max(hidden, 1):.1%}",
            f"{len(results.false_alarms()) / plain:.1%}",
            f"{results.changed_lines / len(texts.library):.1%}",
        ]
        rows.append(f"| {contender.name} | {contender.version} | {' | '.join(cells)} |")
    return "\n".join(rows)
