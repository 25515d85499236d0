"""Discord gets messages within its limits that mention nobody, and is understood when it refuses."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from obskit.alerts import Delivery, Kind
from obskit.alerts.sinks import DiscordChannel, DiscordWebhook
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected
from obskit.redaction import Redactor
from tests.alerts.messages import NASTY, RUN, START_NS, TRACE_ID, alert, delivery, hostile_deliveries
from tests.servers import Script, scripted_server

OPENAPI: Final = Path(__file__).parents[3] / "shared/data/discord-openapi.json"
TOKEN = "Bot-" + "fake" * 5
CHANNEL = "123456789012345678"
HOOK = "/api/webhooks/123456789012345678/" + "fake-" * 5


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted Discord."""
    with scripted_server() as script:
        script.answers[0] = (200, {}, b"{}")
        yield script


def channel(server: Script) -> DiscordChannel:
    """A channel of the scripted Discord."""
    return DiscordChannel(TOKEN, CHANNEL, base_url=server.url + "/api/v10")


def webhook(server: Script) -> DiscordWebhook:
    """A webhook of the scripted Discord."""
    return DiscordWebhook(server.url + HOOK)


SINKS = pytest.mark.parametrize("make", [channel, webhook])
Make = Callable[[Script], Any]


def content(message: Delivery) -> str:
    """The text that Discord would show."""
    text = DiscordWebhook("https://discord.com" + HOOK).payload(message)["content"]
    assert isinstance(text, str)
    return text


def test_a_bot_posts_with_token_nonce_and_no_mentions(server: Script) -> None:
    """The request is as Discord asks for it, and safe to send again."""
    message = delivery()
    channel(server).emit(message)
    request = server.requests[0]
    assert request.path == f"/api/v10/channels/{CHANNEL}/messages"
    assert request.headers["authorization"] == f"Bot {TOKEN}"
    assert re.fullmatch(r"DiscordBot \(https://[\w./]+, [\d.]+\)", request.headers["user-agent"])
    body = request.json()
    assert body["allowed_mentions"] == {"parse": []}
    assert (body["nonce"], body["enforce_nonce"]) == (message.token, True)
    assert len(body["nonce"]) <= 25


def test_a_webhook_waits_for_the_message_and_has_no_nonce(server: Script) -> None:
    """Discord confirms the message only when asked to; a webhook has no nonce to enforce."""
    webhook(server).emit(delivery())
    request = server.requests[0]
    assert request.path == HOOK + "?wait=true"
    assert "authorization" not in request.headers
    assert request.json().keys() == {"content", "allowed_mentions", "flags"}


@pytest.mark.parametrize(("severity", "icon"), [("critical", "🔴"), ("error", "⚠️"), ("warning", "🟡")])
def test_shows_everything_that_helps(severity: str, icon: str) -> None:
    """Severity, message, root cause, trace id, links, fields and the count of the repeats."""
    what = alert(
        severity=severity, root_cause="timeout", trace_id=TRACE_ID, links={"View Run": RUN}, fields={"try": 3}
    )
    text = content(delivery(what, repeats=Repeats(3, START_NS, START_NS + 240 * 10**9)))
    assert text.split("\n") == [
        f"{icon} **{severity.upper()}** orders",
        "```",
        "GitHub answered 502",
        "```",
        "**Root cause:** `timeout`",
        "**try:** `3`",
        f"**Trace:** `{TRACE_ID}`",
        f"**View Run:** <{RUN}>",
        "+3 more from 22:13:20 to 22:17:20 UTC",
    ]


def test_a_recovery_says_so() -> None:
    """The message that ends an incident looks different."""
    assert content(delivery(kind=Kind.RECOVERY)).startswith("✅ **RESOLVED** orders\n")


@given(hostile_deliveries)
def test_every_message_is_within_the_limits_and_mentions_nobody(message: Delivery) -> None:
    """Whatever an alert holds, Discord can take it and nobody is pinged."""
    payload = DiscordWebhook("https://discord.com" + HOOK).payload(message)
    text = payload["content"]
    assert isinstance(text, str)
    assert 0 < len(text) <= len(text.encode("utf-16-le")) // 2 <= 2000
    assert payload["allowed_mentions"] == {"parse": []}
    assert "@everyone" not in text
    assert "@here" not in text
    assert "<@" not in text
    assert text.count("```") == 2


def test_trace_id_link_and_count_survive_cutting() -> None:
    """However long the rest is, the way to the details stays."""
    huge = alert(
        "long " * 2000,
        root_cause="why " * 2000,
        trace_id=TRACE_ID,
        links={"\U0001f600" * 500 + str(number): RUN + "/" + "x" * 300 for number in range(9)} | {"Run": RUN},
        fields={"\U0001f600" * 50 + str(number): "f" * 500 for number in range(20)},
    )
    text = content(delivery(huge, repeats=Repeats(3, START_NS, START_NS)))
    assert TRACE_ID in text
    assert "long long" in text
    assert "why why" in text
    assert f"<{RUN}/xx" in text
    assert "+3 more" in text
    assert len(text.encode("utf-16-le")) // 2 <= 2000


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_breaks_out_of_its_block(nasty: str) -> None:
    """Markup in an alert is shown, not obeyed."""
    lines = content(delivery(alert(nasty, root_cause=f"a {nasty} b"))).split("\n")
    assert lines[0].endswith("orders")
    assert lines[1] == "```"
    assert lines[-2] == "```"
    assert lines[-1].startswith("**Root cause:** `a ")
    assert lines[-1].count("`") == 2


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://e.example/> @everyone",
        "https://e/" + "x" * 900,
        "https://good.example@evil.example/",
        "https://good.example\\@evil.example/",
    ],
)
def test_an_odd_link_is_left_out(url: str) -> None:
    """Only web addresses of sane length are shown as links."""
    assert "Run" not in content(delivery(alert(links={"Run": url})))


