"""
Spell a value in every way in which it may stand in a text whose escapes are read.

Few are left then: the value, its bytes taken for Latin-1, quotation marks that
are doubled, and what can be read only as a whole: base64 at each of its
offsets, also twice over, base32, hex. Of a value of several lines, or one that
is JSON, the parts are spelled too.
"""

from __future__ import annotations

import json
import re
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from html import escape
from typing import Any, Final
from urllib.parse import quote, quote_plus

from .escapes import readings

#: Anything shorter is likely to stand in ordinary text by chance; `literals` relies on it.
_SAFE_LENGTH: Final = 8
#: Texts in a JSON value that stand in other places too: plain words, and addresses without a secret in them.
_COMMON: Final = r"[A-Za-z]{1,30}+(?:[-_ .][A-Za-z]{1,30}+)*+|[a-z]{2,20}://[^@?]*+"
#: In SQL and CSV, in a shell (whose backslash is read), in a form.
_REPLACED: Final = (("'", ("''", "'''", "'\"'\"'")), ('"', ('""',)), (" ", ("+",)))
#: In what a value is often written before that is encoded.
_WRITERS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    lambda text: quote(_bytes(text)),
    lambda text: quote(_bytes(text), safe=""),
    lambda text: quote_plus(_bytes(text)),
    escape,
)


def spellings(text: str) -> Iterator[str]:
    """Spell *text*, and what it is made of."""
    yield from _spelled(text)
    for part in {*map(str.strip, text.split("\n")), *_leaves(text)}:
        # Shorter parts are braces and the like: hiding them everywhere would hurt more than it helps.
        if len(part) >= _SAFE_LENGTH and part != text:
            yield from _spelled(part)


def _spelled(text: str) -> Iterator[str]:
    """Spell *text* as a whole."""
    yield text
    shortest = min(len(text), _SAFE_LENGTH)
    for form in _forms(text):
        # What looks like an escape in the value itself is read, too, where it is written again.
        for plain in (form, *(layers[0].text for layers in readings(form))):
            if len(plain) >= shortest:
                yield plain
    yield from _encoded(text)


def _forms(text: str) -> set[str]:
    """Give what *text* is where every escape is read."""
    forms = {text}
    for data in (_bytes(text), *_other_bytes(text)):
        # Escaped byte by byte, and taken for UTF-8; zero bytes are not read.
        forms |= {data.decode(*how).replace("\0", "") for how in (("latin-1",), ("utf-8", "surrogateescape"))}
    for mark, replacements in _REPLACED:
        forms |= {form.replace(mark, replaced) for form in forms for replaced in replacements}
    # A quotation mark behind a backslash is taken for escaped, where it is read twice.
    return forms | {form.rstrip("\\") for form in forms}


def _encoded(text: str) -> Iterator[str]:
    """Encode *text* in every way that can be read only as a whole."""
    data = _bytes(text)
    others = list(_other_bytes(text))
    once = list(_aligned(data, b64encode, 6))
    written = {writer(text) for writer in _WRITERS} - {text}
    inner = [*map(_bytes, (*once, *written)), *others]
    for encoded in (*once, *(twice for one in inner for twice in _aligned(one, b64encode, 6))):
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
    yield from _aligned(data, b32encode, 5)
    for digits in (data.hex(), data.hex(":"), data.hex(" "), *(other.hex() for other in others)):
        yield digits
        yield digits.upper()


def _aligned(data: bytes, encode: Callable[[bytes], bytes], bits: int) -> Iterator[str]:
    """
    Encode *data* as it appears in the middle of something longer, at each offset that makes a difference.

    The first and the last digit, of so many *bits*, may carry some of the neighbours: they are left out.
    """
    for offset in range(3 if bits == 6 else 5):
        digits = encode(b"\0" * offset + data).decode("ascii")
        part = digits[-(-offset * 8 // bits) : (offset + len(data)) * 8 // bits]
        if len(part) >= _SAFE_LENGTH:
            yield part


def _bytes(text: str) -> bytes:
    """Encode *text* in UTF-8, or give the bytes that it stands for."""
    is_bytes = all(not 0xD800 <= ord(char) <= 0xDFFF or 0xDC80 <= ord(char) <= 0xDCFF for char in text)
    return text.encode("utf-8", "surrogateescape" if is_bytes else "surrogatepass")


def _other_bytes(text: str) -> Iterator[bytes]:
    """Encode *text* in UTF-16 of either order, and in Latin-1 where that makes a difference."""
    wide = text.encode("utf-16-le", "surrogatepass")
    if text.isascii():
        yield wide[:-1]  # the same in either order
        return
    yield wide
    yield text.encode("utf-16-be", "surrogatepass")
    with suppress(UnicodeEncodeError):
        yield text.encode("latin-1")


def _leaves(text: str) -> Iterator[str]:
    """Give the texts in the value that *text* is the JSON of, but what stands everywhere."""
    if text.lstrip()[:1] not in ("{", "["):
        return
    try:
        waiting: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and not re.fullmatch(_COMMON, value):
            yield value
            yield from map(str.strip, value.split("\n"))
