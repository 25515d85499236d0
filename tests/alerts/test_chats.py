"""Slack and Telegram get messages within their limits, and nothing in them is obeyed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from hypothesis import given

from obskit.alerts import Alerter, Delivery
from obskit.alerts.sinks import SlackWebhook, TelegramChat
from obskit.alerts.sinks._layout import units
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected
from obskit.redaction import Redactor
from tests.alerts.messages import HUGE, NASTY, RUN, START_NS, TRACE_ID, alert, delivery, hostile_deliveries
from tests.servers import Script, scripted_server

SLACK_PATH = "/services/T0/B0/" + "fake0" * 5
TOKEN = "12345:" + "fake" * 8


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted service."""
    with scripted_server() as script:
        script.answers[0] = (200, {}, b"ok")
        yield script


def slack(server: Script) -> SlackWebhook:
    """A webhook of the scripted Slack."""
    return SlackWebhook(server.url + SLACK_PATH)


def telegram(server: Script) -> TelegramChat:
    """A chat of the scripted Telegram."""
    return TelegramChat(TOKEN, -100123, base_url=server.url)


SINKS = pytest.mark.parametrize("make", [slack, telegram])
Make = Callable[[Script], Any]


def slack_payload(message: Delivery) -> dict[str, Any]:
    """What Slack is sent."""
    return SlackWebhook("https://hooks.slack.com" + SLACK_PATH).payload(message)


def telegram_payload(message: Delivery) -> dict[str, Any]:
    """What Telegram is sent."""
    return TelegramChat(TOKEN, 1).payload(message)


def text_of(payload: Any) -> str:
    """The text that people would see."""
    text = payload["text"]
    assert isinstance(text, str)
    return text


def test_slack_gets_escaped_text_at_the_webhook(server: Script) -> None:
    """Everything that helps is there, and links are no previews."""
    slack(server).emit(delivery(alert("a < b & c", trace_id=TRACE_ID, links={"Run": RUN + "?a=1&b=2|x"})))
    request = server.requests[0]
    assert request.path == SLACK_PATH
    assert request.json() == {
        "text": f"⚠️ *ERROR* orders\n```\na &lt; b &amp; c\n```\n*Trace:* `{TRACE_ID}`\n"
        f"*Run:* <{RUN}?a=1&amp;b=2%7Cx>",
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_telegram_gets_plain_text_at_the_bot(server: Script) -> None:
    """There is no parse mode, so nothing needs to be escaped; what is bold or code is said beside it."""
    telegram(server).emit(delivery(alert("*a* \U0001f600", "warning", trace_id=TRACE_ID)))
    request = server.requests[0]
    assert request.path == f"/bot{TOKEN}/sendMessage"
    assert request.json() == {
        "chat_id": "-100123",
        "text": f"🟡 WARNING orders\n*a* \U0001f600\nTrace: {TRACE_ID}",
        "entities": [
            {"type": "bold", "offset": 3, "length": 7},
            {"type": "pre", "offset": 18, "length": 6},
            {"type": "bold", "offset": 25, "length": 6},
            {"type": "code", "offset": 32, "length": 32},
        ],
        "link_preview_options": {"is_disabled": True},
        "disable_notification": True,
    }


@given(hostile_deliveries)
def test_every_message_is_within_the_limits(message: Delivery) -> None:
    """Whatever an alert holds, both services can take it and mention nobody."""
    in_slack = text_of(slack_payload(message))
    assert 0 < len(in_slack.encode("utf-16-le")) // 2 <= 3000
    assert "<!" not in in_slack
    assert "<@" not in in_slack
    assert in_slack.count("```") == 2
    payload = telegram_payload(message)
    in_telegram = text_of(payload)
    assert 0 < units(in_telegram) <= 4096
    assert not re.search(r"@\w", in_telegram)
    assert not re.search("[\ufdd0-\ufdd3]", in_telegram)
    entities = cast("list[dict[str, Any]]", payload["entities"])
    assert len(entities) <= 100
    ends = [(entity["offset"], entity["offset"] + entity["length"]) for entity in entities]
    assert all(begin < end for begin, end in ends)
    assert [place for pair in ends for place in pair] == sorted(place for pair in ends for place in pair)
    assert not ends or ends[-1][1] <= units(in_telegram)


def test_trace_id_link_and_count_survive_cutting() -> None:
    """However long the rest is, the way to the details stays."""
    message = delivery(HUGE, repeats=Repeats(3, START_NS, START_NS))
    for text in (text_of(slack_payload(message)), text_of(telegram_payload(message))):
        assert TRACE_ID in text
        assert f"{RUN}/xx" in text
        assert "+3 more at 22:13:20 UTC" in text
        assert "long " in text
        assert "why " in text


def test_a_telegram_group_that_moved_is_followed(server: Script) -> None:
    """A group that becomes a supergroup has a new number, and the message is sent again, to there."""
    moved = b'{"ok": false, "error_code": 400, "parameters": {"migrate_to_chat_id": -100999}}'
    server.answers[0] = (400, {}, moved)
    server.answers.append((200, {}, b"{}"))
    alerter = Alerter([telegram(server)])
    assert alerter.send(alert()).wait(10) == "delivered"
    alerter.close()
    assert [request.json()["chat_id"] for request in server.requests] == ["-100123", "-100999"]


@SINKS
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no_service", r" \(no_service\)$"),
        (b'{"ok":false,"description":"Forbidden: bot was kicked"}', r" \(Forbidden: bot was kicked\)$"),
        (b"x" * 500, r" 403$"),
        (b'{"description": "\\u001b[31m"}', r" 403$"),
    ],
)
def test_a_service_is_quoted_where_it_is_short(make: Make, server: Script, body: bytes, said: str) -> None:
    """Its own word says best what is wrong; a page of text does not."""
    server.answers[0] = (403, {}, body)
    with pytest.raises(SinkRejected, match=said):
        make(server).emit(delivery())


