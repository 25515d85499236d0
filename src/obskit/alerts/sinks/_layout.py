"""
Lay a message out as text, within a limit and whatever it holds.

Pure: a service brings its `Markup`, the layout is the same everywhere. Where a
message is too long, the parts that help least are cut first: fields, then the
root cause, then the message. Trace id, links and the count of repeats stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ...clock import isoformat
from ..delivery import Delivery, Kind
from ..model import Severity
from ..window import Repeats

_ICONS: Final = {Severity.CRITICAL: "🔴", Severity.ERROR: "⚠️", Severity.WARNING: "🟡"}

#: Controls, lone surrogates, noncharacters, and characters that reverse the direction of what follows.
_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]"
)
#: A web address of printable ASCII, without < and >. In front of its host stands no name to take for it.
_URL: Final = re.compile(r"https?://[\w.:%\[\]-]{1,100}(?:[/?#][!-;=?-~]{0,400})?", re.ASCII)
_MAX_LINKS: Final = 3
_MAX_ID: Final = 64
_MAX_LABEL: Final = 40
_MAX_FIELD: Final = 200
_PLAIN_LIMIT: Final = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """How a service writes things; each takes text and returns it in the service's syntax."""

    strong: Callable[[str], str] = str
    block: Callable[[str], str] = str
    code: Callable[[str], str] = str
    link: Callable[[str], str] = str
    escape: Callable[[str], str] = str

    def labelled(self, name: str, written: str) -> str:
        """Write a line of a name and what it is about."""
        return f"{self.strong(self.escape(name) + ':')} {written}"


def defused(text: str) -> str:
    """Put an invisible space behind every ``@`` and ``<``: no service sees a mention or a link then."""
    return re.sub("([@<])", "\\1\u200b", text)


PLAIN: Final = Markup()
#: For services that pass text on to others, whose syntax nobody knows.
RELAYED: Final = Markup(block=defused, code=defused, escape=defused)


def layout(delivery: Delivery, markup: Markup, limit: int) -> str:
    """
    Write *delivery* in at most *limit* characters, counted as UTF-16 units.

    No service counts a text longer than that, and most count it shorter. A *limit* of
    1,000 has room for all parts, whatever they hold.
    """
    alert, repeats, trace = delivery.alert, delivery.repeats, trace_id(delivery)
    head = [_head(delivery, markup)]
    foot = [markup.labelled("Trace", markup.code(trace))] if trace else []
    told = [markup.escape(describe_repeats(repeats))] if repeats.count else []
    room = limit - _length([*head, *foot, *told])
    links = [markup.labelled(name, markup.link(url)) for name, url in web_links(delivery)]
    foot += _first_that_fit(links, room - limit // 4)
    foot += told
    room = limit - _length([*head, *foot])
    body = [fitting(clean(alert.message), room * 2 // 3, markup.block)]
    if isinstance(alert.root_cause, str) and alert.root_cause:
        begin = markup.labelled("Root cause", "")
        rest = min(room - _length(body), limit // 3) - units(begin)
        body.append(begin + fitting(one_line(alert.root_cause), rest, markup.code))
    body += _first_that_fit(_fields(delivery, markup), room - _length(body))
    return "\n".join([*head, *body, *foot])


def plain(delivery: Delivery) -> str:
    """Write *delivery* where there is no markup and much room."""
    return layout(delivery, PLAIN, _PLAIN_LIMIT)


def title(delivery: Delivery, limit: int, markup: Markup = RELAYED) -> str:
    """Write *delivery* on one line of at most *limit* UTF-16 units."""
    state = "RESOLVED" if delivery.kind is Kind.RECOVERY else delivery.alert.severity.upper()
    message = one_line(delivery.alert.message[:limit])
    return fitting(f"{state} {label(delivery.service)}: {message}", limit, markup.escape)


def web_links(delivery: Delivery) -> list[tuple[str, str]]:
    """Return label and URL of the first links that are web addresses and not absurdly long."""
    usable = [(name, url) for name, url in delivery.alert.links.items() if _URL.fullmatch(url)]
    # Some chats see mentions in addresses too.
    return [(label(name), url.replace("@", "%40")) for name, url in usable[:_MAX_LINKS]]


def trace_id(delivery: Delivery) -> str:
    """Return the trace id on one line, short enough for any service; empty if there is none."""
    return one_line(delivery.alert.trace_id or "")[:_MAX_ID]


def units(text: str) -> int:
    """Count UTF-16 units, which are never fewer than code points."""
    return len(text) + sum(character > "\uffff" for character in text)


def fitting(text: str, room: int, write: Callable[[str], str] = str) -> str:
    """Write as much of *text* as fits *room* once it is written; the rest is an ellipsis."""
    written = write(text)
    kept = text
    while units(written) > room and kept:
        excess = units(written) - room
        # Writing may double every character, so a quarter of the excess never cuts too much.
        kept = kept[: max(0, min(room, len(kept) - max(1, excess // 4)))]
        written = write(kept + "…")
    return written


def clean(text: str) -> str:
    """Replace characters that could disturb the display of what stands around them."""
    return _UNFIT.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Put *text* on one line."""
    return " ".join(clean(text).split())


def label(text: str) -> str:
    """Put the name of a service, a link or a field on one line, and cut it short."""
    return one_line(text)[:_MAX_LABEL]


def describe_repeats(repeats: Repeats) -> str:
    """
    Say how much was not told.

    >>> describe_repeats(Repeats(3, 1_700_000_000_000_000_000, 1_700_000_240_000_000_000))
    '+3 more from 22:13:20 to 22:17:20 UTC'
    """
    first, last = (isoformat(ns)[:19].replace("T", " ") for ns in (repeats.first_ns, repeats.last_ns))
    if first[:10] == last[:10]:
        first, last = first[11:], last[11:]
    when = f"at {first}" if first == last else f"from {first} to {last}"
    return f"+{repeats.count} more {when} UTC"


def _head(delivery: Delivery, markup: Markup) -> str:
    severity = delivery.alert.severity
    service = markup.escape(label(delivery.service))
    if delivery.kind is Kind.RECOVERY:
        return f"✅ {markup.strong('RESOLVED')} {service}"
    return f"{_ICONS[severity]} {markup.strong(severity.upper())} {service}"


def _fields(delivery: Delivery, markup: Markup) -> list[str]:
    def shown(value: object) -> str:
        """Write a value as people read it."""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return [
        markup.labelled(label(name), markup.code(one_line(shown(value))[:_MAX_FIELD]))
        for name, value in delivery.alert.fields.items()
    ]


def _length(lines: list[str]) -> int:
    """Count the units of *lines*, each with its line break."""
    return sum(units(line) + 1 for line in lines)


def _first_that_fit(lines: list[str], room: int) -> list[str]:
    """Return the lines that fit *room* together, each with its line break; a longer one is passed over."""
    kept: list[str] = []
    for line in lines:
        if _length([*kept, line]) <= room:
            kept.append(line)
    return kept
