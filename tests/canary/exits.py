"""
Every way out of the process, as a table: a new sink, store or view is one more entry.

An exit is given the planting, does it with itself in the way, and returns all
that came out.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import obskit
from obskit.alerts import Alerter, dedupe
from obskit.alerts import sinks as alert_sinks
from obskit.gate import Gate
from obskit.redaction import Redactor
from obskit.runtime import current
from obskit.sinks import FileSink, FilteredSink, MemorySink, QueuedSink, TeeSink
from obskit.testing import capture
from obskit.traces import OTLPExporter, render, stores, to_html, to_otlp
from tests.alerts.test_email import Mailbox, local, mail_server
from tests.databases import dynamodb_client, moto_server, redis_server
from tests.servers import scripted_server

Plant = Callable[[], None]
Exit = Callable[[Plant, Path], bytes]


def lines(plant: Plant, folder: Path, **settings: Any) -> bytes:
    """Plant and give what was written to the output, and to stderr by anybody."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(errors), obskit.configure(output=output, level="debug", **settings):
        plant()
    return (output.getvalue() + errors.getvalue()).encode()


def stdout(plant: Plant, folder: Path) -> bytes:
    """Standard output, followed where a test replaced it."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), obskit.configure():
        plant()
    return output.getvalue().encode()


def stderr(plant: Plant, folder: Path) -> bytes:
    """What libraries print to stderr, and what obskit itself says there."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), obskit.configure(output=Broken()), obskit.logs.redact_stderr():
        plant()
        traceback.print_exception(ConnectionError("canary-was-here"), file=sys.stderr)
    return errors.getvalue().encode()


class Broken:
    """A sink that quotes what it could not write."""

    def emit(self, line: bytes, /) -> None:
        """Fail with the line in the message."""
        raise OSError(line.decode()[:200])

    def close(self) -> None:
        """Do nothing."""


def files(plant: Plant, folder: Path) -> bytes:
    """Files that turn over, written by a queue, next to a filtered copy."""
    first = QueuedSink(FileSink(folder / "a.log", max_bytes=300_000))
    sink = TeeSink(first, FilteredSink(FileSink(folder / "b.log"), lambda line: True))
    with obskit.configure(output=sink) as runtime:
        plant()
        runtime.flush(5)
    return b"".join(path.read_bytes() for path in folder.iterdir())


def memory(plant: Plant, folder: Path) -> bytes:
    """Lines in memory."""
    sink: MemorySink[bytes] = MemorySink()
    with obskit.configure(output=sink):
        plant()
    return repr(sink.items).encode()


def captured(plant: Plant, folder: Path) -> bytes:
    """Events as a test sees them."""
    with obskit.configure(output=io.StringIO()), capture() as events:
        plant()
    return json.dumps(events, ensure_ascii=False).encode()


def record_handler(plant: Plant, folder: Path) -> bytes:
    """Events given on to `logging`."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    # Records of others pass `logging` as they are; what obskit gives on is looked at.
    handler.addFilter(lambda record: record.name == "canary")
    logging.getLogger().addHandler(handler)
    try:
        with obskit.configure(output=io.StringIO(), propagate=True):
            plant()
    finally:
        logging.getLogger().removeHandler(handler)
    return output.getvalue().encode()


def store_exit(
    open_store: Callable[[Path], contextlib.AbstractContextManager[tuple[Any, Callable[[], bytes]]]],
) -> Exit:
    """Make the exit of a trace store: its bytes, and every view of what it gives back."""

    def exit_of(plant: Plant, folder: Path) -> bytes:
        with open_store(folder) as (store, raw):
            with obskit.configure(output=io.StringIO(), trace_store=store):
                plant()
                store.flush(5)
                traces = store.recent("7")
                shown = [
                    render(trace, style=style)
                    for trace in traces
                    for style in ("text", "discord", "slack", "telegram")
                ]
                shown += [
                    repr(trace) + json.dumps(trace.to_dict(), default=str, ensure_ascii=False)
                    for trace in traces
                ]
                shown += [to_html(trace) for trace in traces]
                shown.append(json.dumps(to_otlp(*traces), ensure_ascii=False))
                shown.append(repr(store) + repr(store.stats()))
                stored = raw()
            return "\n".join(shown).encode() + stored + raw()

    return exit_of


@contextlib.contextmanager
def memory_store(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Traces in memory."""
    yield stores.MemoryTraceStore(), lambda: b""


