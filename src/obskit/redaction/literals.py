"""
Know secrets by their exact value, in whatever spelling they appear.

A registered value is found plain, in base64 at each of its three offsets, in
hex, percent-encoded, escaped as in JSON, a repr or XML, in JSON inside of JSON,
in UTF-16, and line by line; of a value that is JSON, its texts are found too.

What is searched for is an immutable snapshot that a registration replaces under
a lock; readers take no lock.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ..errors import ConfigError

#: Anything shorter would blacken ordinary text.
_SHORTEST: Final = 4
#: Anything shorter is likely to stand in ordinary text by chance.
_SAFE_LENGTH: Final = 8
#: So many spellings are one pattern. It tries each of them at each character, while a look-up by how they
#: begin takes 0.1 us a character however many there are.
_PATTERN_SIZE: Final = 100
#: Texts in a JSON value that stand in other places too: plain words, and addresses without a secret in them.
_COMMON: Final = r"[A-Za-z]{1,30}+(?:[-_ .][A-Za-z]{1,30}+)*+|[a-z]{2,20}://[^@?]*+"


class Literals:
    """
    A set of registered secret values.

    >>> literals = Literals()
    >>> literals.register("correct-horse", name="demo")
    >>> list(literals.pattern.find("aG9yc2U6Y29ycmVjdC1ob3JzZQ=="))
    [(8, 25)]
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, str | None] = {}
        #: Finds every spelling of every registered value; None while there is none.
        self.pattern: Spellings | None = None

    def __len__(self) -> int:
        return len(self._values)

    def register(self, value: str | bytes, name: str | None = None) -> None:
        """
        Hide *value* from now on wherever it appears.

        Args:
            name: What to call it in messages, which never quote the value.

        Raises:
            ConfigError: If *value* is shorter than 4 characters.
        """
        text = _text_of(value)
        called = f"the secret {name!r}" if name else "a secret"
        if len(text) < _SHORTEST:
            raise ConfigError(
                f"{called} has {len(text)} characters; register values of at least {_SHORTEST}: "
                "a shorter one would hide parts of ordinary text"
            )
        if len(text) < _SAFE_LENGTH:
            warnings.warn(
                f"{called} has only {len(text)} characters and may hide parts of ordinary text", stacklevel=3
            )
        with self._lock:
            self._replace({**self._values, text: name})

    def unregister(self, value: str | bytes) -> None:
        """Forget *value*; one that is not registered is no error."""
        text = _text_of(value)
        with self._lock:
            self._replace({known: name for known, name in self._values.items() if known != text})

    def _replace(self, values: dict[str, str | None]) -> None:
        self._values = values
        self.pattern = Spellings(values) if values else None


class Spellings:
    """Finds the spellings of some values in text; they are worked out at first need."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = tuple(values)
        self._search: Callable[[str], Iterable[tuple[int, int]]] | None = None

    def find(self, text: str) -> Iterable[tuple[int, int]]:
        """Give the start and the end of each spelling in *text*; they may overlap."""
        search = self._search
        if search is None:
            search = self._search = _searcher(
                {found for value in self._values for found in _spellings(value)}
            )
        return search(text)


def _searcher(spellings: set[str]) -> Callable[[str], Iterable[tuple[int, int]]]:
    """Make a search for *spellings*, of which there may be very many."""
    few = (
        spellings
        if len(spellings) <= _PATTERN_SIZE
        else {text for text in spellings if len(text) < _SAFE_LENGTH}
    )
    longest_first = sorted(few, key=lambda spelling: (-len(spelling), spelling))
    pattern = re.compile("|".join(map(re.escape, longest_first))) if few else None
    by_start: dict[str, list[str]] = {}
    for spelling in spellings - few:
        by_start.setdefault(spelling[:_SAFE_LENGTH], []).append(spelling)

    def search(text: str) -> Iterator[tuple[int, int]]:
        if pattern is not None:
            yield from (match.span() for match in pattern.finditer(text))
        if by_start:
            for start in range(len(text) - _SAFE_LENGTH + 1):
                for spelling in by_start.get(text[start : start + _SAFE_LENGTH], ()):
                    if text.startswith(spelling, start):
                        yield start, start + len(spelling)

    return search


def _text_of(value: str | bytes) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    raise ConfigError(f"a secret to register must be str or bytes, got {type(value).__name__}")


def _spellings(text: str) -> Iterator[str]:
    """Spell *text*, and what it is made of, in every way it may appear in output."""
    yield from _spelled(text)
    for part in {*map(str.strip, text.split("\n")), *_leaves(text)}:
        # Shorter parts are braces and the like: hiding them everywhere would hurt more than it helps.
        if len(part) >= _SAFE_LENGTH and part != text:
            yield from _spelled(part)


def _spelled(text: str) -> Iterator[str]:
    """Spell *text* in every way it may appear in output."""
    from urllib.parse import quote, quote_plus  # not at import: most programs register nothing

    yield from _escaped(text)
    # As UTF-16 looks where it is read byte by byte; its last byte may be missing.
    yield from _escaped("\0".join(text))
    data = text.encode("utf-8", "surrogateescape" if _is_bytes(text) else "surrogatepass")
    yield data.hex()
    yield data.hex().upper()
    for encoded in (*_base64(data), *_base64(text.encode("utf-16-le", "surrogatepass"))):
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)
    ampersands = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield ampersands
    for quotes in (("&quot;", "&#x27;"), ("&quot;", "&#39;"), ("&quot;", "&apos;"), ("&#34;", "&#39;")):
        yield ampersands.replace('"', quotes[0]).replace("'", quotes[1])


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


def _is_bytes(text: str) -> bool:
    return all(not 0xD800 <= ord(char) <= 0xDFFF or 0xDC80 <= ord(char) <= 0xDCFF for char in text)


def _escaped(text: str) -> Iterator[str]:
    """Write *text* into JSON or a repr, and the result into another one."""
    writers = (json.dumps, lambda text: json.dumps(text, ensure_ascii=False), repr)
    yield text
    for written in {write(text)[1:-1] for write in writers}:
        yield written
        if written != text:
            yield from (write(written)[1:-1] for write in writers)


def _base64(data: bytes) -> Iterator[str]:
    """
    Encode *data* as it appears in the middle of something longer.

    The first and the last digit may carry bits of the neighbours: they are left out.
    """
    from binascii import b2a_base64  # not at import, like `quote` above

    for offset in range(3):
        encoded = b2a_base64(b"\0" * offset + data, newline=False).decode("ascii").rstrip("=")
        first = (offset * 8 + 5) // 6
        last = len(encoded) if (offset + len(data)) % 3 == 0 else len(encoded) - 1
        if len(part := encoded[first:last]) >= _SAFE_LENGTH:
            yield part
