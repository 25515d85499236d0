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
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias, cast

from ..encoding.plain import plain
from ..errors import ConfigError
from .model import Alert, Severity

#: How to make the key: attributes of an alert, or a function that names the incident.
KeyRule: TypeAlias = "Sequence[str] | Callable[[Alert], object] | None"

#: Length of an incident key.
KEY_LENGTH: Final = 64
#: Characters of a message that tell one failure from another.
_SIGNIFICANT: Final = 2_048
_ATTRIBUTES: Final = frozenset(Alert.__slots__)

# Every alternative begins at the edge of a word and repeats possessively, so the time is
# linear. The order matters: what comes first is taken whole.
_VOLATILE: Final = r"""
    (?P<url>\bhttps?://[^\s/?\#"'<>]++)(?P<path>/[^\s?\#"'<>]*+)?(?:[?\#][^\s"'<>]*+)?
  | (?<!\w)(?P<quote>['"`])(?P<quoted>[^'"`\n]{0,200})(?P=quote)(?!\w)
  | (?P<email>(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++)
  | (?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)
  | (?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d++)?(?:Z|[+-]\d\d:?\d\d)?)?
           | \b\d{1,2}:\d\d:\d\d(?:[.,]\d++)?)
  | (?P<host>(?<![\w.-])(?:(?:[\w-]++\.)++[\w-]++|localhost|\[[0-9a-fA-F:.]++\])):\d{1,5}\b
  | (?P<duration>(?<![\w.])\d++(?:\.\d++)?\s?
        (?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|d|days?|[kKMGT]?i?B|bytes?)\b)
  | (?P<label>(?:\#|\b(?:\w*_)?(?:id|pid|tid|port|line|column|col|attempt|run|offset)\b[ ]?[=:\#]?[ ]?))\d++\b
  | (?P<hex>\b0[xX][0-9a-fA-F]++\b|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}+\b)
  | (?P<ulid>\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b)
"""


def normalised(message: str) -> str:
    """
    Replace what differs between occurrences of the same failure; linear in time.

    >>> normalised("run 4711 took 31.5 s: 502 from api.example.com:8443 at 2026-01-02T03:04:05Z")
    'run <id> took <duration>: 502 from api.example.com:<port> at <time>'
    """
    return _pattern().sub(_replacement, " ".join(message[:_SIGNIFICANT].split()))


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """Compile at the first need: importing obskit costs nothing for it."""
    return re.compile(_VOLATILE, re.VERBOSE)


def _replacement(found: re.Match[str]) -> str:
    if found["url"]:
        return _without_port(found["url"]) + _without_ids(found["path"] or "")
    if (quoted := found["quoted"]) is not None:
        return f'"{quoted}"' if _keeps_meaning(quoted) else "<value>"
    if found["host"]:
        return f"{found['host']}:<port>"
    if found["label"]:
        return f"{found['label']}<id>"
    return f"<{found.lastgroup}>"


def _keeps_meaning(quoted: str) -> bool:
    """Tell whether a quoted value is a status code or a host name."""
    return re.fullmatch(r"[1-5]\d\d|(?:[\w-]++\.)++[A-Za-z]{2,}+", quoted) is not None


def _without_port(url: str) -> str:
    return re.sub(r":\d+$", ":<port>", url)


def _without_ids(path: str) -> str:
    """Replace path segments that hold a digit, but for versions such as ``v10``."""
    return re.sub(r"(?<=/)(?!v\d{1,2}(?:/|$))[^/\d]*+\d[^/]*+", "<id>", path)


def incident_key(alert: Alert, *, service: str, rule: KeyRule = None) -> str:
    """
    Name the incident that *alert* belongs to: 64 hex digits.

    Args:
        alert: As the application sent it.
        service: Which service it happened in.
        rule: Attributes of the alert instead of the usual rule, or a function.
            ``("severity", "message", "trace_id")`` tells every command that fails.
    """
    if alert.fingerprint is not None:
        return _hash("fingerprint", service, _text(alert.fingerprint))
    if rule is None:
        return _usual_key(service, *_origin(alert.root_cause), _text(alert.message)[:_SIGNIFICANT])
    if callable(rule):
        return _hash("function", service, _text(rule(alert)))
    return _hash("attributes", *(_text(getattr(alert, name)) for name in rule))


def check_rule(rule: KeyRule) -> None:
    """Refuse a rule that names something an alert does not have."""
    if rule is None or callable(rule):
        return
    names = [rule] if isinstance(rule, str) else list(rule)
    if isinstance(rule, str) or not names or not _ATTRIBUTES.issuperset(names):
        raise ConfigError(f"key must be a function or some of {', '.join(sorted(_ATTRIBUTES))}, got {rule!r}")


def dedupe_key(incident: str, severity: Severity) -> str:
    """Name what is told once per window: an incident that gets worse is told again."""
    return f"{incident}:{severity.value}"


def severity_of(mark: str) -> Severity:
    """
    Read the severity back from what begins with a dedupe key.

    >>> severity_of(dedupe_key("0" * 64, Severity.ERROR) + "@Memory-1")
    <Severity.ERROR: 'error'>
    """
    return Severity(mark[KEY_LENGTH + 1 :].partition("@")[0])


@lru_cache(maxsize=1024)
def _usual_key(service: str, error_type: str, frame: str, message: str) -> str:
    """Remembered, because a failure that repeats is asked for again and again."""
    return _hash("usual", service, error_type, frame, normalised(message))


def _origin(cause: object) -> tuple[str, str]:
    """Return the type of an exception and where it was raised, without the line number."""
    if not issubclass(type(cause), BaseException):
        return "", ""
    tb = cast("BaseException", cause).__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    if tb is None:
        return type(cause).__qualname__, ""
    code = tb.tb_frame.f_code
    return type(cause).__qualname__, f"{tb.tb_frame.f_globals.get('__name__', '')}:{code.co_qualname}"


def _text(value: object) -> str:
    """Read anything as text without trusting its own ``__str__``."""
    return value if type(value) is str else str(plain(value))


def _hash(*parts: str) -> str:
    """Hash *parts* so that no two lists of parts run into one another."""
    canonical = json.dumps(["obskit.alert/1", *parts], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
