"""No secret is in what obskit says about a wrong setting: a program's set-up fails where everybody looks."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import obskit
from obskit.alerts import dedupe, sinks
from obskit.alerts.dedupe.urls import dedupe_at
from obskit.alerts.sinks._urls import sinks_from
from obskit.errors import ConfigError
from obskit.redaction import Redactor
from obskit.traces import OTLPExporter, stores
from tests.canary.plants import fresh
from tests.canary.test_canary import PIECE

MAIL: dict[str, Any] = {"sender": "bot@example.org", "recipients": ["ops@example.org"]}


def from_environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Configure obskit by variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    obskit.configure()


#: Calls with something wrong in a setting that holds a secret.
CALLS: dict[str, Callable[[str], object]] = {
    "Discord webhook, another path": lambda s: sinks.DiscordWebhook(f"https://discord.com/api/{s}"),
    "Discord webhook, user name": lambda s: sinks.DiscordWebhook(f"https://bot:{s}@discord.com/webhooks/1/x"),
    "Discord webhook, blank": lambda s: sinks.DiscordWebhook(f"https://discord.com/api/webhooks/1/{s} "),
    "Discord channel, no number": lambda s: sinks.DiscordChannel("token", s),
    "Discord channel, blank in the token": lambda s: sinks.DiscordChannel(f"{s} ", "123456789012345678"),
    "Slack webhook, http": lambda s: sinks.SlackWebhook(f"http://hooks.slack.com/services/T0/B0/{s}"),
    "Slack webhook, fragment": lambda s: sinks.SlackWebhook(f"https://hooks.slack.com/services/T0/B0/x#{s}"),
    "Telegram, no token": lambda s: sinks.TelegramChat(s, 42),
    "Telegram, no chat": lambda s: sinks.TelegramChat("123456789:" + "x" * 35, s),
    "PagerDuty, no key": lambda s: sinks.PagerDuty(f"{s}!"),
    "webhook, wrong secret": lambda s: sinks.Webhook("https://example.org/", s),
    "webhook, wrong port": lambda s: sinks.Webhook(f"https://example.org:{s}/"),
    "webhook, user name": lambda s: sinks.Webhook(f"https://ada:{s}@example.org/"),
    "Alertmanager, query without host": lambda s: sinks.Alertmanager(f"https:///?token={s}"),
    "Apprise, no service": lambda s: sinks.Apprise(f"nothing://{s}"),
    "Apprise, wrong token": lambda s: sinks.Apprise(f"tgram://{s}"),
    "mail, URL as the host": lambda s: sinks.Email(f"smtp://ada:{s}@mail.example.org", 587, **MAIL),
    "mail, user in the host": lambda s: sinks.Email(f"ada:{s}@mail.example.org", 587, **MAIL),
    "mail, password without a name": lambda s: sinks.Email("mail.example.org", 587, password=s, **MAIL),
    "mail, password in the port": lambda s: sinks.Email("mail.example.org", s, **MAIL),  # type: ignore[arg-type]
    "mail, password as an address": lambda s: sinks.Email("a.example", 25, sender=s, recipients=[]),
    "alert URLs, no scheme": partial(sinks_from, setting="S"),
    "alert URLs, unknown scheme": lambda s: sinks_from(f"teams://{s}", setting="S"),
    "alert URLs, Discord without channel": lambda s: sinks_from(f"discord://{s}", setting="S"),
    "alert URLs, unknown host": lambda s: sinks_from(f"https://ada:{s}@example.org/", setting="S"),
    "alert URLs, mail, wrong port": lambda s: sinks_from(f"smtp://a:{s}@a.example:{s}?to=a", setting="S"),
    "Redis, wrong scheme": lambda s: stores.RedisTraceStore(f"radish://:{s}@example.org"),
    "Redis, wrong port": lambda s: stores.RedisTraceStore(f"redis://:{s}@example.org:{s}/0"),
    "Redis, wrong option": lambda s: stores.RedisTraceStore(f"redis://:{s}@example.org/0?{s}=1"),
    "marks in Redis, wrong scheme": lambda s: dedupe.RedisDedupe(f"radish://:{s}@example.org"),
    "marks, unknown URL": lambda s: dedupe_at(f"mysql://ada:{s}@example.org"),
    "DynamoDB, no client": lambda s: stores.DynamoDBTraceStore("table", s),
    "collector, user name": lambda s: OTLPExporter(stores.MemoryTraceStore(), f"https://ada:{s}@example.org/"),
    "collector, no ASCII": lambda s: OTLPExporter(stores.MemoryTraceStore(), headers={"Key": f"ü{s}"}),
    "fingerprint key, text": lambda s: Redactor(fingerprint_key=s),  # type: ignore[arg-type]
    "fingerprint key, too long": lambda s: Redactor(fingerprint_key=s.encode() * 3),
    "store, scheme": lambda s: obskit.configure(trace_store=s),  # type: ignore[arg-type]
}  # fmt: skip

#: Variables of the environment with a secret in the wrong place.
VARIABLES: dict[str, dict[str, str]] = {
    "store without a scheme": {"OBSKIT_TRACE_STORE": "SECRET"},
    "store of another kind": {"OBSKIT_TRACE_STORE": "postgres://ada:SECRET@example.org"},
    "store in Redis with a wrong port": {"OBSKIT_TRACE_STORE": "redis://:SECRET@example.org:port"},
    "store in SQLite with options": {"OBSKIT_TRACE_STORE": "sqlite:///file.db?key=SECRET"},
    "store with a wrong number": {"OBSKIT_TRACE_STORE": "redis://:x@example.org?ttl=SECRET"},
    "alerts to nobody known": {"ENABLE_ALERTS": "true", "OBSKIT_ALERT_SINKS": "https://a:SECRET@example.org/"},
    "alerts to a token": {"ENABLE_ALERTS": "true", "OBSKIT_ALERT_SINKS": "SECRET"},
    "alerts to a token as a channel": {
        "ENABLE_ALERTS": "true",
        "ALERT_CHANNEL_ID": "SECRET",
        "DISCORD_BOT_TOKEN": "token",
    },
    "marks of alerts": {
        "ENABLE_ALERTS": "true",
        "ALERT_CHANNEL_ID": "123456789012345678",
        "DISCORD_BOT_TOKEN": "SECRET",
        "OBSKIT_ALERT_DEDUPE": "radish://:SECRET@example.org",
    },
    "collector with a user name": {
        "OBSKIT_OTLP": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://ada:SECRET@example.org",
    },
    "collector with a wrong header": {"OBSKIT_OTLP": "true", "OTEL_EXPORTER_OTLP_HEADERS": "key=ü SECRET"},
    "level": {"OBSKIT_LEVEL": "SECRET"},
    "format": {"OBSKIT_FORMAT": "SECRET"},
    "schema": {"OBSKIT_SCHEMA": "SECRET"},
}  # fmt: skip


def leaked(error: BaseException, secret: str) -> bool:
    """Say whether a piece of *secret* is in what the interpreter prints of *error*."""
    shown = "".join(traceback.format_exception(error)) + repr(error)
    return any(secret[start : start + PIECE] in shown for start in range(len(secret) - PIECE + 1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_refused_without_its_secret(name: str) -> None:
    """The error names the setting, and nothing of what was in it, nor does the error behind it."""
    secret = fresh()
    with pytest.raises(ConfigError) as raised:
        CALLS[name](secret)
    assert not leaked(raised.value, secret)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_wrong_variable_is_refused_without_its_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, where the environment says it."""
    secret = fresh()
    variables = {name: text.replace("SECRET", secret) for name, text in VARIABLES[name].items()}
    with pytest.raises(ConfigError) as raised:
        from_environment(monkeypatch, **variables)
    assert not leaked(raised.value, secret)
