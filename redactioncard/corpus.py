"""
Make the corpus: secrets in their surroundings, and texts without any.

The detectors are tuned on the secrets of one seed and on every second clean
text. What is measured and published are the others.
"""

from __future__ import annotations

import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redactioncard.clean import CLEAN, LATER
from redactioncard.recipes import RECIPES, Recipe
from redactioncard.surroundings import SURROUNDINGS

#: A part of a secret of this length that is still readable is a leak.
LEAK: Final = 8


_SOUNDS_SECRET: Final = re.compile(
    r"(?i)(?:password|passwd|token|secret|key|auth|session|cookie|credential)s?\W"
)


@dataclass(frozen=True, slots=True)
class Half:
    """Which texts are taken."""

    seed: int
    parity: int  #: of the numbers of the clean texts


TUNING: Final = Half(seed=1, parity=0)
REPORTED: Final = Half(seed=2027, parity=1)


@dataclass(frozen=True, slots=True)
class Planted:
    """A text with a secret in it."""

    recipe: str
    surrounding: str
    text: str
    secrets: tuple[str, ...]  #: the secret as it is written in the text, and as it is

    @property
    def rest(self) -> list[str]:
        """What stands before and after the secret and its carrier."""
        return SURROUNDINGS[self.surrounding].rest

    def leaks_in(self, shown: str) -> bool:
        """Say whether a part of the secret can be read in *shown*."""
        return any(part in shown for secret in self.secrets for part in _parts(secret))


@dataclass(frozen=True, slots=True)
class Clean:
    """A text without a secret."""

    kind: str
    text: str


def planted(half: Half, share: float = 1.0) -> Iterator[Planted]:
    """Yield each secret in each surrounding, or a *share* of them."""
    rng = random.Random(half.seed)
    for recipe in RECIPES.values():
        for name, surrounding in SURROUNDINGS.items():
            secret = recipe.make(rng)
            if rng.random() <= share:
                text, written = surrounding.around(secret)
                yield Planted(recipe.name, name, text, (written, secret.secret))


def clean(half: Half) -> Iterator[Clean]:
    """Yield the clean texts of one half."""
    rng = random.Random(half.seed)
    texts = [(kind, text) for kind, some in CLEAN.items() for text in some][half.parity :: 2]
    if half is REPORTED:
        texts += [("written later", text) for text in LATER]
    for kind, text in texts:
        yield Clean(kind, Recipe("clean", "", text).make(rng).secret)


def library_lines(count: int) -> list[str]:
    """
    Give *count* lines of Python's own library with a word in them that sounds secret.

    Nobody of this project wrote them. The tests of the library, with fake passwords in them, are left out.
    """
    found = set()
    library = Path(sysconfig.get_path("stdlib"))
    for path in library.glob("**/*.py"):
        if not {"test", "tests", "idle_test", "site-packages", "dist-packages"} & set(path.parts):
            found |= {line for line in path.read_text("utf-8").splitlines() if _SOUNDS_SECRET.search(line)}
    return random.Random(REPORTED.seed).sample(sorted(found), count)


def _parts(secret: str) -> Iterator[str]:
    for start in range(max(1, len(secret) - LEAK + 1)):
        yield secret[start : start + LEAK]
