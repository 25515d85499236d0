"""
Show a trace to a person, within the limit of the place where it is shown.

Pure: each service is a `Style`, which knows how it counts characters and how
text is kept from becoming markup, a mention or a link. Where a trace is too long,
the error, the slowest steps and the last ones stay, and the rest is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ..encoding.exceptions import ErrorInfo
from ..settings import choice, whole_number, wrong
from .model import ExecutionTrace, Step

#: No view is useful below this: the trace id alone takes a third of it.
MINIMUM_LIMIT: Final = 100

ICONS: Final = {"ok": "✅", "error": "❌", "running": "⏳", "cancelled": "🚫", "lost": "👻"}
_MAX_NAME: Final = 120
_MAX_DETAILS: Final = 160
_MAX_DEPTH: Final = 6
#: Steps that claim room before the links do, and the room that each of them may need.
_PROMISED: Final = 3
_SHORT_LINE: Final = 40

#: Line breaks and controls, lone surrogates, and characters that turn text around.
_UNFIT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]+"
)
_ZERO_WIDTH: Final = "\u200b"


@dataclass(frozen=True, slots=True)
class Style:
    """How a service counts and what in it is text."""

    size: Callable[[str], int]
    escape: Callable[[str], str]  #: makes text harmless
    strong: Callable[[str], str]  #: of text that was made harmless


def render(trace: ExecutionTrace, limit: int = 2000, style: str = "text") -> str:
    """
    Show *trace* as text: what was asked, how it went step by step, and why it failed.

    Args:
        trace: A finished or a running trace.
        limit: The most characters the result may have, as the service counts them:
            code points for ``text``, ``discord`` and ``slack``, UTF-16 units for
            ``telegram``. At least 100.
        style: ``text``, ``discord`` (Markdown), ``slack`` (mrkdwn) or ``telegram``
            (plain text, to be sent without a parse mode).

    Raises:
        ConfigError: If *trace*, *limit* or *style* is none of these.
    """
    if not isinstance(trace, ExecutionTrace):
        raise wrong("trace", "an ExecutionTrace", trace)
    chosen = STYLES[choice("style", style, STYLES)]
    return _View(still(trace), chosen, whole_number("limit", limit, MINIMUM_LIMIT)).text()


def still(trace: ExecutionTrace) -> ExecutionTrace:
    """Return a copy of this moment: threads may go on recording an open *trace*."""
    return ExecutionTrace.from_dict(trace.to_dict())


class _View:
    """One rendering: knows how much room is left."""

    def __init__(self, trace: ExecutionTrace, style: Style, limit: int) -> None:
        self._trace = trace
        self._style = style
        self._limit = limit

    def text(self) -> str:
        head, error = self._head(), self._error()
        room = self._limit - self._size(head) - self._size(error)
        links = self._links(room - _PROMISED * (_SHORT_LINE + 1) if self._trace.steps else room)
        shown = [*head, *self._steps(room - self._size(links)), *error, *links]
        if self._size(shown) - 1 <= self._limit:
            return "\n".join(shown)
        # The head and the error alone are too long: the limit is very small.
        left_out = [_left_out(self._trace.step_count)] if self._trace.step_count else []
        return self._cut("\n".join([*head[:2], *left_out, *error]), self._limit)

    def _head(self) -> list[str]:
        trace, style = self._trace, self._style
        command = style.strong(self._cut(self._plain(trace.command), max(_SHORT_LINE, self._limit // 8)))
        return [
            f"{ICONS[trace.status]} {command} {trace.status} ({seconds(trace.duration_ms)})",
            f"Trace: {self._plain(trace.trace_id)}",
            f"Started: {self._plain(trace.started_at[:19].replace('T', ' '))} UTC",
        ]

    def _error(self) -> list[str]:
        if self._trace.error is None:
            return []
        room = self._limit // 4
        return [self._cut(f"{self._style.strong('Error:')} {self._summary(self._trace.error)}", room)]

    def _links(self, room: int) -> list[str]:
        lines: list[str] = []
        room = min(room, self._limit // 4)
        for label, url in self._trace.links.items():
            line = f"{self._plain(label)}: {self._link(url)}"
            room -= self._size([line])
            if room < 0:
                break
            lines.append(line)
        return lines

    def _steps(self, room: int) -> list[str]:
        """Show the steps that fit; the most telling ones claim their room first."""
        steps = self._trace.steps
        hidden = self._trace.dropped_steps
        room -= self._size([_left_out(len(steps) + hidden)])
        longest = min(self._limit // 4, max(_SHORT_LINE, room // _PROMISED - 1))
        lines = [
            self._cut(self._step(step, depth), longest)
            for step, depth in zip(steps, depths(steps), strict=True)
        ]
        chosen: set[int] = set()
        for index in _by_interest(steps):
            cost = self._size([lines[index]])
            if cost <= room:
                chosen.add(index)
                room -= cost
        hidden += len(steps) - len(chosen)
        shown = [lines[index] for index in sorted(chosen)]
        return [*shown, _left_out(hidden)] if hidden else shown

    def _step(self, step: Step, depth: int) -> str:
        indent = "\u2003" * min(depth, _MAX_DEPTH)
        line = f"{indent}{ICONS[step.status]} {self._plain(step.name)} ({seconds(step.duration_ms)})"
        if step.details:
            shown = ", ".join(f"{name}={shown_value(value)}" for name, value in step.details.items())
            line += f" {self._plain(shown, _MAX_DETAILS)}"
        if step.error is not None:
            line += f" — {self._summary(step.error)}"
        return line

    def _summary(self, error: ErrorInfo) -> str:
        return self._plain(error.summary, 600)

    def _link(self, url: str) -> str:
        """Leave an address as it is, so that it can be followed, without what ends or hides one."""
        return re.sub(r"[\s<>()\[\]|`*\"'@\\]", lambda found: f"%{ord(found[0]):02X}", url)

    def _plain(self, text: str, longest: int = _MAX_NAME) -> str:
        """Put *text* on one line and make it harmless."""
        one_line = _UNFIT.sub(" ", text)
        return self._style.escape(one_line if len(one_line) <= longest else f"{one_line[: longest - 1]}…")

    def _size(self, lines: Iterable[str]) -> int:
        return sum(self._style.size(line) + 1 for line in lines)

    def _cut(self, text: str, limit: int) -> str:
        if self._style.size(text) <= limit:
            return text
        while self._style.size(text) >= limit:
            text = text[: -max(1, (self._style.size(text) - limit) // 2)]
        # An escape must not be cut in two: a backslash would take the next character with it.
        return f"{text.rstrip(chr(92))}…"


def _by_interest(steps: list[Step]) -> list[int]:
    """Order steps by how much they tell: the last that failed, the last, the slowest, and so on."""
    newest_first = range(len(steps) - 1, -1, -1)
    failed = [index for index in newest_first if steps[index].status != "ok"]
    failed.sort(key=lambda index: steps[index].status != "error")
    by_time = sorted(newest_first, key=lambda index: -steps[index].duration_ms)
    telling = [*failed[:1], *newest_first[:1], *by_time[:1], *failed, *newest_first[:3], *by_time]
    return list(dict.fromkeys(telling))


def depths(steps: list[Step]) -> list[int]:
    """Tell how deep each step lies; one whose parent is not kept counts as outermost."""
    depth: dict[str, int] = {}
    for step in steps:
        depth[step.id] = depth.get(step.parent_id or "", -1) + 1
    return [depth[step.id] for step in steps]


def _left_out(count: int) -> str:
    return f"… {count} more step{'s' if count != 1 else ''}"


def seconds(duration_ms: float) -> str:
    """Write a duration as people read it."""
    if duration_ms < 1_000:
        return f"{duration_ms:.0f} ms"
    return f"{duration_ms / 1000:.1f} s" if duration_ms < 120_000 else f"{duration_ms / 60_000:.1f} min"


def shown_value(value: object) -> str:
    """Write a detail as it is, or as JSON where it is no text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _discord(text: str) -> str:
    """Escape Markdown, also at the start of a line, and what would begin a mention or a time stamp."""
    return re.sub(r"([\\`*_~|<\[\]]|^[#>-])", r"\\\1", text).replace("@", f"@{_ZERO_WIDTH}")


def _slack(text: str) -> str:
    """Escape as Slack asks (https://docs.slack.dev/messaging/formatting-message-text), and part markup."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`@])", rf"{_ZERO_WIDTH}\1{_ZERO_WIDTH}", text)


def _telegram(text: str) -> str:
    """Part what Telegram finds in plain text: mentions, tags and commands."""
    return re.sub(r"([@#$/])(?=\w)", rf"\1{_ZERO_WIDTH}", text)


STYLES: Final = {
    "text": Style(len, escape=str, strong=str),
    "discord": Style(len, escape=_discord, strong="**{}**".format),
    "slack": Style(len, escape=_slack, strong="*{}*".format),
    "telegram": Style(_utf16_units, escape=_telegram, strong=str),
}