@SINKS
def test_a_page_for_people_is_no_refusal(make: Make, server: Script) -> None:
    """What stands in front of a service may fail for a while; the sink goes on."""
    server.answers[0] = (403, {}, b"  <html>Blocked</html>")
    with pytest.raises(SinkError, match=r"answered 403$") as caught:
        make(server).emit(delivery())
    assert not isinstance(caught.value, SinkRejected)


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_breaks_out_of_slacks_block(nasty: str) -> None:
    """Markup in an alert is shown, not obeyed."""
    text = text_of(
        slack_payload(delivery(alert(nasty, root_cause=f"a {nasty} b", fields={nasty or "x": nasty})))
    )
    assert text.count("```") == 2
    assert text.split("```")[2].startswith("\n*Root cause:* `a ")


@SINKS
@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((429, {"Retry-After": "30"}, b"rate_limited"), 30.0),
        ((429, {}, b'{"ok": false, "parameters": {"retry_after": 5}}'), 5.0),
        ((429, {}, b'{"parameters": []}'), 5.0),
        ((503, {"Retry-After": "7"}, b""), 7.0),
        ((500, {}, b""), None),
    ],
)
def test_a_service_may_ask_to_wait(make: Make, server: Script, answer: Any, seconds: float | None) -> None:
    """It is tried again, not before the time it names."""
    server.answers[0] = answer
    with pytest.raises(SinkError) as caught:
        make(server).emit(delivery())
    assert caught.value.retry_after == seconds
    assert not isinstance(caught.value, SinkRejected)


@SINKS
@pytest.mark.parametrize(
    ("status", "revoked"), [(400, False), (401, True), (403, True), (404, True), (410, True)]
)
def test_a_refusal_is_final(make: Make, server: Script, status: int, revoked: bool) -> None:
    """A revoked token or webhook ends the sink."""
    server.answers[0] = status
    with pytest.raises(SinkRejected, match=rf"answered {status}$") as caught:
        make(server).emit(delivery())
    assert caught.value.revoked == revoked


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
    assert "fake" not in repr(sink) + caplog.text + repr(caught.value)
    secret = TOKEN if make is telegram else SLACK_PATH.rpartition("/")[2]
    assert secret not in Redactor().text(f"what about {secret} here")


@pytest.mark.parametrize("url", ["https://hooks.slack.com/", "http://hooks.slack.com" + SLACK_PATH])
def test_a_slack_url_must_be_one(url: str) -> None:
    """The error shows no secret."""
    with pytest.raises(ConfigError, match=r"^url must") as caught:
        SlackWebhook(url)
    assert "fake" not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "chat_id", "setting"), [("nonsense", 1, "token"), (None, 1, "token"), (TOKEN, "me", "chat_id")]
)
def test_telegram_settings_are_checked(token: Any, chat_id: Any, setting: str) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match=f"^{setting} must"):
        TelegramChat(token, chat_id)
