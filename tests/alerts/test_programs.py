"""PagerDuty, Alertmanager and signed webhooks get alerts as programs want them."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import given, settings
from jsonschema import Draft4Validator  # type: ignore[import-untyped]

from obskit.alerts import Alerter, Delivery, Kind
from obskit.alerts.sinks import Alertmanager, PagerDuty, Webhook
from obskit.alerts.sinks._facts import facts
from obskit.alerts.sinks._http import encoded
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected
from obskit.redaction import Redactor
from tests.alerts.messages import HUGE, NASTY, RUN, START_NS, TRACE_ID, alert, delivery, hostile_deliveries
from tests.programs import free_port, program, running
from tests.servers import Script, scripted_server

OPENAPI: Final = Path(__file__).parents[3] / "shared/data/alertmanager-v2-openapi.yaml"
ROUTING_KEY = "fake" * 8
HOOK = "/hook/" + "fake0" * 5
SECRET = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()

Make = Callable[[Script], Any]


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted service."""
    with scripted_server() as script:
        script.answers[0] = 202
        yield script


def pagerduty(server: Script) -> PagerDuty:
    """The scripted PagerDuty."""
    return PagerDuty(ROUTING_KEY, base_url=server.url)


def alertmanager(server: Script) -> Alertmanager:
    """The scripted Alertmanager."""
    return Alertmanager(server.url + "/behind/" + "fake" * 5)


def webhook(server: Script) -> Webhook:
    """An endpoint that wants signatures."""
    return Webhook(server.url + HOOK, SECRET)


SINKS = pytest.mark.parametrize("make", [pagerduty, alertmanager, webhook])
FULL = alert(root_cause="timeout", trace_id=TRACE_ID, links={"Run": RUN}, fields={"try": 3, "at": [1, None]})
AGAIN = Repeats(3, START_NS, START_NS + 240 * 10**9)

# --- what all of them do ---


@SINKS
@pytest.mark.parametrize(
    ("answer", "seconds"),
    [((429, {"Retry-After": "30.5"}, b""), 30.5), ((429, {}, b""), 5.0), ((503, {}, b"<html>"), None)],
)
def test_a_service_may_ask_to_wait(make: Make, server: Script, answer: Any, seconds: float | None) -> None:
    """It is tried again, not before the time it names."""
    server.answers[0] = answer
    with pytest.raises(SinkError) as caught:
        make(server).emit(delivery())
    assert caught.value.retry_after == seconds
    assert not isinstance(caught.value, SinkRejected)


@SINKS
@pytest.mark.parametrize("status", [301, 302, 307, 400, 422])
def test_a_refused_message_and_a_redirect_are_final(make: Make, server: Script, status: int) -> None:
    """The same message is not sent again, and nothing goes where a service points."""
    server.answers[0] = (status, {"Location": server.url + "/elsewhere"}, b"")
    with pytest.raises(SinkRejected, match=f"answered {status}$") as caught:
        make(server).emit(delivery())
    assert not caught.value.revoked
    assert len(server.requests) == 1


@pytest.mark.parametrize("make", [pagerduty, alertmanager])
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_revoked_key_ends_the_sink(make: Make, server: Script, status: int) -> None:
    """Every further message would be refused as well."""
    server.answers[0] = status
    with pytest.raises(SinkRejected) as caught:
        make(server).emit(delivery())
    assert caught.value.revoked


@SINKS
def test_the_sinks_own_secrets_show_nowhere(make: Make, server: Script) -> None:
    """Neither in repr nor in an error, and the redactor knows them."""
    sink = make(server)
    server.answers[0] = 500
    with pytest.raises(SinkError) as caught:
        sink.emit(delivery())
    assert "fake" not in repr(sink) + repr(caught.value)
    secret = ROUTING_KEY if make is pagerduty else SECRET if make is webhook else "not one"
    assert make is alertmanager or secret not in Redactor().text(f"what about {secret} here")


@given(hostile_deliveries)
def test_facts_are_json_within_their_limit(message: Delivery) -> None:
    """Whatever an alert holds, a program can read it and trace id and links are whole."""
    told = facts(message, limit=19_000)
    text = encoded(told)
    assert len(text) <= 19_000
    assert json.loads(text)["key"] == message.key


def test_fields_give_way_before_the_message() -> None:
    """A field that is too large is left out; smaller ones behind it stay."""
    what = alert("m" * 3_999, fields={"large": "\U0001f600" * 4_000, "small": 1}, links={"Run": RUN})
    told = facts(delivery(what, repeats=AGAIN), limit=10_000)
    assert told["fields"] == {"small": 1}
    assert told["message"] == "m" * 624 + "…"
    assert told["links"] == {"Run": RUN}
    assert told["repeats"] == {
        "count": 3,
        "first": "2023-11-14T22:13:20.000000+00:00",
        "last": "2023-11-14T22:17:20.000000+00:00",
    }


