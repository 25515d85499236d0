"""Traces that have ended are sent, tried again, or counted as dropped; nobody waits for it."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import obskit
from obskit.environment import Environment
from obskit.errors import ConfigError, MissingExtra
from obskit.notices import Notices
from obskit.testing import FakeClock
from obskit.traces import MemoryTraceStore, OTLPExporter, TraceStore
from obskit.traces import exporter as module
from obskit.traces.exporter import from_environment
from tests.servers import Script, hang, scripted_server

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture
def server() -> Iterator[Script]:
    """A receiver on loopback that takes everything."""
    with scripted_server() as script:
        script.answers[0] = (200, {}, b"{}")
        yield script


def exporting(server: Script, **options: Any) -> OTLPExporter:
    """Put an exporter to *server* in force."""
    exporter = OTLPExporter(MemoryTraceStore(), f"{server.url}/v1/traces", **options)
    obskit.configure(trace_store=exporter, output=io.BytesIO(), capture_logging=False, hooks=False)
    return exporter


def record(count: int = 1) -> None:
    """Record some traces."""
    for _ in range(count):
        with obskit.trace("/x", "42"), obskit.step("a"):
            pass


def counted(exporter: OTLPExporter) -> tuple[float, float, float]:
    """Return how many traces were sent, dropped, and are pending."""
    stats = exporter.stats()
    return stats["otlp_sent"], stats["otlp_dropped"], stats["otlp_pending"]


def commands(server: Script) -> list[str]:
    """Name the commands that have arrived."""
    spans = [
        span
        for request in server.requests
        for span in json.loads(gzip.decompress(request.body))["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]
    return [span["name"] for span in spans if span["kind"] == 2]


def test_a_trace_that_has_ended_arrives(server: Script) -> None:
    """With its steps, compressed, under the service's name; and it is in the store as well."""
    exporter = exporting(server, headers={"Authorization": "fake"}, resource={"service.name": "bot"})
    record()
    assert exporter.flush(10)
    (request,) = server.requests
    assert (request.path, request.headers["authorization"]) == ("/v1/traces", "fake")
    assert (request.headers["content-type"], request.headers["content-encoding"]) == (
        "application/json",
        "gzip",
    )
    (resource,) = json.loads(gzip.decompress(request.body))["resourceSpans"]
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "bot"}}]
    assert counted(exporter) == (1, 0, 0)
    assert exporter.stats()["written"] == 1


def test_an_exporter_is_the_store_that_it_wraps(server: Script) -> None:
    """Whoever asks gets what the store has."""
    exporter = exporting(server)
    record()
    with obskit.trace("/open", "42") as trace:
        trace.add(more=1)
        found = exporter.last("42")
    assert found is not None
    assert exporter.get(found.trace_id) is not None
    assert len(exporter.find(found.trace_id[:8])) == 1
    assert len(exporter.recent("42")) == 2
    assert exporter.forget("42") == 2


def test_what_gathers_goes_in_one_request(server: Script) -> None:
    """A burst costs a few requests, and none of it is lost."""
    exporter = exporting(server)
    record(300)
    assert exporter.flush(30)
    assert commands(server) == ["/x"] * 300
    assert len(server.requests) < 100
    assert counted(exporter) == (300, 0, 0)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_taken_later_is_sent_again(server: Script, status: int) -> None:
    """After as long as the receiver asked for."""
    server.answers.extendleft([(status, {"Retry-After": "0"}, b"")] * 2)
    exporter = exporting(server)
    record()
    assert exporter.flush(10)
    assert (commands(server), counted(exporter)) == (["/x"] * 3, (1, 0, 0))


