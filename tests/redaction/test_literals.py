"""Registered secrets."""

from __future__ import annotations

import base64
import gc
import html
import json
import re
import secrets
import shlex
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID
from xml.sax import saxutils

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from obskit.errors import ConfigError
from obskit.gate import Gate
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


def lower(text: str) -> str:
    """Write percent escapes with small letters, as .NET does."""
    return re.sub("%..", lambda escape: escape[0].lower(), text)


def units(text: str) -> str:
    """Write every character of *text* as JSON may."""
    return re.sub("....", r"\\u\g<0>", text.encode("utf-16-be").hex())


#: How a value looks where it was written for another reader.
WRITTEN: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "json-unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "json-go": lambda text: re.sub("[&<>]", lambda char: f"\\u{ord(char[0]):04x}", json.dumps(text)),
    "json-net": lambda text: "".join(
        char if char.isascii() and char.isalnum() else units(char).replace("a", "A") for char in text
    ),
    "json-php": lambda text: json.dumps(text).replace("/", "\\/"),
    "json-each": units,
    "repr": repr,
    "ascii": ascii,
    "repr-bytes": lambda text: repr(text.encode()),
    "repr-utf-16": lambda text: repr(text.encode("utf-16-le")),
    "octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "quote": quote,
    "quote-all": lambda text: quote(text, safe=""),
    "quote-js": lambda text: quote(text, safe="!~*'()-_."),
    "quote-lower": lambda text: lower(quote(text, safe="")),
    "quote-each": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "quote-plus": quote_plus,
    "quote-plus-lower": lambda text: lower(quote_plus(text)),
    "html": html.escape,
    "html-decimal": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html-hex": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "sql": lambda text: text.replace("'", "''"),
    "shell": shlex.quote,
}
#: How it looks where only who decodes the whole can read it.
ENCODED: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-1": lambda text: base64.b64encode(b"u:" + text.encode() + b"x").decode(),
    "base64-2": lambda text: base64.urlsafe_b64encode(b"u" + text.encode()).decode(),
    "base64-utf-16": lambda text: base64.b64encode(("x" + text).encode("utf-16-le")).decode(),
    "base64-lines": lambda text: base64.encodebytes(b"x" * 50 + text.encode()).decode(),
    "base64-base64": lambda text: base64.b64encode(base64.b64encode(b"u:" + text.encode())).decode(),
    "base64-json": lambda text: base64.b64encode(json.dumps({"a": text}).encode()).decode(),
    "base64-quote": lambda text: base64.b64encode(quote(text, safe="").encode()).decode(),
    "base32": lambda text: base64.b32encode(b"abc" + text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex-colons": lambda text: text.encode().hex(":").upper(),
}
QUOTED = ("sql", "shell")
TEXTS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="|") | st.sampled_from("'\"/\\%&+ aé"),
    max_size=30,
)
#: No name with a value, which would be hidden as a whole, what parts the texts included.
AROUND = TEXTS.filter(lambda text: not set(text) & set("=:\"'`"))
SECRETS = TEXTS.filter(lambda text: len(text.strip(" \\")) >= 8)


def middle(literals: Literals, before: str, text: str, after: str) -> str:
    """Give what is shown of *text* between two others."""
    return Redactor(literals=literals).text(f"{before} | {text} | {after}").split("|")[1]


@pytest.mark.parametrize("outer", [str, *WRITTEN.values()], ids=["plain", *WRITTEN])
@settings(max_examples=40)
@given(
    secret=SECRETS,
    around=st.tuples(AROUND, AROUND),
    inner=st.sampled_from([*WRITTEN, *ENCODED]),
)
def test_any_value_is_hidden_however_it_is_written_and_written_again(
    outer: Callable[[str], str], secret: str, around: tuple[str, str], inner: str
) -> None:
    """A registered value is found in any text, in each encoding and where that is written once more."""
    assume(not (inner in QUOTED and outer in map(WRITTEN.get, QUOTED)))
    literals = Literals()
    literals.register(secret)
    for text in (outer(secret), outer({**WRITTEN, **ENCODED}[inner](secret))):
        shown = middle(literals, around[0], text, around[1])
        assert "***" in shown
        assert text[2:-2] not in shown


