"""
Print the fault card, or write it into the documentation with ``--write``.

``--only NAME`` runs one contender and prints what it failed. The exit status is 1
if obskit failed anything.
"""

from __future__ import annotations

import argparse
import sys

from faultcard.card import page, run
from faultcard.children import ROOT
from faultcard.contenders import BY_NAME, CONTENDERS

PAGE = ROOT / "docs" / "explanation" / "fault-card.md"


def main(arguments: list[str]) -> int:
    """Run the card."""
    parser = argparse.ArgumentParser(prog="python -m faultcard", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--only", choices=BY_NAME, help="run one contender and print what it failed")
    chosen = parser.parse_args(arguments)
    contenders = [BY_NAME[chosen.only]] if chosen.only else list(CONTENDERS)
    missing = [contender for contender in contenders if contender.version() is None]
    for contender in missing:
        print(f"faultcard: {contender.distribution} is not installed; ./dev installs it", file=sys.stderr)
    if chosen.write and (missing or chosen.only):
        parser.error("the published card needs every contender")
    contenders = [contender for contender in contenders if contender not in missing]
    card = run(contenders)
    if chosen.only:
        for name, why in card[chosen.only].failures().items():
            print(f"{name}: {why}")
    elif chosen.write:
        PAGE.write_text(page(contenders, card), "utf-8")
    else:
        print(page(contenders, card), end="")
    return int("obskit" in card and bool(card["obskit"].failures()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