def test_what_comes_meanwhile_waits_as_well(server: Script) -> None:
    """Who asks to be left alone for a while is sent nothing else until then."""

    def answer(connection: socket.socket) -> None:
        record()  # while the first one is being sent
        connection.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")

    server.answers.appendleft(answer)
    clock = FakeClock()
    exporter = exporting(server, clock=clock)
    record()
    while not exporter._not_before_ns:
        threading.Event().wait(0.001)
    record()
    assert not exporter.flush(0.1)
    assert len(server.requests) == 1
    clock.advance(30)
    assert exporter.flush(10)
    assert (commands(server), counted(exporter)) == (["/x"] * 4, (3, 0, 0))


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500, 301])
def test_what_was_refused_is_not_sent_again(
    server: Script, status: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted, told once, and the next one has its chance."""
    monkeypatch.setattr(module, "_NOTICES", Notices())
    server.answers.appendleft((status, {}, b""))
    exporter = exporting(server)
    record()
    assert exporter.flush(10)
    record()
    assert exporter.flush(10)
    assert (len(server.requests), counted(exporter)) == (2, (1, 1, 0))
    assert capfd.readouterr().err == f"obskit: traces were not exported: the receiver answered {status}\n"


def test_a_receiver_that_is_down_is_tried_for_a_while(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The waits grow, then the traces are given up and counted."""
    monkeypatch.setattr(module, "_NOTICES", Notices())
    server.answers[0] = 503
    clock = FakeClock()
    exporter = exporting(server, clock=clock)
    record()
    flushing = threading.Thread(target=exporter.flush, args=(60,))
    flushing.start()
    while flushing.is_alive():
        flushing.join(0.02)
        clock.advance(1.0)
    assert counted(exporter) == (0, 1, 0)
    assert clock.monotonic_ns() > 20e9


def test_a_receiver_that_hangs_holds_up_nobody(server: Script) -> None:
    """Closing takes no longer than it may, and what is left is counted."""
    server.answers[0] = hang
    exporter = exporting(server, timeout=0.2, compression="none")
    record(3)
    assert not exporter.flush(0.05)
    exporter.close(timeout=0.05)
    exporter.close(timeout=0.05)
    record()
    assert sum(counted(exporter)) == 4
    assert counted(exporter)[1] >= 3


class Emptied(deque[Any]):
    """Another thread takes all the rest as soon as something is taken."""

    def popleft(self) -> Any:
        """Take the first."""
        first = super().popleft()
        self.clear()
        return first


def test_a_batch_that_is_sent_at_last_does_not_disturb_who_closes(server: Script) -> None:
    """The worker may be done with it just when it is given up: the store is closed all the same."""
    store = Closed()
    exporter = OTLPExporter(store, f"{server.url}/v1/traces")
    exporter._waiting = Emptied([None, None, None])
    exporter.close()
    assert (store.is_closed, counted(exporter)) == (True, (0, 1, 0))


class Closed(MemoryTraceStore):
    """Knows whether it was closed."""

    is_closed = False

    def close(self) -> None:
        """Take note."""
        self.is_closed = True


def test_more_than_there_is_room_for_is_counted(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was made is either sent or counted as dropped."""
    monkeypatch.setattr(module, "_CAPACITY", 5)
    server.answers[0] = hang
    exporter = exporting(server, timeout=0.2)
    record(20)
    exporter.close(timeout=0)
    sent, dropped, pending = counted(exporter)
    assert (sent + dropped, pending) == (20, 0)


def test_a_trace_that_cannot_be_written_does_not_hold_up_the_next(
    server: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of our own costs one batch."""

    def fail(*_: object, **__: object) -> dict[str, object]:
        raise KeyError("no")

    monkeypatch.setattr(module, "_NOTICES", Notices())
    exporter = exporting(server)
    with monkeypatch.context() as broken:
        broken.setattr(module, "to_otlp", fail)
        record()
        assert exporter.flush(10)
    record()
    assert exporter.flush(10)
    assert counted(exporter) == (1, 1, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_sends_only_what_it_recorded(server: Script) -> None:
    """What waits in the parent stays there."""
    server.answers.appendleft((503, {"Retry-After": "1"}, b""))
    exporter = exporting(server)
    record()
    while not server.requests:
        threading.Event().wait(0.01)
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        with obskit.trace("/child", "42"):
            pass
        os._exit(0 if exporter.flush(10) and counted(exporter) == (1, 0, 0) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert exporter.flush(10)
    assert sorted(commands(server)) == ["/child", "/x", "/x"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "ftp://x"}, "url must be an https:// URL"),
        ({"compression": "zip"}, "compression must be one of gzip, none, got 'zip'"),
        ({"headers": {"a": "b\n"}}, "headers must be printable ASCII"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(options: dict[str, Any], message: str) -> None:
    """Set-up errors say what was wrong."""
    with pytest.raises(ConfigError, match=message):
        OTLPExporter(MemoryTraceStore(), **options)


def described(variables: Mapping[str, str]) -> tuple[TraceStore, list[str]]:
    """Build what *variables* describe."""
    environment = Environment(variables)
    return from_environment(MemoryTraceStore(), environment, clock=FakeClock()), environment.notices


def test_the_standard_variables_are_read(server: Script) -> None:
    """Endpoint, headers, compression, and what describes the program."""
    store, notices = described(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{server.url}/base/",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b,bad",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2000",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,host.name=h",
            "OTEL_SERVICE_NAME": "bot",
        }
    )
    obskit.configure(trace_store=store, output=io.BytesIO(), capture_logging=False, hooks=False)
    record()
    assert store.flush(10)
    (request,) = server.requests
    assert (request.path, request.headers["x-key"]) == ("/base/v1/traces", "a b")
    (resource,) = json.loads(gzip.decompress(request.body))["resourceSpans"]
    told = {pair["key"]: pair["value"]["stringValue"] for pair in resource["resource"]["attributes"]}
    assert (told, notices) == ({"service.name": "bot", "host.name": "h"}, [])


def test_the_variables_for_traces_win(server: Script) -> None:
    """A URL that is meant for traces is taken as it is."""
    store, _ = described(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{server.url}/mine",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
        }
    )
    obskit.configure(trace_store=store, output=io.BytesIO(), capture_logging=False, hooks=False)
    record()
    assert store.flush(10)
    assert server.requests[0].path == "/mine"


def test_another_protocol_is_noted() -> None:
    """Of three, one is spoken here."""
    _, notices = described({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert notices == [
        "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc': obskit sends http/json to http://localhost:4318"
    ]


def test_a_disabled_sdk_exports_nothing() -> None:
    """OTEL_SDK_DISABLED leaves the store as it is."""
    store, _ = described({"OTEL_SDK_DISABLED": "TRUE"})
    assert isinstance(store, MemoryTraceStore)


def test_the_environment_switches_it_on(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """OBSKIT_OTLP sends what the store of the environment keeps."""
    monkeypatch.setenv("OBSKIT_OTLP", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
    with obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False) as runtime:
        record()
        assert runtime.flush(10)
        assert len(obskit.get_trace_store().recent("42")) == 1
    assert server.requests[0].path == "/v1/traces"


def test_a_wrong_variable_is_an_error_at_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where the setting came from."""
    monkeypatch.setenv("OBSKIT_OTLP", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317")
    with pytest.raises(ConfigError, match=r"OTEL_EXPORTER_OTLP_\*: url must be an https:// URL"):
        obskit.configure()


def test_without_the_transport_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is missed at set-up, not at the first trace."""
    monkeypatch.setenv("OBSKIT_OTLP", "true")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"obskeeper\[http\]"):
        obskit.configure()