def test_an_address_mentions_nobody() -> None:
    """What looks like a mention in a link leads to the same place without looking like one."""
    text = content(delivery(alert(links={"Run": "https://e.example/@everyone?a=@here"})))
    assert "<https://e.example/%40everyone?a=%40here>" in text


TOO_MANY = [
    ((429, {}, b'{"message": "slow down", "retry_after": 1.5, "global": false}'), 1.5),
    ((429, {"Retry-After": "3"}, b'{"retry_after": 2.25}'), 3.0),
    ((429, {"Retry-After": "2.5"}, b""), 2.5),
    ((429, {"Retry-After": "7"}, b"<html>Cloudflare</html>"), 7.0),
    ((429, {"X-RateLimit-Reset": "1470173023.123"}, b""), 5.0),
    ((429, {}, b'{"retry_after": 1e12}'), 3600.0),
    ((429, {}, b'{"retry_after": -4}'), 5.0),
    ((429, {}, b'{"retry_after": "soon"}'), 5.0),
    ((429, {}, b"[" * 60_000), 5.0),
]


@SINKS
@pytest.mark.parametrize(("answer", "seconds"), TOO_MANY)
def test_too_many_requests_says_how_long_to_wait(
    make: Make, server: Script, answer: Any, seconds: float
) -> None:
    """Every form of 429 is understood."""
    server.answers[0] = answer
    with pytest.raises(SinkError) as caught:
        make(server).emit(delivery())
    assert caught.value.retry_after == seconds


@SINKS
@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_a_broken_server_is_worth_another_try(make: Make, server: Script, status: int) -> None:
    """Its errors are no refusal."""
    server.answers[0] = status
    with pytest.raises(SinkError) as caught:
        make(server).emit(delivery())
    assert not isinstance(caught.value, SinkRejected)


@SINKS
@pytest.mark.parametrize(
    ("status", "revoked"),
    [(401, True), (403, True), (404, True), (400, False), (405, False), (413, False), (302, False)],
)
def test_a_refusal_is_final(make: Make, server: Script, status: int, revoked: bool) -> None:
    """What cannot get better is not tried again; a revoked token or webhook ends the sink."""
    server.answers[0] = (status, {"Location": server.url}, b'{"code": 50001, "message": "Missing Access"}')
    with pytest.raises(SinkRejected, match=rf"Discord answered {status} with code 50001") as caught:
        make(server).emit(delivery())
    assert caught.value.revoked == revoked
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/channels/{channel_id}/messages", channel),
        ("/webhooks/{webhook_id}/{webhook_token}", webhook),
    ],
)
def test_messages_are_what_discord_describes(path: str, schema: Make, server: Script) -> None:
    """The official description, where it is at hand, takes what is sent, hostile texts included."""
    validator = official(path)
    huge = alert("long " * 2000, fields={str(number): "f" * 500 for number in range(20)})
    for what in (alert(), huge, *(alert(nasty, root_cause=nasty) for nasty in NASTY)):
        schema(server).emit(delivery(what))
    for request in server.requests:
        validator.validate(request.json())


def official(path: str) -> Draft202012Validator:
    """What Discord's description asks of a message posted to *path*."""
    if not OPENAPI.exists():
        pytest.skip(f"{OPENAPI.name} is not at hand")
    description = json.loads(OPENAPI.read_text("utf-8"))
    content = description["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**content, "components": description["components"]})


def test_a_webhook_of_a_thread_keeps_its_query(server: Script) -> None:
    """A URL may say which thread it is for."""
    DiscordWebhook(server.url + HOOK + "?thread_id=7").emit(delivery())
    assert server.requests[0].path == HOOK + "?thread_id=7&wait=true"


def test_a_message_that_was_deleted_had_arrived(server: Script) -> None:
    """Unknown Message, for a nonce, means that the message was there."""
    server.answers[0] = (404, {}, b'{"code": 10008}')
    channel(server).emit(delivery())


@pytest.mark.parametrize("channel_id", ["", "general", "1" * 30, "12345678901234567x", None, chr(0x661) * 18])
def test_a_channel_id_must_be_one(channel_id: Any) -> None:
    """The error names the setting and what it takes."""
    with pytest.raises(ConfigError, match=r"channel_id must be the number of a Discord channel"):
        DiscordChannel(TOKEN, channel_id)


@pytest.mark.parametrize("token", ["", "fake fake", "fakefake\n", "fäke", None])
def test_a_token_must_fit_a_header(token: Any) -> None:
    """The error names the setting and does not show it."""
    with pytest.raises(ConfigError, match=r"^token must be the bot's token") as caught:
        DiscordChannel(token, CHANNEL)
    assert "fake" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://discord.com/", "http://discord.com" + HOOK, "https://discord.com/api/webhooks/1"]
)
def test_a_webhook_url_must_be_one(url: str) -> None:
    """The error shows no token."""
    with pytest.raises(ConfigError, match=r"^url must") as caught:
        DiscordWebhook(url)
    assert "fake" not in str(caught.value)


@SINKS
def test_the_sinks_own_secrets_show_nowhere(
    make: Make, server: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in repr, errors or logs at DEBUG; and the redactor knows them."""
    sink = make(server)
    sink.close()
    server.answers[0] = 500
    with caplog.at_level(logging.DEBUG), pytest.raises(SinkError) as caught:
        sink.emit(delivery())
    shown = repr(sink) + caplog.text + repr(caught.value)
    assert "fake" not in shown
    secret = TOKEN if make is channel else HOOK.rpartition("/")[2]
    assert secret not in Redactor().text(f"what about {secret} here")