@contextlib.contextmanager
def sqlite_store(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Traces in SQLite: all bytes of the database and its log."""
    path = folder / "traces.db"
    yield (
        stores.SQLiteTraceStore(path),
        lambda: b"".join(file.read_bytes() for file in folder.glob("traces.db*")),
    )


@contextlib.contextmanager
def redis_store(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Traces in Redis: all keys and values of a real server."""
    with redis_server(folder) as server:
        yield stores.RedisTraceStore(server.url), lambda: redis_bytes(server.client())


def redis_bytes(client: Any) -> bytes:
    """Give all that is in a Redis."""
    return b"".join(key + (client.dump(key) or b"") for key in client.scan_iter())


@contextlib.contextmanager
def dynamodb_store(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Traces in DynamoDB: all items of the table."""
    with moto_server() as address:
        client = dynamodb_client(address)
        store = stores.DynamoDBTraceStore("traces", client)
        store.create_table()
        yield store, lambda: table_bytes(client, "traces")


def table_bytes(client: Any, table: str) -> bytes:
    """Give all that is in a table; what is in it as bytes is shown as such."""
    return b"\n".join(
        value if type(value) is bytes else str(value).encode()
        for item in client.scan(TableName=table)["Items"]
        for name, typed in item.items()
        for value in (name, *typed.values())
    )


def otlp(plant: Plant, folder: Path) -> bytes:
    """Traces sent to a collector: its requests, and what the exporter says of itself."""
    with scripted_server() as collector:
        collector.answers[0] = (200, {}, b"{}")
        exporter = OTLPExporter(stores.MemoryTraceStore(), f"{collector.url}/v1/traces", compression="none")
        with obskit.configure(output=io.StringIO(), trace_store=exporter):
            plant()
            assert exporter.flush(10)
            shown = f"{exporter!r} {exporter.stats()}"
        bodies = b"".join(str(request.headers).encode() + request.body for request in collector.requests)
    return bodies + shown.encode()


def mail(plant: Plant, folder: Path) -> bytes:
    """Alerts by mail, as a real server takes them: as they came, and decoded."""
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        sink = local(port)
        with obskit.configure(output=io.StringIO(), alerter=(alerter := Alerter([sink]))):
            plant()
            assert alerter.flush(10)
    return "\n".join(f"{mail} {mail.get_content()} {sink!r}" for mail in mailbox.mails).encode()


def dedupe_exit(
    open_dedupe: Callable[[Path], contextlib.AbstractContextManager[tuple[Any, Callable[[], bytes]]]],
) -> Exit:
    """Make the exit of a place where alerts are remembered: its bytes, and its repr."""

    def exit_of(plant: Plant, folder: Path) -> bytes:
        console = io.StringIO()
        with open_dedupe(folder) as (marks, raw):
            alerter = Alerter([alert_sinks.Console(console)], dedupe=marks)
            with obskit.configure(output=io.StringIO(), alerter=alerter):
                plant()
                assert alerter.flush(10)
            stored = raw()
            assert stored
            return f"{marks!r} {console.getvalue()}".encode() + stored

    return exit_of


@contextlib.contextmanager
def sqlite_dedupe(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Marks in SQLite."""
    files = partial(folder.glob, "marks.db*")
    yield dedupe.SQLiteDedupe(folder / "marks.db"), lambda: b"".join(file.read_bytes() for file in files())


@contextlib.contextmanager
def redis_dedupe(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Marks in Redis."""
    with redis_server(folder) as server:
        yield dedupe.RedisDedupe(server.url), lambda: redis_bytes(server.client())


@contextlib.contextmanager
def dynamodb_dedupe(folder: Path) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Marks in DynamoDB."""
    with moto_server() as address:
        client = dynamodb_client(address)
        marks = dedupe.DynamoDBDedupe("marks", client)
        marks.create_table()
        yield marks, lambda: table_bytes(client, "marks")


def alert_exit(make: Callable[[str], Any]) -> Exit:
    """Make the exit of an alert sink that speaks HTTP: the bodies of its requests, and its repr."""

    def exit_of(plant: Plant, folder: Path) -> bytes:
        with scripted_server() as server:
            server.answers.appendleft((200, {"Content-Type": "application/json"}, b'{"ok": true, "id": "1"}'))
            sink = make(server.url)
            alerter = Alerter([sink], spool=folder / "spool.db")
            with obskit.configure(output=io.StringIO(), alerter=alerter):
                plant()
                alerter.flush(10)
                shown = repr(sink) + repr(alerter) + repr(alerter.stats())
            bodies = b"".join(request.body for request in server.requests)
        return bodies + shown.encode() + b"".join(path.read_bytes() for path in folder.glob("spool.db*"))

    return exit_of


def local_alerts(plant: Plant, folder: Path) -> bytes:
    """Alerts on the console, in memory and in a function of the program."""
    given: list[Any] = []
    console, kept = io.StringIO(), alert_sinks.Memory()
    alerter = Alerter([alert_sinks.Console(console), kept, alert_sinks.Callback(given.append)])
    with obskit.configure(output=io.StringIO(), alerter=alerter):
        plant()
        alerter.flush(5)
    return (console.getvalue() + repr(kept.alerts) + repr(given)).encode()


def own_objects(plant: Plant, folder: Path) -> bytes:
    """The repr, the text and the counts of what obskit is made of."""
    with obskit.configure(
        output=io.StringIO(), redactor=Redactor(fingerprint_key=b"fingerprint-key-of-canary")
    ) as runtime:
        plant()
        gate = current().gate
        parts = (runtime, runtime.logs, runtime.trace_store, runtime.alerter, gate, Gate, gate.redactor)
        shown = [f"{part!r} {part}" for part in parts]
        shown += [repr(runtime.stats()), repr(obskit.get_logger("x").bind(a=1)), "canary-was-here"]
    assert "fingerprint-key-of-canary" not in str(shown)
    return "\n".join(shown).encode()


_SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "ecs": {"schema": "ecs"},
    "gcp": {"schema": "gcp"},
    "datadog": {"schema": "datadog"},
    "otel": {"schema": "otel"},
    "lambda": {"schema": "lambda"},
    "report": {"redactor": Redactor(report=True)},
    "paths": {"redactor": Redactor(keys=["a.b"])},
}

#: One of each kind of exit, for every run of the tests.
EXITS: dict[str, Exit] = {
    "stdout": stdout,
    "stderr": stderr,
    "files": files,
    "captured events": captured,
    "logging": record_handler,
    "lines, console": partial(lines, format="console"),
    "traces in SQLite": store_exit(sqlite_store),
    "traces to a collector": otlp,
    "Discord webhook": alert_exit(
        lambda url: alert_sinks.DiscordWebhook(f"{url}/api/webhooks/123456789012345678/{'x' * 68}")
    ),
    "mail": mail,
    "marks of alerts in SQLite": dedupe_exit(sqlite_dedupe),
    "local alerts": local_alerts,
    "own objects": own_objects,
}
#: All others, for the complete run.
SLOW: dict[str, Exit] = {
    "memory": memory,
    **{f"lines, {name}": partial(lines, **settings) for name, settings in _SETTINGS.items()},
    "traces in memory": store_exit(memory_store),
    "traces in Redis": store_exit(redis_store),
    "traces in DynamoDB": store_exit(dynamodb_store),
    "Discord channel": alert_exit(
        lambda url: alert_sinks.DiscordChannel("bot-token-of-test", "123456789012345678", base_url=url)
    ),
    "Slack webhook": alert_exit(
        lambda url: alert_sinks.SlackWebhook(f"{url}/services/T00000000/B00000000/{'x' * 24}")
    ),
    "Telegram chat": alert_exit(
        lambda url: alert_sinks.TelegramChat("123456789:" + "x" * 35, 42, base_url=url)
    ),
    "webhook": alert_exit(alert_sinks.Webhook),
    "Alertmanager": alert_exit(alert_sinks.Alertmanager),
    "PagerDuty": alert_exit(lambda url: alert_sinks.PagerDuty("a1" * 16, base_url=url)),
    "Apprise": alert_exit(lambda url: alert_sinks.Apprise(url.replace("http:", "json:"))),
    "marks of alerts in Redis": dedupe_exit(redis_dedupe),
    "marks of alerts in DynamoDB": dedupe_exit(dynamodb_dedupe),
}
