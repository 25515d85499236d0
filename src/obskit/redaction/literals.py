"""
Know secrets by their exact value, in whatever spelling they appear.

A registered value is found plain, in base64 at each of its three offsets, in
hex, percent-encoded, escaped as in JSON or a repr, and line by line.

The set of values is an immutable snapshot that a registration replaces under
a lock; readers take no lock.
"""

from __future__ import annotations

import json
import re
import threading
import warnings
from binascii import b2a_base64
from collections.abc import Iterator
from typing import Final

from ..errors import ConfigError

#: Anything shorter would blacken ordinary text.
_SHORTEST: Final = 4
#: Anything shorter is likely to stand in ordinary text by chance.
_SAFE_LENGTH: Final = 8


class Literals:
    """
    A set of registered secret values.

    >>> literals = Literals()
    >>> literals.register("correct-horse", name="demo")
    >>> literals.pattern is not None and bool(literals.pattern.search("aG9yc2U6Y29ycmVjdC1ob3JzZQ=="))
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str | None] = {}
        #: Matches every spelling of every registered value, longest first; None while there is none.
        self.pattern: re.Pattern[str] | None = None

    def __len__(self) -> int:
        return len(self._names)

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
            self._replace({**self._names, text: name})

    def unregister(self, value: str | bytes) -> None:
        """Forget *value*; one that is not registered is no error."""
        text = _text_of(value)
        with self._lock:
            self._replace({known: name for known, name in self._names.items() if known != text})

    def _replace(self, names: dict[str, str | None]) -> None:
        spellings = {spelling for text in names for spelling in _spellings(text)}
        longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        self._names = names
        self.pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _text_of(value: str | bytes) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    raise ConfigError(f"a secret to register must be str or bytes, got {type(value).__name__}")


def _spellings(text: str) -> Iterator[str]:
    """Spell *text* in every way it may appear in output."""
    from urllib.parse import quote, quote_plus  # not at import: most programs register nothing

    yield from _escaped(text)
    lines = text.split("\n")
    if len(lines) > 1:
        for line in map(str.strip, lines):
            # Shorter lines are braces and the like: hiding them everywhere would hurt more than it helps.
            if len(line) >= _SAFE_LENGTH:
                yield from _escaped(line)
    data = text.encode("utf-8", "surrogateescape" if _is_bytes(text) else "surrogatepass")
    yield data.hex()
    yield data.hex().upper()
    for encoded in _base64(data):
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)


def _is_bytes(text: str) -> bool:
    return all(not 0xD800 <= ord(char) <= 0xDFFF or 0xDC80 <= ord(char) <= 0xDCFF for char in text)


def _escaped(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]


def _base64(data: bytes) -> Iterator[str]:
    """
    Encode *data* as it appears in the middle of something longer.

    The first and the last digit may carry bits of the neighbours: they are left out.
    """
    for offset in range(3):
        encoded = b2a_base64(b"\0" * offset + data, newline=False).decode("ascii").rstrip("=")
        first = (offset * 8 + 5) // 6
        last = len(encoded) if (offset + len(data)) % 3 == 0 else len(encoded) - 1
        if len(part := encoded[first:last]) >= _SAFE_LENGTH:
            yield part
