"""Sinks inside the process show alerts as they would be sent."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from hypothesis import given

from obskit.alerts import Delivery
from obskit.alerts.sinks import Callback, Console, Memory
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError
from tests.alerts.messages import RUN, START_NS, TRACE_ID, alert, delivery, hostile_deliveries


def test_console_writes_plain_text_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """To the stderr of the moment."""
    sink = Console()
    sink.emit(delivery(alert(trace_id=TRACE_ID, links={"Run": RUN}, fields={"n": [1]})))
    sink.close()
    assert capsys.readouterr().err == (
        f"⚠️ ERROR orders\nGitHub answered 502\nn: [1]\nTrace: {TRACE_ID}\nRun: {RUN}\n"
    )


def test_console_escapes_what_a_stream_cannot_encode() -> None:
    """An ASCII terminal gets the alert too."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Console(stream).emit(delivery())
    assert raw.getvalue().startswith(b"\\u26a0\\ufe0f ERROR orders\n")


@given(hostile_deliveries)
def test_console_takes_everything_and_obeys_no_escape_sequence(message: Delivery) -> None:
    """A terminal is not driven by what an alert quotes."""
    stream = io.StringIO()
    Console(stream).emit(message)
    assert not any(ord(character) < 32 and character not in "\n\t" for character in stream.getvalue())


def test_console_without_a_stream_fails_as_a_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    """A windowed program has no stderr."""
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SinkError):
        Console().emit(delivery())


@pytest.mark.parametrize("stream", ["stderr", 2])
def test_console_wants_a_stream(stream: Any) -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match=r"stream must be a stream with write\(\)"):
        Console(stream)


def test_memory_keeps_what_would_be_sent() -> None:
    """The newest alerts, each with the count of what was suppressed."""
    sink = Memory(capacity=2)
    for text, count in (("a", 0), ("b", 0), ("c", 3)):
        sink.emit(delivery(alert(text), repeats=Repeats(count, START_NS, START_NS)))
    sink.close()
    assert [(kept.message, dict(kept.fields)) for kept in sink.alerts] == [
        ("b", {}),
        ("c", {"repeats": "+3 more at 22:13:20 UTC"}),
    ]
    assert [kept.repeats.count for kept in sink.deliveries] == [0, 3]


def test_callback_gets_each_message() -> None:
    """A function is a sink."""
    got: list[Delivery] = []
    sink, message = Callback(got.append), delivery()
    sink.emit(message)
    sink.close()
    assert got == [message]


def test_callback_wants_a_function() -> None:
    """The error names the setting."""
    with pytest.raises(ConfigError, match="function must be callable, got 'print'"):
        Callback("print")  # type: ignore[arg-type]