@SINKS
def test_trace_id_link_and_count_survive_cutting(make: Make, server: Script) -> None:
    """However long the rest is, the way to the details stays."""
    make(server).emit(delivery(HUGE, repeats=AGAIN))
    text = server.requests[0].body.decode()
    assert len(text) < 512_000
    assert TRACE_ID in text
    assert f"{RUN}/xx" in text
    assert "+3 more" in text or '"count":3' in text
    assert "long " in text
    assert "why " in text


# --- PagerDuty ---


def test_pagerduty_opens_an_incident(server: Script) -> None:
    """The event names the incident, so the next one adds to it."""
    pagerduty(server).emit(delivery(FULL, repeats=AGAIN))
    request = server.requests[0]
    assert request.path == "/v2/enqueue"
    event = request.json()
    details = event["payload"].pop("custom_details")
    assert event == {
        "routing_key": ROUTING_KEY,
        "event_action": "trigger",
        "dedup_key": "ab" * 32,
        "client": "obskit",
        "payload": {
            "summary": "ERROR orders: GitHub answered 502",
            "source": "orders",
            "severity": "error",
            "timestamp": "2023-11-14T22:13:20.000000+00:00",
        },
        "links": [{"href": RUN, "text": "Run"}],
    }
    assert (details["trace_id"], details["root_cause"]) == (TRACE_ID, "timeout")
    assert details["fields"] == {"try": 3, "at": [1, None]}
    assert details["repeats"]["count"] == 3


def test_pagerduty_resolves_an_incident(server: Script) -> None:
    """A recovery needs the key only."""
    pagerduty(server).emit(delivery(kind=Kind.RECOVERY))
    assert server.requests[0].json() == {
        "routing_key": ROUTING_KEY,
        "event_action": "resolve",
        "dedup_key": "ab" * 32,
    }


@given(hostile_deliveries)
def test_every_event_is_within_the_limits_of_pagerduty(message: Delivery) -> None:
    """512 KB in all, 1,024 characters of summary, and nothing that must not be empty is."""
    event = PagerDuty(ROUTING_KEY).payload(message)
    assert len(encoded(event)) < 512_000
    payload: Any = event.get("payload", {"summary": "-", "source": "-"})
    assert 0 < len(payload["summary"].encode("utf-16-le")) // 2 <= 1_024
    assert "@everyone" not in payload["summary"]
    assert payload["source"]


@pytest.mark.parametrize("key", ["", "short", "with space" * 3, None, "a" * 65])
def test_a_routing_key_must_be_one(key: Any) -> None:
    """The error names the setting and does not show it."""
    with pytest.raises(ConfigError, match=r"^routing_key must be an integration key: 32 letters and digits$"):
        PagerDuty(key)


# --- Alertmanager ---


def test_labels_say_what_is_the_same_and_annotations_the_rest(server: Script) -> None:
    """Nothing that differs between occurrences is a label."""
    alertmanager(server).emit(delivery(FULL, repeats=AGAIN))
    request = server.requests[0]
    assert request.path == "/behind/" + "fake" * 5 + "/api/v2/alerts"
    (told,) = request.json()
    assert told["labels"] == {
        "alertname": "orders",
        "service": "orders",
        "severity": "error",
        "incident": "ab" * 32,
    }
    assert told["annotations"]["summary"] == "ERROR orders: GitHub answered 502"
    assert told["annotations"]["trace_id"] == TRACE_ID
    assert "+3 more from 22:13:20 to 22:17:20 UTC" in told["annotations"]["description"]
    assert told["generatorURL"] == RUN
    assert told["startsAt"] == "2023-11-14T22:13:20.000000+00:00" < told["endsAt"]


def test_what_tells_incidents_apart_is_a_label() -> None:
    """Under a name that old versions take too; the sink's own labels stay."""
    what = alert(labels={"tenant": "acme", "x-y z": 1, "": "\ud800", "7": "", "severity": "info"})
    (told,) = cast("list[Any]", Alertmanager("http://localhost:9").payload(delivery(what)))
    labels = told["labels"]
    assert {name: labels[name] for name in labels.keys() - {"alertname", "service", "incident"}} == {
        "tenant": "acme",
        "x_y_z": "1",
        "_": "\ufffd",
        "_7": "",
        "severity": "error",
    }


@cache
def official() -> Draft4Validator:
    """What Alertmanager's description asks of alerts that are posted."""
    yaml = pytest.importorskip("yaml")
    definitions = yaml.safe_load(OPENAPI.read_text("utf-8"))["definitions"]
    schema = {"$ref": "#/definitions/postableAlerts", "definitions": definitions}
    return Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


