"""
The kinds of text that a secret stands in, and how each of them writes it.

A JSON string escapes its quotes, the query of a URL its slashes: a redactor
sees the secret as that text writes it.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from redactioncard.recipes import Secret


def _plain(text: str) -> str:
    return text


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _slashed_json(text: str) -> str:
    """As PHP and some other encoders write it."""
    return _json(text).replace("/", "\\/")


def _json_twice(text: str) -> str:
    return _json(_json(text))


def _repr(text: str) -> str:
    """As in a repr that is quoted by single quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")


def _query(text: str) -> str:
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Surrounding:
    """A text with ``{}`` where the secret comes, and how it writes it."""

    text: str
    write: Callable[[str], str] = _plain

    def around(self, secret: Secret) -> tuple[str, str]:
        """Give the whole text, and the secret as it is written there."""
        parts = [self.write(part) for part in (secret.before, secret.secret, secret.after)]
        return "".join(parts).join(self.rest), parts[1]

    @property
    def escapes(self) -> bool:
        """Whether it may write a secret in another way than it is."""
        return self.write is not _plain

    @property
    def rest(self) -> list[str]:
        """The text before and after."""
        return self.text.split("{}")


_TRACEBACK: Final = """\
Traceback (most recent call last):
  File "/app/bot/main.py", line 42, in handle
    await self.client.send(request)
  File "/usr/lib/python3.11/site-packages/httpx/_client.py", line 1629, in send
    raise exc
httpx.HTTPStatusError: Client error '403 Forbidden' for {}
"""
_GROUP: Final = """\
  + Exception Group Traceback (most recent call last):
  |   File "worker.py", line 7, in run
  | ExceptionGroup: 2 jobs failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: cannot use {}
    +------------------------------------
"""
_LONG: Final = "The nightly job went through 4,120 records and found nothing to do. " * 12

SURROUNDINGS: Final = {
    "alone": Surrounding("{}"),
    "sentence": Surrounding("Could not use {} after 3 attempts"),
    "end of a sentence": Surrounding("The service refused {}."),
    "parentheses": Surrounding("request failed ({})"),
    "single quotes": Surrounding("invalid literal: '{}'", _repr),
    "double quotes": Surrounding('failed to parse "{}"', _json),
    "backticks": Surrounding("Please check `{}` and try again"),
    "list": Surrounding("tried a, b, {}, gave up"),
    "brackets": Surrounding("values: [{}]"),
    "angle brackets": Surrounding("see <{}>"),
    "tabs": Surrounding("17\t{}\tdone"),
    "logfmt": Surrounding('ts=2026-01-01T00:00:00Z level=error msg="call failed: {}" attempt=3', _json),
    "json line": Surrounding('{"level": "error", "message": "call failed: {}", "attempt": 3}', _json),
    "json with escaped slashes": Surrounding('{"level":"error","message":"call failed: {}"}', _slashed_json),
    "json in json": Surrounding(
        '{"event": "relay", "body": "{\\"error\\": \\"call failed: {}\\"}"}', _json_twice
    ),
    "json, cut off": Surrounding('... "attempt": 3, "body": "call failed: {}", "trace', _json),
    "repr": Surrounding("RuntimeError('call failed: {}')", _repr),
    "repr of lines": Surrounding("body='first line\\n{}\\nlast line'", _repr),
    "traceback": Surrounding(_TRACEBACK),
    "exception group": Surrounding(_GROUP),
    "yaml": Surrounding("steps:\n  - run: |\n      {}\n  - done\n"),
    "markdown": Surrounding("- **Failed**: {}\n- Next try at noon"),
    "container log": Surrounding("web-1  | 2026-01-01 00:00:00,000 INFO worker: {}"),
    "colours": Surrounding("\x1b[32mINFO\x1b[0m \x1b[1m{}\x1b[0m"),
    "query": Surrounding("GET /report?text={}&lang=en HTTP/1.1", _query),
    "html": Surrounding("<td>call failed</td><td>{}</td>", html.escape),
    "shell": Surrounding("+ echo {}\n+ exit 1"),
    "long text": Surrounding(_LONG + "But {} was refused. " + _LONG),
    "other scripts": Surrounding("エラー: {} が無効です。Überprüfung nötig"),
}
