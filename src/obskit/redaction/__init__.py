"""
Keep secrets from leaving the process, in any output.

`Redactor` puts the parts together: `policy` (which names are secret),
`detectors` (secrets inside text), `literals` (registered values), `walk` (any
object graph) and `mask` (what is shown in place of a secret).

Everything here is pure: no input or output, no clock, no environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import lazy
from .literals import Literals
from .redactor import LITERALS, Redactor

if TYPE_CHECKING:
    from .detectors import Detector

__all__ = ["LITERALS", "Detector", "Literals", "Redactor", "register_secret", "unregister_secret"]

__getattr__, __dir__ = lazy.attributes(__name__, __all__, {"Detector": "detectors"})


def register_secret(value: str | bytes, name: str | None = None) -> None:
    """
    Hide *value* from now on wherever it appears, plain or encoded.

    Args:
        name: What to call it in messages, which never quote the value.

    Raises:
        ConfigError: If *value* is shorter than 4 characters; below 8 a warning is given.
    """
    LITERALS.register(value, name)


def unregister_secret(value: str | bytes) -> None:
    """Forget *value*; one that is not registered is no error."""
    LITERALS.unregister(value)
