"""Registered secrets."""

from __future__ import annotations

import base64
import json
import threading
import warnings
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import ConfigError
from obskit.redaction import LITERALS, Literals, Redactor, register_secret, unregister_secret
from obskit.redaction.mask import Mask

SECRET = 'a "quoted" / pass\\word + é'

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json-unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "repr": repr,
    "hex": lambda text: text.encode().hex(),
    "quote": quote,
    "quote-all": lambda text: quote(text, safe=""),
    "quote-plus": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-1": lambda text: base64.b64encode(b"u:" + text.encode() + b"x").decode(),
    "base64-2": lambda text: base64.urlsafe_b64encode(b"u" + text.encode()).decode(),
}


@pytest.fixture
def literals() -> Literals:
    """An empty set of secrets, apart from the process-wide one."""
    return Literals()


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_registered_value_is_hidden_however_it_is_encoded(
    literals: Literals, spell: Callable[[str], str]
) -> None:
    """The value is found in each of its usual encodings."""
    literals.register(SECRET)
    spelled = spell(SECRET)
    shown = Redactor(literals=literals).text(f"got {spelled} there")
    assert "***" in shown
    assert spelled[4:-4] not in shown


def test_each_line_of_a_value_is_hidden(literals: Literals) -> None:
    """A value of several lines is found line by line."""
    literals.register("{\nfirst-line-of-it\nsecond-line-of-it\n}")
    assert Redactor(literals=literals).text("{ second-line-of-it }") == "{ *** }"


def test_names_of_fields_are_searched_too(literals: Literals) -> None:
    """A registered value used as a name does not pass, also where the name was seen before."""
    redactor = Redactor(literals=literals)
    assert redactor({"fabulous-name": 1}) == {"fabulous-name": 1}
    literals.register("fabulous")
    assert redactor({"fabulous-name": 1}) == {"***-name": 1}
    literals.unregister("fabulous")
    literals.unregister("fabulous")
    assert redactor({"fabulous-name": 1}) == {"fabulous-name": 1}


def test_short_values_are_refused_or_warned_about(literals: Literals) -> None:
    """Below 4 characters is an error, below 8 a warning; neither quotes the value."""
    with pytest.raises(ConfigError, match="'door'") as refused:
        literals.register("xyz", name="door")
    with pytest.warns(UserWarning, match="only 5 characters") as warned:
        literals.register("qwxyz")
    assert "xyz" not in f"{refused.value}{warned[0].message}"


def test_value_of_another_type_is_refused(literals: Literals) -> None:
    """Only text and bytes can be registered."""
    with pytest.raises(ConfigError, match="int"):
        literals.register(12345678)  # type: ignore[arg-type]


def test_process_wide_registration_reaches_every_redactor() -> None:
    """register_secret() is for all redactors of the process."""
    register_secret(b"process-wide-value")
    try:
        assert Redactor().text("a process-wide-value b") == "a *** b"
    finally:
        unregister_secret(b"process-wide-value")
    assert len(LITERALS) == 0


def test_registration_from_several_threads_loses_nothing(literals: Literals) -> None:
    """Values registered at the same time are all there in the end."""
    threads = [threading.Thread(target=literals.register, args=(f"value-number-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(literals) == 8


@given(st.one_of(st.text(min_size=4), st.binary(min_size=4)))
def test_any_value_can_be_registered(value: str | bytes) -> None:
    """Whatever is long enough is hidden where it appears."""
    literals = Literals()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            literals.register(value)
        except ConfigError:
            return
    text = value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
    assert Redactor(literals=literals).text(text) in ("***", text if Mask().is_marker(text) else "***")