@pytest.mark.skipif(not OPENAPI.exists(), reason=f"{OPENAPI.name} is not at hand")
@given(hostile_deliveries)
@settings(max_examples=50)
def test_every_alert_is_what_alertmanager_describes(message: Delivery) -> None:
    """The official description, where it is at hand, takes everything."""
    told = json.loads(encoded(Alertmanager("http://localhost:9").payload(message)))
    official().validate(told)
    shown = "\n".join([*told[0]["annotations"].values(), *told[0]["labels"].values()])
    assert "@everyone" not in shown
    assert "<!channel>" not in shown


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan"), "900", None])
def test_an_alert_must_end(seconds: Any) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match="expires_after must be a number of seconds above 0"):
        Alertmanager("http://localhost:9", expires_after=seconds)


def test_a_real_alertmanager_keeps_one_alert_per_incident_and_ends_it(tmp_path: Path) -> None:
    """Everything is accepted, occurrences of one failure are one alert, and a recovery ends it."""
    binary = program("prometheus-alertmanager")
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = [
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    sink = Alertmanager(url)
    with running(binary, *options):
        deliver_when_ready(sink, delivery(FULL))
        for trace_id in ("1", "2"):
            sink.emit(delivery(alert(trace_id=trace_id), repeats=AGAIN))
        (firing,) = active(url)
        assert firing["labels"]["incident"] == "ab" * 32
        assert firing["annotations"]["trace_id"] == "2"
        sink.emit(delivery(kind=Kind.RECOVERY))
        assert active(url) == []
        alerter = Alerter([sink])
        receipt = alerter.send(FULL)
        assert receipt.wait(10) == "delivered"
        assert [each["labels"]["incident"] for each in active(url)] == [receipt.key]
        assert alerter.resolve(receipt.key).wait(10) == "delivered"
        alerter.close()
        assert active(url) == []
        for nasty in NASTY:
            sink.emit(delivery(alert(nasty, root_cause=nasty, labels={nasty: nasty}, links={nasty: RUN})))


def deliver_when_ready(sink: Alertmanager, message: Delivery) -> None:
    """Try until the server that was just started takes *message*."""
    for _ in range(300):
        try:
            return sink.emit(message)
        except SinkError:
            time.sleep(0.1)
    return sink.emit(message)


def active(url: str) -> Any:
    """The alerts that fire."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts?active=true", timeout=10) as answer:
        return json.load(answer)


# --- webhooks ---


def test_a_webhook_is_signed_and_named(server: Script) -> None:
    """A receiver can tell who sent it, when, and whether it has it already."""
    message = delivery(FULL)
    webhook(server).emit(message)
    request = server.requests[0]
    name, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    assert name == message.token
    assert abs(int(moment) - time.time()) < 60
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = hmac.digest(key, f"{name}.{moment}.".encode() + request.body, "sha256")
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    body = request.json()
    assert (body["type"], body["timestamp"]) == ("alert.firing", "2023-11-14T22:13:20.000000+00:00")
    assert body["data"]["links"] == {"Run": RUN}
    assert len(request.body) < 20_000


def test_several_secrets_all_sign(server: Script) -> None:
    """While one secret takes the place of another, receivers may have either."""
    other = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    Webhook(server.url + HOOK, f"{SECRET} {other}").emit(delivery())
    assert len(server.requests[0].headers["webhook-signature"].split(" ")) == 2


def test_without_a_secret_nothing_is_signed(server: Script) -> None:
    """The name and the time are there all the same."""
    Webhook(server.url + HOOK).emit(delivery())
    assert "webhook-signature" not in server.requests[0].headers
    assert server.requests[0].headers["webhook-id"]


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_an_endpoint_that_is_not_there_may_come_back(server: Script, status: int) -> None:
    """A deployment answers strange things for a while."""
    server.answers[0] = status
    with pytest.raises(SinkError) as caught:
        webhook(server).emit(delivery())
    assert not isinstance(caught.value, SinkRejected)


def test_an_endpoint_that_is_gone_ends_the_sink(server: Script) -> None:
    """410 means that nobody wants messages any more."""
    server.answers[0] = 410
    with pytest.raises(SinkRejected) as caught:
        webhook(server).emit(delivery())
    assert caught.value.revoked


@pytest.mark.parametrize("secret", ["", " ", "fakefake", "whsec_", "whsec_" + "a" * 20, "whsec_" + "a" * 33])
def test_a_secret_must_be_one(secret: str) -> None:
    """The error names the setting and does not show it."""
    with pytest.raises(ConfigError, match=r"^secret must be whsec_ and 24 to 64 bytes in base64") as caught:
        Webhook("https://example.com/", secret)
    assert "aaa" not in str(caught.value)
