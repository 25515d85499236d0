"""The rules of sinks of alerts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from ..alerts import Alert, AlertSink, Delivery, Kind
from ..alerts.delivery import delivery_token
from ..alerts.model import secured
from ..alerts.window import Repeats
from ..errors import SinkError
from ..gate import Gate
from ..redaction import Redactor
from .rules import closes_twice, complain, complaints, in_threads, starts_nothing

MakeAlertSink: TypeAlias = Callable[[], AlertSink]

_START_NS: Final = 1_700_000_000_000_000_000
_GATE: Final = Gate(Redactor())
_PLAIN: Final = Alert(
    severity="error", message="obskit checks this sink", links={"Docs": "https://example.com/"}
)
#: What the services that people use would obey, and more of it than any of them takes.
_MARKUP: Final = (
    "@everyone <!channel> <@1> [x](https://evil.example) ``` *_~ </pre> \ud800 \u202e \x1b[2J \r\n"
)
_HOSTILE: Final = (
    Alert(severity="critical", message=""),
    Alert(severity="warning", message=_MARKUP, root_cause=_MARKUP, trace_id=_MARKUP, fingerprint=_MARKUP),
    Alert(severity="error", message=_MARKUP * 200, root_cause="\U0001f600" * 9_000),
    Alert(severity="error", message="fields", fields={f"{n} {_MARKUP}": {"x": [_MARKUP]} for n in range(40)}),
    Alert(
        severity="error",
        message="links",
        links={_MARKUP: "javascript:x", "": "https://e.example/" + "x" * 9_000},
    ),
)


def check_alert_sink(
    make_sink: MakeAlertSink, *, secrets: Iterable[str] = (), make_broken: MakeAlertSink | None = None
) -> None:
    """
    Check that the sinks which *make_sink* builds keep the rules of `obskit.alerts.AlertSink`.

    Args:
        make_sink: Builds a working sink, whose service takes everything; called once
            for each rule.
        secrets: Tokens, or parts of them, that the sinks are built with.
        make_broken: Builds a sink whose service fails. Without it nobody can tell how
            the sinks fail.

    Raises:
        AssertionError: If a rule is broken; names each, what it is for, and what happened.
    """
    setting = Setting(make_sink, tuple(secrets), make_broken)
    complain("sink", "obskit.alerts.AlertSink", complaints(RULES, setting))


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rules are tried with."""

    make: MakeAlertSink
    secrets: tuple[str, ...]
    make_broken: MakeAlertSink | None


def _delivery(alert: Alert, kind: Kind = Kind.FIRING) -> Delivery:
    return Delivery(
        alert=secured(alert, _GATE),
        key="c0ffee" * 10,
        service="obskit",
        time_ns=_START_NS,
        token=delivery_token("check", ascii(alert.message), kind),
        kind=kind,
        repeats=Repeats(3, _START_NS - 90_000_000_000, _START_NS - 1_000_000_000),
    )


# --- the rules ---


def _starts_nothing(setting: Setting) -> str | None:
    return starts_nothing(setting.make)


def _takes_every_kind(setting: Setting) -> str | None:
    sink = setting.make()
    for kind in Kind:
        sink.emit(_delivery(_PLAIN, kind))
    sink.close()
    return None


def _takes_everything(setting: Setting) -> str | None:
    sink = setting.make()
    refused = []
    for alert in _HOSTILE:
        try:
            sink.emit(_delivery(alert))
        except SinkError as error:
            refused.append(f"{alert.message[:20]!r}: {error}")
    sink.close()
    return "; ".join(refused) or None


def _serves_another_thread(setting: Setting) -> str | None:
    sink = setting.make()
    fault = in_threads(1, lambda _: sink.emit(_delivery(_PLAIN)))
    sink.close()
    return fault


def _can_send_again(setting: Setting) -> str | None:
    sink, message = setting.make(), _delivery(_PLAIN)
    sink.emit(message)
    sink.emit(replace(message))
    sink.close()
    return None


def _can_be_closed_twice(setting: Setting) -> None:
    closes_twice(setting.make)


def _raises_sink_error_when_late(setting: Setting) -> str | None:
    sink = setting.make()
    sink.close()
    with suppress(SinkError):
        sink.emit(_delivery(_PLAIN))
    return None


def _previews_what_it_sends(setting: Setting) -> str | None:
    sink = setting.make()
    write = getattr(sink, "preview", None)
    shown = write(_delivery(_PLAIN)) if callable(write) else _PLAIN.message
    sink.close()
    if not isinstance(shown, str):
        return f"preview returned {type(shown).__name__}"
    leaked = sum(secret in shown for secret in setting.secrets)
    if leaked:
        return "preview shows a secret of the sink"
    return None if _PLAIN.message in shown else "preview does not show the message"


def _fails_as_a_sink(setting: Setting) -> str | None:
    if setting.make_broken is None:
        return None
    sink = setting.make_broken()
    try:
        sink.emit(_delivery(_PLAIN))
    except SinkError:
        return None
    finally:
        sink.close()
    return "emit returned as if the message had arrived"


def _keeps_secrets(setting: Setting) -> str | None:
    with _everything_logged() as lines:
        shown = [text for make in (setting.make, setting.make_broken) if make for text in _shown(make())]
    places = {"repr or an error": shown, "a log line": lines}
    leaks = [
        place for place, texts in places.items() if any(s in text for s in setting.secrets for text in texts)
    ]
    return f"a secret is in {' and in '.join(leaks)}" if leaks else None


def _shown(sink: AlertSink) -> list[str]:
    """Return what people see of *sink*, and of its errors."""
    shown = [repr(sink), str(sink)]
    try:
        sink.emit(_delivery(_PLAIN))
    except Exception as error:
        shown += [repr(error), "" if error.__suppress_context__ else repr(error.__context__)]
    sink.close()
    return shown


@contextmanager
def _everything_logged() -> Iterator[list[str]]:
    """Collect what any library logs, down to the last detail."""
    lines: list[str] = []

    class Collect(logging.Handler):
        """Keeps what it is given."""

        def emit(self, record: logging.LogRecord) -> None:
            """Keep the text."""
            lines.append(record.getMessage())

    root, handler = logging.getLogger(), Collect()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


#: What obskit relies on, and why: each function says what is wrong, or raises it.
RULES: Final[dict[Callable[[Setting], str | None], str]] = {
    _starts_nothing: "Building a sink starts no thread: imports and forks stay harmless.",
    _takes_every_kind: "emit takes failures, recoveries and summaries, with repeats: all of them are sent.",
    _takes_everything: "emit cuts and escapes: empty, huge and hostile texts arrive, as failures have them.",
    _serves_another_thread: "emit works in another thread than built the sink: each sink has one of its own.",
    _can_send_again: "The same message can be sent again: nobody knows what became of it after a timeout.",
    _can_be_closed_twice: "close is idempotent: a program may close twice, for instance at exit.",
    _raises_sink_error_when_late: "After close, emit delivers or raises SinkError: alerts may be late.",
    _fails_as_a_sink: "A message that did not arrive is a SinkError: only then is it sent again.",
    _previews_what_it_sends: "preview(delivery), where there is one, shows the message and no secret.",
    _keeps_secrets: "Tokens show in no repr, error or log line: whoever has them can post.",
}
