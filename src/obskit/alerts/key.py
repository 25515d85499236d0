"""
Decide what makes two alerts the same incident.

Two occurrences of one failure differ in ids, times and durations; two failures
differ in everything else. Merging two failures hides one of them, which is worse
than telling twice, so only what is surely volatile is left out of a key: no
status code, no host name, no small number. A trace id is never part of a key,
since every occurrence has its own.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Final, TypeAlias, cast

from ..encoding.plain import text_of
from ..interrupts import traceback_of
from ..settings import wrong
from .model import NOTHING, Alert

#: How to make the key: attributes of an alert, or a function that names the incident.
KeyRule: TypeAlias = "Sequence[str] | Callable[[Alert], object] | None"

#: Stands in a fingerprint for the key that the alert would have without one.
DEFAULT: Final = "{{ default }}"
#: Characters of a message that tell one failure from another.
_SIGNIFICANT: Final = 2_048
_ATTRIBUTES: Final = frozenset(Alert.__slots__)

_NO_LABELS: Final = str({})
_STDLIB: Final = os.__file__[: -len("os.py")]
_OURS: Final = __file__[: -len("alerts/key.py")]

#: Words whose number names a thing or a moment, of which every occurrence has another.
_LABELS: Final = (
    "attempt batch build byte channel char chat col column deployment guild id invoice issue item job line"
    " message mr offset order pid port pos position pr process query record request retry row run session"
    " task thread ticket tid timeout transaction try update user"
).split()
#: Words whose number tells what went wrong, however long it is.
_CODES: Final = frozenset(
    "answer answered code codes err errno error exit fault hresult http ora rc reason result returned says"
    " signal smtp sqlstate state status tns winerror with".split()
)

# Every alternative begins where a word does and repeats possessively, so the time is linear.
# The order matters: what comes first is taken whole. An empty group at the end of each names
# it: one around it would keep the engine from telling by the first character that it does not fit.
_VOLATILE: Final = r"""
    (?<![A-Za-z0-9])
    # Most words are followed by another word, or end the message.
    (?![A-Za-z]++(?:[\s,;!?)(]++[A-Za-z]|[.,:;!?)]*+(?:\ [A-Za-z(]|$)))
    (?:
        https?://[^\s/?\#"'<>]++(?:/[^\s?\#"'<>]*+)?(?:[?\#][^\s"'<>]*+)?(?P<url>)
      | (?:'[^'"`\n]{0,200}'|"[^'"`\n]{0,200}"|`[^'"`\n]{0,200}`)(?!\w)(?P<quoted>)
      | [\w.+-]++@[\w-]++(?:\.[\w-]++)++(?P<email>)
      | [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b(?P<uuid>)
      | (?=[\dMTWFSJAOND])
        (?:\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d++)?(?:Z|[+-]\d\d:?\d\d)?)?\b
         | \d{1,2}:\d\d:\d\d(?:[.,]\d++)?
         | (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*+,?\ )?(?:\d{1,2}\ )?
           (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*+\ \d{1,4}
           (?:[ ,]{1,2}(?:\d{4}|\d\d:\d\d(?::\d\d)?|GMT|UTC))*+)(?P<time>)
      | (?<!\.)(?:(?:[\w-]++\.)++[\w-]++|localhost|\[[0-9a-fA-F:.]++\]):\d{1,5}\b(?P<host>)
      | (?<!\.)\d++(?:\.\d++)?(?:\ of\ \d++)?\s?
        (?:%|(?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|d|days?|[kKMGT]?i?B|bytes?)\b)(?P<size>)
      | (?=[A-Za-z_\#]*+[ ]?[-=:\#]?[ ]?[-\d])
        (?P<word>\#|(?i:(?:[a-z]*+_)*+)(?:LABELS)[ ]?[-=:\#]?[ ]?(?=[-\d]))
        (?:0[xX][0-9a-fA-F]++|-?\d++(?:[./]\d++)?)\b(?P<label>)
      | (?:0[xX][0-9a-fA-F]{3,}+\b
         | (?!\d++\.\d)(?=[a-fA-F]*+\d)[0-9a-fA-F]{8,}+(?:-[a-z0-9]{5})?(?![A-Za-z0-9])
         | (?=(?:[A-Za-z]*+\d++[A-Za-z]){2}[A-Za-z]*+\d)[A-Za-z0-9]{16,}+)(?P<hex>)
      | (?:(?<!\.)\d{5,}+(?:\.\d++)?(?![\w.]) | (?<=[a-z_]/)\d++(?=[/?\s]|$))(?P<number>)
      | (?:(?<=(?:is|to|of|at)\ )|(?<=(?:was)\ )|(?<=(?:than)\ ))\d++\.\d++(?![\w.])(?P<measure>)
    )
"""


def normalised(message: str) -> str:
    """
    Replace what differs between occurrences of the same failure; linear in time.

    >>> normalised("run 4711 took 31.5 s: 502 from api.example.com:8443 at 2026-01-02T03:04:05Z")
    'run <id> took <size>: 502 from api.example.com:<port> at <time>'
    """
    return _pattern().sub(_replacement, " ".join(message[:_SIGNIFICANT].split()))


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """Compile at the first need: importing obskit costs nothing for it."""
    # By their first letter, which the engine looks at before it tries a word: 4 µs a message instead of 6.
    by_initial = [
        f"[{letter}{letter.upper()}](?i:{'|'.join(word[1:] for word in words)})"
        for letter, words in itertools.groupby(_LABELS, key=lambda word: word[0])
    ]
    return re.compile(_VOLATILE.replace("LABELS", "|".join(by_initial)), re.VERBOSE)


def _replacement(found: re.Match[str]) -> str:
    text = found[0]
    match found.lastgroup:
        case "label":
            return f"{found['word']}<id>"
        case "hex" | "number" as kind:
            return text if _follows_a_code_word(found) else f"<{kind}>"
        case "url":
            return _url(text)
        case "quoted":
            return _quoted(text)
        case "host":
            return f"{text.rpartition(':')[0]}:<port>"
        case kind:
            return f"<{kind}>"


def _follows_a_code_word(found: re.Match[str]) -> bool:
    before = found.string[max(0, found.start() - 24) : found.start()]
    word = re.search(r"([A-Za-z]+)[^A-Za-z0-9]*$", before)
    return word is not None and word[1].lower() in _CODES


def _url(url: str) -> str:
    """Replace the port and path segments with a digit, but for versions such as ``v10``; drop the query."""
    scheme, _, rest = re.split("[?#]", url, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    host = re.sub(r":\d+$", ":<port>", host)
    path = re.sub(r"(?<=/)(?!v\d{1,2}(?:/|$))[^/\d]*+\d[^/]*+", "<id>", slash + path)
    return f"{scheme}://{host}{path}"


def _quoted(text: str) -> str:
    """Keep the meaning of a quoted status code, host name or address."""
    inner = text[1:-1]
    means = re.fullmatch(r"[1-5]\d\d|(?:\d{1,3}\.){3}\d{1,3}|(?:[\w-]++\.)++[A-Za-z]{2,}+", inner)
    return f'"{inner}"' if means else "<value>"


def incident_key(alert: Alert, *, service: str, rule: KeyRule = None) -> str:
    """
    Name the incident that *alert* belongs to: 64 hex digits.

    Args:
        alert: As the application sent it.
        service: Which service it happened in.
        rule: Attributes of the alert instead of the usual rule, or a function.
            ``("severity", "message", "trace_id")`` tells every command that fails.
    """
    given = alert.fingerprint
    if given is None:
        return _default_key(alert, service, rule)
    parts = [text_of(part) for part in (given if type(given) in (list, tuple) else [given])]
    default = _default_key(alert, service, rule) if DEFAULT in parts else ""
    return _hash("fingerprint", service, *(default if part == DEFAULT else part for part in parts))


def _default_key(alert: Alert, service: str, rule: KeyRule) -> str:
    """Name the incident of an alert as if it had no fingerprint."""
    if rule is None:
        key = _usual_key(service, *_origin(alert.root_cause), text_of(alert.message)[:_SIGNIFICANT])
        # Few alerts have any, and the identity costs nothing.
        labels = _NO_LABELS if alert.labels is NOTHING else text_of(alert.labels)
        return key if labels == _NO_LABELS else _hash("labels", key, labels)
    if callable(rule):
        return _hash("function", service, text_of(rule(alert)))
    return _hash("attributes", *(text_of(getattr(alert, name)) for name in rule))


def check_rule(rule: KeyRule) -> None:
    """Refuse a rule that names something an alert does not have."""
    if rule is None or callable(rule):
        return
    takes = f"a function or some of {', '.join(sorted(_ATTRIBUTES))}"
    given: object = rule
    names = list(given) if isinstance(given, Collection) and not isinstance(given, str) else []
    if not names or not all(type(name) is str and name in _ATTRIBUTES for name in names):
        raise wrong("key", takes, rule)


@lru_cache(maxsize=1024)
def _usual_key(service: str, error_type: str, frame: str, message: str) -> str:
    """Remembered, because a failure that repeats is asked for again and again."""
    return _normal_key(service, error_type, frame, normalised(message))


@lru_cache(maxsize=1024)
def _normal_key(service: str, error_type: str, frame: str, message: str) -> str:
    """Remembered, because a failure that repeats may say other numbers each time."""
    return _hash("usual", service, error_type, frame, message)


def _origin(cause: object) -> tuple[str, str]:
    """Return the type of an exception and the innermost function of the application that it came through."""
    if cause is None or not issubclass(type(cause), BaseException):
        return "", ""
    error = cast("BaseException", cause)
    frame = None
    tb = traceback_of(error)
    while tb is not None:
        if frame is None or _is_of_application(tb.tb_frame.f_code.co_filename):
            frame = tb.tb_frame
        tb = tb.tb_next
    place = "" if frame is None else f"{frame.f_globals.get('__name__', '')}:{frame.f_code.co_qualname}"
    return type(error).__qualname__, place


@lru_cache(maxsize=1024)
def _is_of_application(filename: str) -> bool:
    """Tell whether a source file is neither of Python, nor of a package that was installed, nor ours."""
    parts = filename.replace("\\", "/").split("/")
    return not (
        filename.startswith(("<frozen ", _STDLIB, _OURS))
        or "site-packages" in parts
        or "dist-packages" in parts
    )


def _hash(*parts: str) -> str:
    """Hash *parts* so that no two lists of parts run into one another."""
    quoted = ",".join(map(encode_basestring_ascii, ("obskit.alert/1", *parts)))
    return hashlib.sha256(f"[{quoted}]".encode()).hexdigest()
