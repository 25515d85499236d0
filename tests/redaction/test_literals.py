"""Registered secrets."""

from __future__ import annotations

import base64
import html
import json
import secrets
import threading
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax import saxutils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import ConfigError
from obskit.redaction import LITERALS, Literals, Redactor, register_secret, unregister_secret
from obskit.redaction.mask import Mask
from tests.strategies import json_values

SECRET = 'a "quoted" & <nice> / pass\\word + é'

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
    "json-in-json": lambda text: json.dumps(json.dumps({"a": text})),
    "repr-of-json": lambda text: repr(json.dumps(text)),
    "json-of-repr": lambda text: json.dumps(repr(text)),
    "xml": lambda text: saxutils.escape(text, {'"': "&quot;", "'": "&apos;"}),
    "html": html.escape,
    "utf-16-base64": lambda text: base64.b64encode(("x" + text).encode("utf-16-le")).decode(),
    "utf-16": lambda text: text.replace("é", "e").encode("utf-16-le").decode("latin-1"),
    "utf-16-repr": lambda text: repr(text.replace("é", "e").encode("utf-16-be")),
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
    literals.register(SECRET.replace("é", "e"))
    spelled = spell(SECRET)
    for _ in range(2):
        shown = Redactor(literals=literals).text(f"got {spelled} there")
        assert "***" in shown
        assert spelled[12:-12] not in shown
        for number in range(20):  # with many values, spellings are looked up in another way
            literals.register(f"another-value-{number}")


def test_each_line_of_a_value_is_hidden(literals: Literals) -> None:
    """A value of several lines is found line by line."""
    literals.register("{\nfirst-line-of-it\nsecond-line-of-it\n}")
    assert Redactor(literals=literals).text("{ second-line-of-it }") == "{ *** }"


def test_texts_in_a_json_value_are_hidden_and_words_are_not(literals: Literals) -> None:
    """Of a service account the keys are found alone, while what stands everywhere stays."""
    key = "-----BEGIN PRIVATE KEY-----\n" + "q7Zx" * 16 + "\n" + "Lm3p" * 16 + "\n-----END PRIVATE KEY-----\n"
    account = {
        "type": "service_account",
        "private_key_id": "3f9c" * 10,
        "private_key": key,
        "parts": [{"pass": "hunter2-hunter3"}, {"a": "b"}],
        "token_uri": "https://oauth2.example.org/token",
    }
    literals.register(json.dumps(account), name="account")
    redactor = Redactor(literals=literals)
    for text in ("3f9c" * 10, "q7Zx" * 16, "Lm3p" * 16, json.dumps(key), "hunter2-hunter3"):
        assert text[1:-1] not in redactor.text(f"here: {text}.")
    for text in ("a service_account {}", "POST https://oauth2.example.org/token", "b, a"):
        assert redactor.text(text) == text
    literals.register("{not json at all")
    assert redactor.text("{not json at all") == "***"


def test_finished_line_is_searched_and_stays_a_line(literals: Literals) -> None:
    """A value that came in past the fields is hidden, unless that would break the line."""
    redactor = Redactor(literals=literals)
    line = b'{"logger":"bot-correct-horse","msg":"caf\xc3\xa9","n":1}\n'
    assert redactor.finished(line) is line
    literals.register("correct-horse")
    literals.register('","msg":"')
    literals.register(',"n":1}\n')
    assert redactor.finished(line) == line.replace(b"correct-horse", b"***")
    assert redactor.finished(b'{"msg":"fine"}\n') == b'{"msg":"fine"}\n'
    assert redactor.finished(b"INFO correct-horse came\n") == b"INFO *** came\n"
    assert redactor.stats()["redacted"] == 2


@given(
    json_values,
    st.sampled_from([12345678, -90210.55, 12345678901234567890, 1.25e300]),
    st.sampled_from([{}, {"fingerprint_key": b"k" * 16}]),
)
def test_a_registered_number_is_hidden_in_a_line_that_stays_json(
    value: Any, number: float, settings: dict[str, Any]
) -> None:
    """A marker in the place of a number is put into quotation marks; what only looks so in a text is not."""
    literals = Literals()
    literals.register(str(number))
    redactor = Redactor(literals=literals, **settings)
    line = json.dumps({"seen": [number, f'at: {number},"***"', {"n": number}], "rest": value}).encode()
    safe = redactor.finished(line + b"\n")
    seen = json.loads(safe)["seen"]
    assert str(seen[0]).startswith("***")
    assert str(seen[2]["n"]).startswith("***")
    assert str(number) not in safe.decode()


def test_many_values_are_found_quickly(literals: Literals) -> None:
    """A thousand values are looked up by how they begin; every one of them is found."""
    values = [secrets.token_urlsafe(24) for _ in range(1_000)]
    for value in values:
        literals.register(value)
    redactor = Redactor(literals=literals)
    assert (
        redactor.text(f"a {values[0]} b {values[-1]} c {values[500].encode().hex()}") == "a *** b *** c ***"
    )
    literals.unregister(values[0])
    assert redactor.text(f"a {values[0]} b {values[-1]}") == f"a {values[0]} b ***"


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
