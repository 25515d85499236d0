"""
Know secrets by their exact value, in whatever spelling they appear.

A text is searched as it was written and, where it has escapes, as what they
stand for, so that few spellings need be known.

What is searched for is an immutable snapshot that a registration replaces under
a lock; readers take no lock.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Final

from ..errors import ConfigError
from ..lazy import LOADING
from .span import Span

#: Anything shorter would blacken ordinary text.
_SHORTEST: Final = 4
#: Anything shorter is likely to stand in ordinary text by chance.
_SAFE_LENGTH: Final = 8
#: So many spellings, those of one or two values, are looked for one by one: 30 ns each for 100 characters.
_FEW: Final = 80
#: More are looked up by any five characters of theirs, at every fourth character of a text, which meets each
#: that has eight: 2.5 us for 100 characters, however many there are.
_WINDOW: Final = 5
_STRIDE: Final = _SAFE_LENGTH - _WINDOW + 1


class Literals:
    """
    A set of registered secret values.

    >>> literals = Literals()
    >>> literals.register("correct-horse", name="demo")
    >>> literals.pattern.find("aG9yc2U6Y29ycmVjdC1ob3JzZQ==")
    [Span(start=8, end=25, name='literal', tail=False)]
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        #: Finds every spelling of every registered value; None while there is none.
        self.pattern: Spellings | None = None
        self.has_numbers = False  #: whether one of them may stand somewhere as a number

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
        with LOADING:
            self._values.add(text)
            self._publish()
        if len(text) < _SAFE_LENGTH:
            # At no place in the program: the line that would be shown has the secret in it.
            told = f"{called} has only {len(text)} characters and may hide parts of ordinary text"
            warnings.warn_explicit(told, UserWarning, "obskit", 1)

    def unregister(self, value: str | bytes) -> None:
        """Forget *value*; one that is not registered is no error."""
        text = _text_of(value)
        with LOADING:
            self._values.discard(text)
            self._publish()

    def _publish(self) -> None:
        """Show readers what is registered now, also what a finalizer changes while that is made ready."""
        values = None
        while values != self._values:
            values = self._values.copy()
            pattern, has_numbers = Spellings(values) if values else None, any(map(_is_number, values))
            self.pattern, self.has_numbers = pattern, has_numbers


class Spellings:
    """Finds the spellings of some values in text; they are worked out at first need."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = tuple(values)
        self._index: _Index | None = None

    def find(self, text: str) -> list[Span]:
        """Find each spelling in *text*; they may overlap."""
        index = self._index
        if index is None:
            with LOADING:
                from .spellings import spellings  # not at import: most programs register nothing

            index = self._index = _Index({found for value in self._values for found in spellings(value)})
        found = index.find(text)
        if (
            "\\" in text or "%" in text or "&" in text or "\n" in text or "\0" in text or "\x1b" in text
        ) or not text.isascii():
            from .escapes import readings, written  # loaded with the spellings

            for layers in readings(text):
                found += (written(span, layers) for span in index.find(layers[0].text))
        return found


class _Index:
    """Finds some texts in another one, in a time that does not grow with their number."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._single: list[str] = []
        self._windows: dict[str, list[tuple[int, str]]] = {}
        spellings = sorted(texts)
        for text in spellings:
            if len(spellings) <= _FEW or len(text) < _SAFE_LENGTH:
                self._single.append(text)
                continue
            for shift in range(_STRIDE):
                self._windows.setdefault(text[shift : shift + _WINDOW], []).append((shift, text))

    def find(self, text: str) -> list[Span]:
        """Find each of them in *text*."""
        found = [
            Span(match.start(), match.end(), "literal", False)
            for single in self._single
            if single in text
            for match in re.finditer(re.escape(single), text)
        ]
        if not self._windows:
            return found
        windows = [text[at : at + _WINDOW] for at in range(0, len(text), _STRIDE)]
        if not self._windows.keys().isdisjoint(windows):
            for number, window in enumerate(windows):
                for shift, spelling in self._windows.get(window, ()):
                    start = number * _STRIDE - shift
                    if start >= 0 and text.startswith(spelling, start):
                        found.append(Span(start, start + len(spelling), "literal", False))
        return found


def _is_number(text: str) -> bool:
    """Say whether *text* may stand somewhere as a number."""
    try:
        complex(text)
    except ValueError:
        return False
    return True


def _text_of(value: str | bytes) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    raise ConfigError(f"a secret to register must be str or bytes, got {type(value).__name__}")