@given(
    secret=SECRETS,
    texts=st.tuples(TEXTS, TEXTS, TEXTS),
    write=st.sampled_from([*WRITTEN.values(), *ENCODED.values()]),
)
def test_a_registered_value_changes_no_text_without_it(
    secret: str, texts: tuple[str, str, str], write: Callable[[str], str]
) -> None:
    """However a text is written, nothing is hidden in it that would not be hidden anyway."""
    text = f"{texts[0]} {write(texts[1])} {texts[2]}"
    literals = Literals()
    expected = Redactor(literals=literals).text(text)
    literals.register(f"quidditch{secret}")
    assert Redactor(literals=literals).text(text) == expected


def test_bytes_of_any_encoding_are_searched(literals: Literals) -> None:
    """Bytes need not be UTF-8, nor text that was made of them by guessing."""
    literals.register("pässwörd-geheim")
    redactor = Redactor(literals=literals)
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        data = "pässwörd-geheim".encode(encoding)
        assert redactor(b"a " + data + b" b").replace(b"\0", b"") == b"a *** b"
        assert redactor.text(f"a {data!r} b").replace(r"\x00", "") == "a b'***' b"
        assert redactor.text(f"a {data.decode('latin-1')} b").replace("\0", "") == "a *** b"
        assert redactor.text(f"a {data.hex()} b") == "a *** b"


@pytest.mark.parametrize("value", [1234567890, 0.1234567890, Decimal(1234567890), UUID(int=1234567890)])
def test_a_registered_value_is_hidden_where_it_is_no_text(literals: Literals, value: object) -> None:
    """A number, or what else is no secret by itself, is one when it is registered, in every exit."""
    redactor, gate = Redactor(literals=literals), Gate(Redactor(literals=literals))
    fields = {"n": value, "in": {"n": [value, 17, value]}, "m": 1.5, "big": 10**30}
    assert redactor(fields) is fields
    assert gate.fields(fields)["m"] == 1.5
    literals.register(str(value))
    assert redactor(fields) == {"n": "***", "in": {"n": ["***", 17, "***"]}, "m": 1.5, "big": 10**30}
    assert redactor({value: 1}) == {"***": 1}
    assert redactor(value) == "***"
    assert gate.fields(fields) == {"n": "***", "in": {"n": ["***", 17, "***"]}, "m": 1.5, "big": str(10**30)}


def test_a_line_is_not_cut_within_an_escape(literals: Literals) -> None:
    """The letter of an escape is no letter of a value."""
    literals.register("nine-lives")
    redactor = Redactor(literals=literals)
    line = json.dumps({"a": "one\nine-lives", "b": "\\nine-lives"}).encode()
    assert json.loads(redactor.finished(line)) == {"a": "one\nine-lives", "b": "\\***"}


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


class _Holder:
    """Something that forgets its secret with itself, in a cycle that only the garbage collector ends."""

    def __init__(self, literals: Literals, secret: str) -> None:
        self.me, self.literals, self.secret = self, literals, secret
        literals.register(secret)

    def __del__(self) -> None:
        self.literals.unregister(self.secret)


def test_a_finalizer_that_forgets_a_secret_in_the_middle_of_a_registration_waits_for_nobody() -> None:
    """The garbage collector comes when something is made, which a registration does."""
    literals = Literals()
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(300):
            _Holder(literals, f"short-lived-{number:06d}")
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert len(literals) == 0
    assert literals.pattern is None


def test_a_short_secret_is_not_shown_by_the_warning_about_it() -> None:
    """Python shows the line that warns, which holds the secret; and under -W error it is registered."""
    code = "import obskit\nobskit.register_secret('hunter2')\nprint(obskit.redact_text('at hunter2'))"
    for options in ([], ["-W", "error"]):
        done = subprocess.run(
            [sys.executable, *options, "-c", code], capture_output=True, text=True, check=False
        )
        assert "hunter2" not in done.stdout + done.stderr
        assert "7 characters" in done.stderr
