"""What a name says about the value under it."""

# As in `event`, without `from __future__ import annotations`: a named tuple would compile each of them.

from typing import Final, NamedTuple


class Verdict(NamedTuple):
    """How the value under a secret name is treated; an innocent name has no verdict."""

    numbers: bool = True  #: numbers are hidden too; not under names that also count things
    tail: bool = True  #: a long machine-made value may show its last characters
    weak: bool = False  #: the name has innocent meanings, so inside text its value must look like a secret
    doubtful: bool = False  #: the name may well be innocent, so everywhere only what looks random is hidden


TOKEN: Final = Verdict()
PASSWORD: Final = Verdict(tail=False)
