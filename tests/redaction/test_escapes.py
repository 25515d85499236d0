"""Escapes are read, and what is found in the plain text is found again in the written one."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.redaction import Redactor
from obskit.redaction.escapes import Reading, readings, written
from obskit.redaction.span import Span

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


def json_string(text: str) -> str:
    """Write *text* as the inside of a JSON string."""
    return json.dumps(text)[1:-1]


def twice(text: str) -> str:
    """Write *text* as a JSON string in the query of a URL."""
    return quote(json_string(text), safe="")


@pytest.mark.parametrize("write", [json_string, quote, twice])
@given(text=ASCII, cut=st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_a_span_of_the_plain_text_is_found_in_the_written_one(
    write: Callable[[str], str], text: str, cut: tuple[int, int]
) -> None:
    """Whatever stands between two places of the plain text stands, escaped, between their origins."""
    # An escape sign of the text itself would be read, too.
    text = text.replace("%", "").replace("\\", "").replace("&", "")
    start, end = sorted(min(place, len(text)) for place in cut)
    layers: list[Reading] = []
    for layers in readings(write(text)):  # noqa: B007  the plainest ones come last
        pass
    assert (layers[0].text if layers else write(text)) == text
    span = written(Span(start, end, "test"), layers)
    assert write(text)[span.start : span.end] == write(text[start:end])


@pytest.mark.parametrize(
    ("as_written", "plain"),
    [
        (r"a\/b", "a/b"),
        (r"a\u003db", "a=b"),
        (r"a\x3ab", "a:b"),
        (r"a\nb\tc", "a\nb\tc"),
        (r"\"a\" \\ \'b\'", "\"a\" \\ 'b'"),
        ("a\\\nb", "ab"),
        ("a%3Ab%2Fc", "a:b/c"),
        ("a&amp;b=&quot;c&quot; &#39;d&apos; e&#x2F;f", "a&b=\"c\" 'd' e/f"),
        ("\x1b[1;31mred\x1b[0m", " red "),
        ("k\x00e\x00y\x00", "key"),
        ("50% off, C:\\new", "50% off, C:\new"),
        (
            r"caf\u00e9 caf\u00E9 caf\xe9 caf\351 caf%e9 caf&eacute; caf&#233; caf&#xE9;",
            " ".join(["café"] * 8),
        ),
        ("caf\udce9 \\udce9", "café \udce9"),
        (r"\ud83d\uDE00 \U0001f600 \ud83d", "😀 😀 \ud83d"),
        (r"%C3%A9 \303\251", "Ã© Ã©"),  # a byte is a character; whoever looks for é knows it as these two
        (r"\q \U12345678 \x4 %4 &nosuch; &amp", r"\q \U12345678 \x4 %4 &nosuch; &amp"),
        ("A" * 76 + "\r\n" + "A" * 76 + "\nAA\nAA", "A" * 154 + "\nAA"),
    ],
)
def test_escape_is_read_as_what_it_stands_for(as_written: str, plain: str) -> None:
    """JSON, reprs, URLs, HTML, terminals and UTF-16 each have their way of writing a character."""
    assert Reading(as_written).text == plain


def test_what_is_written_many_times_over_is_read_four_times() -> None:
    """The number of readings is bounded, so the time is."""
    text = "a/b"
    for _ in range(9):
        text = quote(text, safe="")
    assert len(list(readings(text))) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16"])
def test_secret_in_bytes_of_any_usual_encoding_is_hidden(encoding: str) -> None:
    """Bytes are text in some encoding; a secret in them is one all the same."""
    shown = Redactor()("login with password=hunter2 failed".encode(encoding))
    assert "hunter2" not in shown.decode(encoding, "replace")
    assert b"h\x00u\x00n" not in shown
    assert b"hunter2" not in shown


def test_secret_in_an_escaped_url_is_hidden_and_the_rest_stays() -> None:
    """Host and id of a webhook stay readable, however the URL is written."""
    url = "https://discord.com/api/webhooks/123456789012345678/" + "ab1_" * 17
    hidden = "https://discord.com/api/webhooks/123456789012345678/***ab1_"
    for write in (
        json_string,
        lambda text: text.replace("/", "\\/"),
        lambda text: quote(text, safe=""),
        twice,
    ):
        assert (
            Redactor().text(f"POST {write(url)} gave 404")
            == f"POST {write(hidden).replace('%2A', '*')} gave 404"
        )
