"""The rules of sinks of alerts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Final, TypeAlias

from ..alerts import Alert, AlertSink, Delivery, Kind
from ..alerts.delivery import delivery_token
from ..alerts.model import secured
from ..alerts.window import Repeats
from ..errors import SinkError
from ..gate import Gate
from ..redaction import Redactor
from .rules import Rules, check, expect, in_threads

Make: TypeAlias = Callable[[], AlertSink]

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
    make_sink: Make, *, secrets: Iterable[str] = (), make_broken: Make | None = None
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
    check("sink", "obskit.alerts.AlertSink", AlertSinkRules(make_sink, secrets, make_broken))


def _delivery(alert: Alert = _PLAIN, kind: Kind = Kind.FIRING) -> Delivery:
    return Delivery(
        alert=secured(alert, _GATE),
        key="c0ffee" * 10,
        service="obskit",
        time_ns=_START_NS,
        token=delivery_token("check", ascii(alert.message), kind),
        kind=kind,
        repeats=Repeats(3, _START_NS - 90_000_000_000, _START_NS - 1_000_000_000),
    )


class AlertSinkRules(Rules[AlertSink]):
    """What `obskit.alerts.AlertSink` asks for."""

    def __init__(self, make: Make, secrets: Iterable[str], make_broken: Make | None) -> None:
        super().__init__(make)
        self.secrets: Final = tuple(secrets)
        self.make_broken: Final = make_broken

    def takes_every_kind(self) -> None:
        """`emit` takes failures, recoveries and summaries, and each again: after a timeout it is resent."""
        with closing(self.make()) as sink:
            for kind in (*Kind, *Kind):
                sink.emit(_delivery(kind=kind))

    def takes_everything(self) -> None:
        """`emit` cuts and escapes: empty, huge and hostile texts arrive, as failures have them."""
        with closing(self.make()) as sink:
            for alert in _HOSTILE:
                sink.emit(_delivery(alert))

    def serves_another_thread(self) -> None:
        """`emit` works in another thread than built the sink: each sink has one of its own."""
        with closing(self.make()) as sink:
            in_threads(1, lambda _: sink.emit(_delivery()))

    def takes_late_messages(self) -> None:
        """After close, emit delivers or raises SinkError: alerts may be late."""
        sink = self.make()
        sink.close()
        with suppress(SinkError):
            sink.emit(_delivery())

    def fails_as_a_sink(self) -> None:
        """A message that did not arrive is a SinkError: only then is it sent again."""
        if self.make_broken is not None:
            with closing(self.make_broken()) as sink:
                try:
                    sink.emit(_delivery())
                except SinkError:
                    return
            raise AssertionError("emit returned as if the message had arrived")

    def previews_what_it_sends(self) -> None:
        """`preview(delivery)`, where there is one, shows the message and no secret."""
        with closing(self.make()) as sink:
            preview = getattr(sink, "preview", None)
            shown = _PLAIN.message if preview is None else preview(_delivery())
        expect("type of the preview", str, type(shown))
        if any(secret in shown for secret in self.secrets):
            raise AssertionError("preview shows a secret of the sink")
        if _PLAIN.message not in shown:
            raise AssertionError("preview does not show the message")

    def keeps_secrets(self) -> None:
        """Tokens show in no repr, error or log line: whoever has them can post."""
        from unittest import TestCase

        with TestCase().assertLogs(level="DEBUG") as logged:
            logging.debug("obskit checks a sink")  # there has to be one line
            sinks = [make() for make in (self.make, self.make_broken) if make is not None]
            shown = [text for sink in sinks for text in _shown(sink)]
        for place, texts in (("repr or an error", shown), ("a log line", logged.output)):
            if any(secret in text for secret in self.secrets for text in texts):
                raise AssertionError(f"a secret is in {place}")


def _shown(sink: AlertSink) -> list[str]:
    """Return what people see of *sink*, and of its errors."""
    shown = [repr(sink), str(sink)]
    with closing(sink):
        try:
            sink.emit(_delivery())
        except Exception as error:
            shown += [repr(error), "" if error.__suppress_context__ else repr(error.__context__)]
    return shown
