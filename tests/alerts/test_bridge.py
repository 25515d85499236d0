"""Apprise reaches other services, without their tokens in a log and without telling one of them twice."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from obskit.alerts import Delivery, Kind
from obskit.alerts.sinks import Apprise
from obskit.alerts.sinks import bridge as bridge_module
from obskit.alerts.sinks._layout import units
from obskit.errors import ConfigError, MissingExtra, SinkError
from obskit.redaction import Redactor
from tests.alerts.messages import TRACE_ID, alert, delivery, hostile_deliveries
from tests.servers import Script, reset, scripted_server

apprise = pytest.importorskip("apprise")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

TOKEN = "fake0" * 6


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted service."""
    with scripted_server() as script:
        script.answers[0] = (200, {}, b"{}")
        yield script


def url(server: Script, path: str = TOKEN) -> str:
    """The scripted service as Apprise calls it."""
    return f"{server.url.replace('http:', 'json:')}/{path}"


def test_a_service_gets_title_text_and_type(server: Script) -> None:
    """What Apprise passes on is plain, and nobody is mentioned."""
    sink = Apprise(url(server))
    sink.emit(delivery(alert("hello @everyone", "warning", trace_id=TRACE_ID)))
    sink.emit(delivery(kind=Kind.RECOVERY))
    sink.close()
    first, second = (request.json() for request in server.requests)
    assert first["title"] == "WARNING orders: hello @\u200beveryone"
    assert first["message"] == f"🟡 WARNING orders\nhello @\u200beveryone\nTrace: {TRACE_ID}"
    assert (first["type"], second["type"]) == ("warning", "success")


def test_only_the_services_that_missed_it_are_told_again(server: Script) -> None:
    """One service that fails does not make the others tell twice."""
    with scripted_server() as broken:
        broken.answers[0] = 500
        sink, message = Apprise([url(server), url(broken)]), delivery()
        with pytest.raises(SinkError, match="Apprise did not reach 1 of 2 services"):
            sink.emit(message)
        broken.answers[0] = 200
        sink.emit(message)
        assert (len(server.requests), len(broken.requests)) == (1, 2)
        sink.emit(message)
        assert (len(server.requests), len(broken.requests)) == (2, 3)


def test_what_some_services_have_is_remembered_in_bounds(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that never works again costs no memory."""
    monkeypatch.setattr(bridge_module, "_MAX_PARTIAL", 0)
    server.answers[0] = 500
    sink = Apprise(url(server))
    with pytest.raises(SinkError):
        sink.emit(delivery())
    assert not sink._missing


def test_a_plug_in_that_raises_has_failed(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it raises, the message is tried again."""
    sink = Apprise(url(server))
    monkeypatch.setattr(sink._services[0], "notify", lambda **_: 1 / 0)
    with pytest.raises(SinkError, match="did not reach 1 of 1"):
        sink.emit(delivery())


def test_tokens_are_in_no_log(server: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Neither Apprise nor the HTTP library below it tells URLs; other threads' lines stay."""
    with caplog.at_level(logging.DEBUG):
        sink = Apprise(url(server))
        sink.emit(delivery())
        server.answers[0] = reset
        with pytest.raises(SinkError) as caught:
            sink.emit(delivery())
        logging.getLogger("apprise").warning("somebody else's")
    assert TOKEN not in caplog.text + repr(sink) + repr(caught.value)
    assert "somebody else's" in caplog.text
    assert TOKEN not in Redactor().text(f"what about {TOKEN} here")


@given(hostile_deliveries)
@settings(max_examples=30)
def test_every_text_is_within_the_limits_of_its_service(message: Delivery) -> None:
    """From a long page down to a text message."""
    sink = Apprise(
        ["json://localhost/", "d7sms://" + "a" * 8 + "@15551231234", "discord://1234567890/" + "a" * 30]
    )
    for service in sink._services:
        title, text = bridge_module._texts(service, message)
        assert 0 < units(text) <= service.body_maxlen
        assert len(title) <= max(service.title_maxlen, 0)
        assert "@everyone" not in title + text


def test_a_text_message_says_what_happened_and_where_to_look() -> None:
    """Of a long failure, the beginning and the whole trace id fit 160 characters."""
    sink = Apprise("d7sms://" + "a" * 8 + "@15551231234")
    text = sink.preview(delivery(alert("long " * 900, trace_id=TRACE_ID)))
    assert text.startswith("ERROR orders: long long ")
    assert text.endswith(f"… {TRACE_ID}")
    assert len(text) <= 160


def test_a_preview_shows_each_service_s_text(server: Script) -> None:
    """Nothing is sent."""
    text = Apprise([url(server), url(server)]).preview(delivery())
    assert (
        text.split("\n\n") == ["ERROR orders: GitHub answered 502\n⚠️ ERROR orders\nGitHub answered 502"] * 2
    )
    assert not server.requests


@pytest.mark.parametrize("urls", [[], ["nonsense://" + TOKEN], "", [None], [TOKEN], None])
def test_urls_must_be_known_to_apprise(urls: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The error says which one, and shows none."""
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError, match=r"^urls must be") as caught:
        Apprise(urls)
    assert TOKEN not in str(caught.value) + caplog.text


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    load = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "apprise":
            raise ImportError(name)
        return load(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r'pip install "obskeeper\[apprise\]"'):
        Apprise("json://localhost/")
