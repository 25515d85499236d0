"""How well the policy knows real names: what is hidden under them, measured on names it was not made with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from obskit.redaction import Literals, Redactor

NAMES: Mapping[str, Mapping[str, Mapping[str, str]]] = tomllib.loads(
    Path(__file__).with_name("names.toml").read_text("utf-8")
)
REDACTOR = Redactor(literals=Literals())
#: A value as a service makes one.
SECRET = "kT9vQ2w" + "Lr7xZb4Nf8Yc3"
#: What stands under names of each kind that hold a secret.
SECRETS: Mapping[str, str] = {"secret": SECRET, "address": f"postgres://app:{SECRET}@db.internal/app"}
#: What stands under names of each kind that hold no secret.
ORDINARY: Mapping[str, tuple[object, ...]] = {
    "text": (
        "eu-west-1",
        "ready",
        "user:42",
        "reports/2026-11.csv",
        "2026-11-30T12:00:00Z",
        "https://id.example.org/v2/login",
        "0 */6 * * *",
        "arn:aws:iam::123456789012:role/Deploy1",
    ),
    "number": (20, 3600),
    "flag": (True, False),
}


def names_of(part: str, kind: str) -> list[str]:
    """Give the names of one kind from one list."""
    return [name for text in NAMES[part].get(kind, {}).values() for name in text.split()]


def missed(part: str) -> list[str]:
    """Give the names under which a secret was shown."""
    return [
        name
        for kind, value in SECRETS.items()
        for name in names_of(part, kind)
        if SECRET in REDACTOR({name: value})[name]
    ]


def hidden_for_nothing(part: str) -> list[str]:
    """Give the names under which an ordinary value was hidden."""
    return [
        name
        for kind, values in ORDINARY.items()
        for name in names_of(part, kind)
        if any(REDACTOR({name: value}) != {name: value} for value in values)
    ]


def measured(part: str) -> tuple[float, float]:
    """Print and give the recall and the part of false hits in one list of names."""
    secret = [name for kind in SECRETS for name in names_of(part, kind)]
    innocent = [name for kind in ORDINARY for name in names_of(part, kind)]
    misses, false = missed(part), hidden_for_nothing(part)
    recall, hits = 1 - len(misses) / len(secret), len(false) / max(1, len(innocent))
    told = (
        f"{part}: {len(secret)} secret names, {recall:.1%} known; {len(innocent)} others, {hits:.1%} hidden",
        f"  missed: {' '.join(misses)}",
        f"  hidden for nothing: {' '.join(false)}",
    )
    print(*told, sep="\n")  # noqa: T201 - the figures of the documentation
    return recall, hits


def test_names_that_the_policy_was_not_made_with_are_judged_well() -> None:
    """Of unseen names at least 97 % of the secret ones are known and at most 2 % of the others are hidden."""
    recall, false = measured("held-out")
    assert len(names_of("held-out", "secret")) >= 150
    assert recall >= 0.97
    assert false <= 0.02


def test_names_that_the_policy_was_made_with_stay_known() -> None:
    """What was learned is not lost again."""
    for part in NAMES.keys() - {"held-out"}:
        recall, false = measured(part)
        assert recall >= 0.98, part
        assert false <= 0.02, part


def test_lists_do_not_contradict_each_other() -> None:
    """No name is both a secret and none."""
    secret = {name for part in NAMES for kind in SECRETS for name in names_of(part, kind)}
    assert not secret & {name for part in NAMES for kind in ORDINARY for name in names_of(part, kind)}
