"""What is shown in place of a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import ConfigError
from obskit.redaction.mask import Mask

ORIGINAL = Mask(tail_min_length=5)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("token12345678", "***5678"),
        ("secret12345678", "***5678"),
        ("", "***"),
        ("abcd", "***"),
        ("short-token", "***"),
        ("123456789012", "***"),
        ("two words here 1", "***"),
        ("https://example.org/x", "***"),
        ("dGVzdHRlc3R0ZXN0dGU=", "***"),
        ("***", "***"),
        ("***5678", "***5678"),
        ("***56789", "***"),
    ],
)
def test_tail_is_shown_only_where_it_is_safe(secret: str, shown: str) -> None:
    """Only a long machine-made token keeps its last characters."""
    assert Mask().hide(secret) == shown


def test_passwords_show_no_tail() -> None:
    """A long password is hidden whole."""
    assert Mask().hide("correcthorsebattery", tail=False) == "***"


@pytest.mark.parametrize(
    ("secret", "shown"), [("token12345678", "***5678"), ("hunter2", "***ter2"), ("abcd", "***")]
)
def test_original_rule_shows_a_tail_of_everything_longer_than_four(secret: str, shown: str) -> None:
    """With tail_min_length=5 passwords show a tail too."""
    assert ORIGINAL.hide(secret, tail=False) == shown


@given(st.text(), st.integers(0, 50), st.integers(12, 40))
def test_tail_is_never_more_than_a_third(secret: str, tail: int, least: int) -> None:
    """Whatever is asked for, two thirds of a secret stay hidden."""
    mask = Mask(tail=tail, tail_min_length=least)
    shown = mask.hide(secret)
    assert shown == secret if mask.is_marker(secret) else len(shown) - 3 <= len(secret) / 3
    assert mask.hide(shown) == shown


def test_fingerprint_is_the_same_for_the_same_secret_and_key() -> None:
    """A keyed fingerprint recognises a secret again, and another key gives another one."""
    mask = Mask(fingerprint_key=b"one key for tests")
    shown = mask.hide("hunter2")
    assert shown == Mask(fingerprint_key=b"one key for tests").hide("hunter2")
    assert shown != Mask(fingerprint_key=b"another key").hide("hunter2")
    assert shown.startswith("***#")
    assert mask.hide(shown) == shown


@pytest.mark.parametrize(
    "setting",
    [
        {"tail": -1},
        {"tail": True},
        {"tail_min_length": 0},
        {"fingerprint_key": "text"},
        {"fingerprint_key": b""},
    ],
)
def test_wrong_settings_are_named(setting: dict[str, object]) -> None:
    """A wrong setting is refused with its name."""
    with pytest.raises(ConfigError, match=next(iter(setting))):
        Mask(**setting)  # type: ignore[arg-type]
