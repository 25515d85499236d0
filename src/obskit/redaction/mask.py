"""
Write the marker that stands where a secret was.

The marker is ``***``. A tail may follow where showing it cannot help anyone
guess the rest, or a keyed fingerprint by which the same secret can be
recognised across lines. Nothing else of the secret is ever in it.
"""

from __future__ import annotations

import re
from typing import Final

from ..errors import ConfigError

MARKER: Final = "***"

#: From this length on the tail rule below is the safe one; a smaller `tail_min_length` gives it up.
_SAFE_LENGTH: Final = 12
#: At most this part of a value is its tail.
_SHARE: Final = 3
_FINGERPRINT_BYTES: Final = 4
#: The empty text is none of them.
_MARKER_STARTS: Final = frozenset("*[")
_FAILURE: Final = r"\[(?:redaction failed: \w{1,100}|cut: [a-z ]{1,40})\]"


class Mask:
    """
    How a hidden value is shown.

    >>> Mask().hide("token12345678"), Mask().hide("hunter2")
    ('***5678', '***')
    >>> Mask(tail_min_length=5).hide("hunter2", tail=False)
    '***ter2'
    """

    __slots__ = ("_fingerprint_key", "tail", "tail_min_length")

    def __init__(
        self, *, tail: int = 4, tail_min_length: int = _SAFE_LENGTH, fingerprint_key: bytes | None = None
    ) -> None:
        for name, number, least in (("tail", tail, 0), ("tail_min_length", tail_min_length, 1)):
            if type(number) is not int or number < least:
                raise ConfigError(f"{name} must be a whole number of at least {least}, got {number!r}")
        key = fingerprint_key
        if key is not None and (type(key) is not bytes or not 1 <= len(key) <= 64):
            # The key itself stays out of the message: it is a secret.
            raise ConfigError("fingerprint_key must be 1 to 64 bytes, as secrets.token_bytes(32) makes")
        self.tail: Final = tail  #: characters at the end of a value that may be shown
        #: Shorter values show no tail. Below 12, every value of that length shows one.
        self.tail_min_length: Final = tail_min_length
        self._fingerprint_key: Final = key

    def hide(self, secret: str, *, tail: bool = True) -> str:
        """
        Give the marker for *secret*; a marker stays as it is.

        Args:
            tail: Whether this kind of secret may show its last characters.
        """
        if secret[:1] in _MARKER_STARTS and self.is_marker(secret):
            return secret
        if self._fingerprint_key is not None:
            return f"{MARKER}#{self._fingerprint(secret)}"
        shown = self._tail_length(secret, tail)
        return MARKER + secret[len(secret) - shown :] if shown else MARKER

    def is_marker(self, text: str) -> bool:
        """Say whether *text* is what `hide` or a failed redaction leaves behind."""
        if text.startswith(MARKER):
            rest = text[len(MARKER) :]
            return len(rest) <= self.tail or bool(re.fullmatch(r"#[0-9a-f]{8}", rest))
        return text.startswith("[") and re.fullmatch(_FAILURE, text) is not None

    def _tail_length(self, secret: str, tail: bool) -> int:
        if len(secret) < self.tail_min_length:
            return 0
        if self.tail_min_length < _SAFE_LENGTH:
            return min(self.tail, len(secret) - 1)
        if not tail or not _is_token(secret):
            return 0
        return min(self.tail, len(secret) // _SHARE)

    def _fingerprint(self, secret: str) -> str:
        from hashlib import blake2b  # not at import: it loads OpenSSL, and few ask for fingerprints

        data = secret.encode("utf-8", "surrogatepass")
        return blake2b(data, digest_size=_FINGERPRINT_BYTES, key=self._fingerprint_key or b"").hexdigest()


def _is_token(text: str) -> bool:
    """Tell one machine-made token from text with blanks, URLs, numbers, and the ends of base64 and PEM."""
    # A regular expression takes four times as long, for each secret of each event.
    return (
        text.isascii()
        and text.isprintable()
        and " " not in text
        and "://" not in text
        and not text.isdecimal()
        and text[-1] not in "=-"
    )
