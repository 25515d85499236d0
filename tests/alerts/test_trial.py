"""A sink can be tried before the first failure: what it would send is shown, and a test alert is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from obskit import register_secret, unregister_secret
from obskit.alerts import Alerter, AlertSink, Delivery, Kind, sinks
from obskit.alerts.sinks import (
    Alertmanager,
    Callback,
    Console,
    DiscordChannel,
    DiscordWebhook,
    Memory,
    PagerDuty,
    SlackWebhook,
    TelegramChat,
    Webhook,
    preview,
    send_test,
)
from obskit.alerts.sinks._http import HttpSink, encoded
from obskit.errors import SinkError, SinkRejected
from obskit.testing import check_alert_sink
from tests.alerts.messages import RUN, alert, delivery
from tests.servers import Script, scripted_server

TOKEN = "fake0" * 8
BOT = "123:" + TOKEN

HTTP: list[Callable[[str], HttpSink]] = [
    lambda url: DiscordChannel(BOT, "4711", base_url=url),
    lambda url: DiscordWebhook(f"{url}/api/webhooks/1/{TOKEN}"),
    lambda url: SlackWebhook(f"{url}/services/T/B/{TOKEN}"),
    lambda url: TelegramChat(BOT, 1, base_url=url),
    lambda url: PagerDuty(TOKEN, base_url=url),
    lambda url: Alertmanager(f"{url}/{TOKEN}"),
    lambda url: Webhook(f"{url}/{TOKEN}"),
]
every_http_sink = pytest.mark.parametrize(
    "make", HTTP, ids=["channel", "discord", "slack", "telegram", "pagerduty", "alertmanager", "webhook"]
)


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted service that takes everything."""
    with scripted_server() as script:
        script.answers[0] = (200, {}, b"ok")
        yield script


@every_http_sink
def test_a_preview_is_what_is_sent(make: Any, server: Script) -> None:
    """Headers and body are those of the request; only the sink's own secrets are hidden."""
    sink, message = make(server.url), delivery(alert("ü 😀 @everyone", links={"Run": RUN}))
    head, _, body = sink.preview(message).partition("\n\n")
    assert not server.requests
    sink.emit(message)
    (request,) = server.requests
    sent = request.body.decode()
    if not isinstance(sink, Alertmanager):  # it says when the alert ends
        assert body == sent.replace(TOKEN, "***")
    lines = head.split("\n")
    assert lines[0] == f"POST {server.url}/***"
    names = {line.partition(":")[0].lower() for line in lines[1:]}
    assert names == request.headers.keys() - {"host", "accept-encoding", "content-length"}
    assert TOKEN not in head + body


def test_a_preview_goes_through_the_gate(server: Script) -> None:
    """Secrets of the application are hidden as they would be."""
    register_secret("hunter" + "2222")
    text = preview(HTTP[2](server.url), alert("the password is hunter" + "2222"))
    unregister_secret("hunter" + "2222")
    assert "hunter" not in text
    assert "***" in text.partition("\n\n")[2]
    assert not server.requests


def test_a_sink_without_a_form_of_its_own_shows_the_plain_text() -> None:
    """Any sink can be looked at; without an alert it is the test alert."""
    text = preview(Callback(print))
    assert text.startswith("🟡 WARNING orders\nThis is a test: alerts arrive here.\n")
    assert preview(Console(), alert()) == "⚠️ ERROR orders\nGitHub answered 502"


def test_a_test_alert_is_sent_and_taken_back() -> None:
    """Nothing stays open."""
    sink = Memory()
    send_test(sink)
    assert [message.kind for message in sink.deliveries] == [Kind.FIRING, Kind.RECOVERY]
    assert len({message.key for message in sink.deliveries}) == 1
    assert len({message.token for message in sink.deliveries}) == 2


@every_http_sink
def test_a_test_alert_that_is_refused_says_why(make: Any, server: Script) -> None:
    """Whoever sets a sink up sees what the service thinks of it."""
    server.answers[0] = (410, {}, b"")
    with pytest.raises(SinkRejected, match="answered 410"):
        send_test(make(server.url))


@every_http_sink
def test_an_answer_that_quotes_the_token_shows_it_to_nobody(make: Any, server: Script) -> None:
    """What a service says of an error is shown but for the sink's own secrets."""
    server.answers[0] = (400, {}, f"wrong token: {BOT}".encode())
    with pytest.raises(SinkRejected) as caught:
        send_test(make(server.url))
    assert TOKEN not in str(caught.value)


