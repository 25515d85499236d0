"""Alerts and deliveries to try things with."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from obskit.alerts import Alert, Delivery, Kind
from obskit.alerts.delivery import delivery_token
from obskit.alerts.model import secured
from obskit.alerts.window import NO_REPEATS, Repeats
from obskit.gate import Gate
from obskit.redaction import Redactor
from tests.strategies import any_text, any_value

GATE = Gate(Redactor())
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
START_NS = 1_700_000_000_000_000_000
RUN = "https://github.com/o/r/actions/runs/77"


def alert(message: str = "GitHub answered 502", severity: str = "error", **rest: Any) -> Alert:
    """An alert that says *message*."""
    return Alert(severity=severity, message=message, **rest)


def delivery(
    what: Alert | None = None, *, repeats: Repeats = NO_REPEATS, kind: Kind = Kind.FIRING
) -> Delivery:
    """A message about *what*."""
    return Delivery(
        alert=secured(what or alert(), GATE),
        key="ab" * 32,
        service="orders",
        time_ns=START_NS,
        token=delivery_token("test"),
        kind=kind,
        repeats=repeats,
    )


#: More than any service takes, with what must survive: the trace id, a link and the count.
HUGE = alert(
    "long @ " * 2000,
    root_cause="why < " * 2000,
    trace_id=TRACE_ID,
    links={"Run": RUN + "/" + "x" * 300},
    fields={"\U0001f600" * 50 + str(number): "f" * 500 for number in range(20)},
)

#: Texts that mean something to a chat service.
NASTY = [
    "@everyone",
    "@here",
    "<@123456789012345678>",
    "<@&123456789012345678>",
    "<!channel>",
    "<#1>",
    "```",
    "`",
    "[x](https://evil.example)",
    "||spoiler||",
    "# big",
    "> quote",
    "&<>",
    "\u202e",
    "\x1b[31m",
    "\ud800",
    "😀",
    "\u200b",
    "*_~",
    "\r\n",
    "",
]
nasty_text = st.lists(st.sampled_from(NASTY) | any_text, max_size=12).map(" ".join)
long_text = st.builds(lambda text, times: text * times, nasty_text, st.integers(0, 400))

hostile_alerts = st.builds(
    Alert,
    severity=st.sampled_from(["critical", "error", "warning"]) | any_text,
    message=nasty_text | long_text | any_value,
    root_cause=st.none() | nasty_text | long_text | st.builds(ValueError, nasty_text) | any_value,
    trace_id=st.none() | st.just(TRACE_ID) | nasty_text | any_value,
    links=st.none()
    | st.dictionaries(nasty_text, nasty_text | st.just(RUN) | any_value, max_size=4)
    | any_value,
    fields=st.none() | st.dictionaries(nasty_text, any_value, max_size=4),
    fingerprint=st.none() | nasty_text,
)
hostile_deliveries = st.builds(
    delivery,
    hostile_alerts,
    repeats=st.just(NO_REPEATS)
    | st.builds(Repeats, st.integers(1, 10**9), st.just(START_NS), st.just(START_NS + 90 * 10**9)),
    kind=st.sampled_from(Kind),
)
