"""One line of configuration chooses sinks; a wrong one says which URL, and quotes none."""

from __future__ import annotations

import base64
import contextlib
import importlib.metadata
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.alerts.sinks import (
    Alertmanager,
    Apprise,
    Callback,
    Console,
    DiscordChannel,
    DiscordWebhook,
    Email,
    PagerDuty,
    SlackWebhook,
    TelegramChat,
    Webhook,
)
from obskit.alerts.sinks._urls import GROUP, sink_from, sinks_from
from obskit.errors import ConfigError
from tests.alerts.messages import delivery

# Apprise itself imports what Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TOKEN = "fake" * 6
SECRET = "whsec_" + base64.b64encode(b"fake/+" * 5).decode()
HOOK = f"/api/webhooks/123/{TOKEN}"


@pytest.mark.parametrize(
    ("url", "kind", "shown"),
    [
        (f"https://discord.com{HOOK}", DiscordWebhook, "https://discord.com/***"),
        (f"https://canary.discord.com{HOOK}", DiscordWebhook, "https://canary.discord.com/***"),
        (f"discord+http://127.0.0.1:8787{HOOK}", DiscordWebhook, "http://127.0.0.1:8787/***"),
        (f"discord://{TOKEN}@4711", DiscordChannel, "channel_id='4711'"),
        (f"https://hooks.slack.com/services/T/B/{TOKEN}", SlackWebhook, "https://hooks.slack.com/***"),
        (f"slack+https://chat.example.com/hooks/{TOKEN}", SlackWebhook, "https://chat.example.com/***"),
        (f"telegram://123:{TOKEN}@-1007", TelegramChat, "chat_id='-1007'"),
        (f"Telegram://123:{TOKEN}@@channel", TelegramChat, "chat_id='@channel'"),
        (f"pagerduty://{TOKEN}", PagerDuty, "https://events.pagerduty.com/***"),
        (f"pagerduty://{TOKEN}@events.eu.pagerduty.com", PagerDuty, "https://events.eu.pagerduty.com/***"),
        ("alertmanager+http://localhost:9093", Alertmanager, "http://localhost:9093/***"),
        (f"webhook+https://example.com/{TOKEN}", Webhook, "https://example.com/***"),
        (f"webhook+https://{quote(SECRET, safe='')}@example.com/", Webhook, "https://example.com/***"),
        (
            "smtp://bot:p%40ssword@mail.example.com:465?from=a@b.example&to=c@d.example&to=e@f.example",
            Email,
            "mail.example.com:465",
        ),
        ("smtp://localhost?from=a@b.example&to=c@d.example&tls=false", Email, "localhost:587"),
        ("apprise+json://localhost/", Apprise, "1 services"),
        ("console:", Console, ""),
    ],
)
def test_a_url_chooses_a_sink(url: str, kind: type[object], shown: str) -> None:
    """Services' own URLs are taken as they are; the rest is said with a scheme."""
    (sink,) = sinks_from(f"  {url} ", setting="ALERTS")
    assert type(sink) is kind
    assert shown in repr(sink)
    assert TOKEN not in repr(sink)


def test_a_secret_and_a_password_are_decoded() -> None:
    """What base64 and passwords hold is percent-encoded in a URL."""
    hook = sink_from(f"webhook+https://{quote(SECRET, safe='')}@example.com/")
    assert isinstance(hook, Webhook)
    assert hook.headers(delivery(), b"")["webhook-signature"].startswith("v1,")
    mail = sink_from("smtp://b%20t:p%40ssword@mail.example.com?from=a@b.example&to=c@d.example")
    assert isinstance(mail, Email)
    assert mail._login == ("b t", "p@ssword")


def test_several_urls_are_several_sinks() -> None:
    """Spaces and line breaks stand between them; nothing is no sink."""
    text = f"console:\n pagerduty://{TOKEN}  console:"
    assert [type(sink) for sink in sinks_from(text, setting="ALERTS")] == [Console, PagerDuty, Console]
    assert sinks_from(" ", setting="ALERTS") == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (TOKEN, "it must begin with a scheme"),
        (f"https://example.com/{TOKEN}", "it must say what answers there, as one of alertmanager"),
        (f"https://[bad/{TOKEN}", "it must say what answers there"),
        (f"http://discord.com{HOOK}", "url must be an https:// URL"),
        (f"discord://{TOKEN}", "it must have the form discord://TOKEN@CHANNEL"),
        (f"telegram://{TOKEN}@{TOKEN}", "token must be the bot's token"),
        (f"telegram://123:{TOKEN}@?{TOKEN}", "chat_id must be a number or @name, got text of 25 characters"),
        ("pagerduty://", "routing_key must be"),
        (f"webhook+https://{TOKEN}@example.com/", "secret must be"),
        (f"smtp://bot:{TOKEN}@[bad", "it must have the form smtp:"),
        (f"smtp://bot:{TOKEN}@mail.example.com", "sender must be a mail address"),
        (f"apprise+nonsense://{TOKEN}", "urls must be URLs that Apprise takes"),
        (f"carrier-pigeon://{TOKEN}", r"it must begin with one of alertmanager\+, .* got carrier-pigeon"),
        (f"carrier+https://{TOKEN}", "got carrier$"),
    ],
)
def test_a_wrong_url_is_named_by_its_number(url: str, said: str) -> None:
    """The error says where the setting is, what is wrong and what to do, and quotes no token."""
    with pytest.raises(ConfigError, match=rf"^ALERTS, URL 2: .*{said}") as caught:
        sinks_from(f"console: {url}", setting="ALERTS")
    assert TOKEN not in str(caught.value)
    assert caught.value.__suppress_context__


@given(
    st.text(max_size=60) | st.from_regex(r"(discord|smtp|webhook\+https|https|pagerduty|telegram)://.{0,40}")
)
def test_whatever_stands_there_is_a_sink_or_an_error(text: str) -> None:
    """Nothing but a ConfigError comes out of configuration."""
    with contextlib.suppress(ConfigError):
        sinks_from(text, setting="ALERTS")


def broken(url: str) -> Any:
    """Fail with the URL in the text."""
    raise RuntimeError(url)


def refusing(url: str) -> Any:
    """Refuse the setting."""
    raise ConfigError("loft must be a place for pigeons")


def test_an_installed_sink_is_found_by_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other packages bring sinks as entry points."""
    got: list[str] = []

    def pigeon(url: str) -> Callback:
        got.append(url)
        return Callback(print)

    class Found:
        def __init__(self, made: Any) -> None:
            self.load = lambda: made

    installed = {"pigeon": pigeon, "broken": broken, "refusing": refusing}

    def entry_points(*, group: str, name: str) -> list[Found]:
        assert group == GROUP == "obskit.alert_sinks"
        return [Found(installed[name])]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert isinstance(sink_from("pigeon://loft"), Callback)
    assert got == ["pigeon://loft"]
    with pytest.raises(ConfigError, match=r"^the package that serves broken: failed with RuntimeError$"):
        sink_from(f"broken://{TOKEN}")
    with pytest.raises(ConfigError, match=r"^loft must be a place for pigeons$"):
        sink_from("refusing:")