@every_http_sink
def test_an_interim_answer_is_not_the_last_word(make: Any, server: Script) -> None:
    """Something in between may say 103; what became of the message is not known."""
    server.answers.appendleft((103, {}, b""))
    with pytest.raises(SinkError) as caught:
        send_test(make(server.url))
    assert not isinstance(caught.value, SinkRejected)


@every_http_sink
def test_a_sink_that_was_revoked_is_left_alone_and_told_once(
    make: Any, server: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service is asked once; people read once why alerts do not arrive, and none is uncounted."""
    server.answers[0] = 410
    sink = make(server.url)
    alerter = Alerter([sink])
    for number in range(3):
        assert alerter.send(alert(f"failure {'abc'[number]}")).wait(10) == "failed"
    alerter.close()
    assert len(server.requests) == 1
    told = capsys.readouterr().err
    assert told.count("answered 410") == 1
    assert TOKEN not in told
    assert (alerter.stats()["sent"], alerter.stats()["failed"]) == (3, 3)


def test_the_package_tells_what_it_has() -> None:
    """Sinks are loaded when somebody asks for them, and are all there."""
    assert dir(sinks) == sinks.__all__
    assert all(hasattr(sinks, name) for name in sinks.__all__)


# --- the rules of alert sinks ---


@every_http_sink
def test_sinks_over_http_keep_the_rules(make: Any, server: Script) -> None:
    """Each of ours passes what is asked of others."""
    with scripted_server() as broken:
        broken.answers[0] = 500
        check_alert_sink(lambda: make(server.url), secrets=[TOKEN], make_broken=lambda: make(broken.url))


def test_local_sinks_keep_the_rules(tmp_path: Path) -> None:
    """Each of ours passes what is asked of others."""
    check_alert_sink(Memory)
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        check_alert_sink(lambda: Console(stream))
    check_alert_sink(lambda: Callback(lambda message: encoded({"text": message.alert.message})))


class Careless:
    """Breaks what can be broken."""

    def __init__(self) -> None:
        self.closed = 0
        self._log = logging.getLogger("careless")
        threading.Thread(target=threading.Event().wait, args=(0.5,), daemon=True).start()
        self._thread: int | None = None

    def emit(self, message: Delivery, /) -> None:
        """Deliver, with everything that goes wrong elsewhere."""
        self._log.debug("posting to %s", TOKEN)
        self._thread = self._thread or threading.get_ident()
        if message.kind is Kind.SUMMARY:
            raise KeyError("kind")
        if len(message.alert.message) > 1_000:
            raise SinkRejected("too long")
        if self.closed:
            raise ValueError("closed")

    def preview(self, message: Delivery, /) -> str:
        """Show everything."""
        return message.alert.message + TOKEN

    def close(self) -> None:
        """Close once."""
        self.closed += 1
        if self.closed > 1:
            raise RuntimeError("closed already")


class Forgetful(Careless):
    """Cannot send again, works in one thread only, and previews something else."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._seen: set[str] = set()

    def emit(self, message: Delivery, /) -> None:
        """Refuse what is known, and other threads."""
        if threading.get_ident() != self._thread:
            raise RuntimeError("wrong thread")
        if message.token in self._seen:
            raise KeyError(message.token)
        self._seen.add(message.token)

    def preview(self, message: Delivery, /) -> Any:
        """Show nothing of use."""
        return "an alert"

    def close(self) -> None:
        """Do nothing."""


class Raising(Forgetful):
    """Shows its token in an error, and previews no text."""

    def emit(self, message: Delivery, /) -> None:
        """Fail in its own words."""
        raise RuntimeError(TOKEN)

    def preview(self, message: Delivery, /) -> Any:
        """Show no text."""
        return None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            Careless,
            [
                "starts no thread",
                "1 threads",
                "`emit` takes failures",
                "KeyError: 'kind'",
                "cuts and escapes",
                "too long",
                "`close` is idempotent",
                "closed already",
                "After close",
                "ValueError: closed",
                "preview shows a secret",
                "a secret is in a log line",
                "as if the message had arrived",
            ],
        ),
        (
            Forgetful,
            [
                "RuntimeError: wrong thread",
                "after a timeout it is resent",
                "preview does not show the message",
            ],
        ),
        (Raising, ["a secret is in repr or an error", "type of the preview: expected", "RuntimeError"]),
    ],
)
def test_a_bad_sink_is_told_which_rules_it_breaks(make: Callable[[], AlertSink], words: list[str]) -> None:
    """Each rule finds the sink that was made to break it; all faults come in one message."""
    with pytest.raises(
        AssertionError, match=r"^the sink breaks \d rules of obskit.alerts.AlertSink:"
    ) as caught:
        check_alert_sink(make, secrets=[TOKEN], make_broken=make)
    assert [word for word in words if word not in str(caught.value)] == []
