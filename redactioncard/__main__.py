"""
Print the redaction card, or write it into the documentation with ``--write``.

``--only NAME`` shows the texts to one contender. The exit status is 1 if obskit keeps its promise no more.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from redactioncard.card import Results, judge, page, texts
from redactioncard.contenders import CONTENDERS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "redaction-card.md"


def main(arguments: list[str]) -> int:
    """Run the card."""
    parser = argparse.ArgumentParser(prog="python -m redactioncard", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--only", choices=[contender.name for contender in CONTENDERS], help="and obskit")
    chosen = parser.parse_args(arguments)
    if chosen.write and chosen.only:
        parser.error("the published card needs every contender")
    contenders = [some for some in CONTENDERS if chosen.only in (None, some.name) or some.name == "obskit"]
    shown = texts()
    card: dict[str, Results | None] = {}
    for contender in contenders:
        print(f"redactioncard: {contender.name}", file=sys.stderr)
        redacted = contender.redact(shown.all())
        card[contender.name] = None if redacted is None else judge(redacted, shown)
    written = page(contenders, card, shown, f"{datetime.now(UTC):%Y-%m-%d}")
    if chosen.write:
        PAGE.write_text(written, "utf-8")
    else:
        print(written, end="")
    ours = card["obskit"]
    assert ours is not None
    return int(not ours.keeps_promise(shown))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
