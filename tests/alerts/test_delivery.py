"""Through a service that fails in every way, each alert arrives once and none before its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from obskit.alerts import Alerter
from obskit.alerts.sinks import DiscordChannel, Memory
from obskit.testing import FakeClock
from tests.alerts.messages import alert
from tests.servers import Script, reset, scripted_server

FAULTS: list[Any] = [
    (429, {}, b'{"retry_after": 0.25}'),
    (429, {"Retry-After": "2"}, b""),
    (429, {"Retry-After": "1"}, b"<html>Cloudflare</html>"),
    (502, {}, b"<html>bad gateway</html>"),
    503,
    reset,
]


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted Discord."""
    with scripted_server() as script:
        yield script


def test_every_alert_arrives_through_faults(server: Script, clock: FakeClock) -> None:
    """Nothing is lost on 429, 5xx and resets, and no message has two nonces."""
    random = Random(7)
    count = 60
    server.answers.clear()
    for _ in range(count):
        server.answers.extend(random.choices(FAULTS, k=random.randrange(3)))
        server.answers.append(200)
    server.answers.append(200)
    sink = DiscordChannel("fake" * 5, "1" * 18, base_url=server.url)
    alerter = Alerter([sink], clock=clock)
    receipts = [
        alerter.send(alert(f"failure of {chr(97 + n % 26)}{chr(97 + n // 26)}")) for n in range(count)
    ]
    while not alerter.flush(0.01):
        clock.advance(0.5)
    assert [receipt.wait(0) for receipt in receipts] == ["delivered"] * count
    nonces = [request.json()["nonce"] for request in server.requests]
    assert len(set(nonces)) == count
    alerter.close()


def test_many_threads_tell_once_and_the_count_adds_up(clock: FakeClock) -> None:
    """Eight threads with the same failure: one message per window, and every repeat in the next."""
    memory = Memory()
    alerter = Alerter([memory], clock=clock)
    threads = [threading.Thread(target=lambda: [alerter.send(alert()) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alerter.flush(5)
    clock.advance(300)
    assert alerter.send(alert()).wait(5) == "delivered"
    assert [told.repeats.count for told in memory.deliveries] == [0, 799]
    alerter.close()
    stats = alerter.stats()
    assert (stats["sent"], stats["delivered"], stats["duplicate"], stats["suppressed_reported"]) == (
        801,
        2,
        799,
        799,
    )


def test_two_processes_make_the_same_token(clock: FakeClock) -> None:
    """Discord drops the second message, without any store in between; a new window is a new message."""
    first, second = Memory(), Memory()
    alerters = [Alerter([sink], clock=clock) for sink in (first, second)]
    for _ in range(2):
        for alerter in alerters:
            alerter.send(alert()).wait(5)
        clock.advance(300)
    tokens = [[told.token for told in sink.deliveries] for sink in (first, second)]
    assert tokens[0] == tokens[1]
    assert len(set(tokens[0])) == 2
    for alerter in alerters:
        alerter.close()
