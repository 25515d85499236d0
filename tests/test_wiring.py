"""Settings come from arguments, then from the environment, and a wrong one is a clear error."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import obskit
from obskit import runtime
from obskit.errors import ConfigError, MissingExtra
from obskit.testing import FakeClock


def log_one(stream: io.BytesIO | None = None, **settings: Any) -> dict[str, Any]:
    """Configure, log one line, and return it decoded."""
    output = stream or io.BytesIO()
    with obskit.configure(output=output, capture_logging=False, hooks=False, **settings):
        obskit.get_logger().info("x")
    decoded: dict[str, Any] = json.loads(output.getvalue())
    return decoded


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is argument, environment, default."""
    assert log_one()["service"] == "app"
    monkeypatch.setenv("OBSKIT_SERVICE", "from-environment")
    assert log_one()["service"] == "from-environment"
    assert log_one(service="from-argument")["service"] == "from-argument"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": "loud"}, "level must be one of"),
        ({"levels": {"httpx": "loud"}}, r"levels\['httpx'\] must be one of"),
        ({"format": "xml"}, "format must be one of json, console, got 'xml'"),
        ({"schema": "ours"}, "schema must be one of default, lambda, ecs, gcp, datadog, otel, got 'ours'"),
        ({"service": 3}, "service must be text, got 3"),
        ({"redactor": len}, "redactor must be a Redactor"),
        ({"trace_store": {}}, "trace_store must be a TraceStore, got dict"),
        ({"alerter": []}, "alerter must be an Alerter, got list"),
        ({"clock": 3}, "clock must be a Clock"),
        ({"levels": ["a"]}, "levels must be a mapping"),
        ({"levels": {3: "info"}}, "levels must be a mapping"),
        ({"output": 3}, "output must be a stream, a path or a sink"),
    ],
)
def test_a_wrong_argument_is_one_clear_error(settings: dict[str, Any], message: str) -> None:
    """The error names the setting, what it got and what it takes; the set-up in force stays."""
    before = runtime.current()
    with pytest.raises(ConfigError, match=message):
        obskit.configure(**settings)
    assert runtime.current() is before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OBSKIT_LEVEL", "loud"),
        ("OBSKIT_ALERT_LEVEL", "loud"),
        ("OBSKIT_FORMAT", "xml"),
        ("OBSKIT_SCHEMA", "ours"),
        ("OBSKIT_TRACE_STORE", "mongo://ada:not-a-real-password@db"),
    ],
)
def test_a_wrong_variable_is_an_error_at_set_up_only(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """configure() raises; a program that never configures logs with defaults and is told why."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        obskit.configure()
    runtime.CELL.runtime = None
    obskit.get_logger().info("still here")
    out = capsys.readouterr().out
    assert [json.loads(line)["level"] for line in out.splitlines()] == ["warn", "info"]
    assert "not-a-real-password" not in out


def test_output_to_a_path_appends_lines(tmp_path: Path) -> None:
    """A path is opened as a file."""
    path = tmp_path / "log"
    with obskit.configure(output=path, capture_logging=False, hooks=False):
        obskit.get_logger().info("x")
    assert json.loads(path.read_text())["msg"] == "x"


def test_output_to_a_text_stream_writes_text() -> None:
    """A StringIO gets lines as text."""
    stream = io.StringIO()
    with obskit.configure(output=stream, capture_logging=False, hooks=False):
        obskit.get_logger().info("x")
    assert json.loads(stream.getvalue())["msg"] == "x"


def test_closing_twice_and_reconfiguring_leave_a_working_logger(capsys: pytest.CaptureFixture[str]) -> None:
    """After close() a logger works as if nobody had configured."""
    first = obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False)
    first.close()
    first.close()
    obskit.get_logger().info("after")
    assert "after" in capsys.readouterr().out


def test_a_part_that_both_set_ups_use_stays_open() -> None:
    """Configuring anew with the same store does not close it."""
    store = obskit.traces.stores.MemoryTraceStore()
    obskit.configure(trace_store=store, output=io.BytesIO(), capture_logging=False, hooks=False)
    with obskit.configure(trace_store=store, output=io.BytesIO(), capture_logging=False, hooks=False):
        with obskit.trace("/status", user_id="42"):
            pass
        assert obskit.get_trace_store().last("42") is not None


def test_flush_and_stats_speak_for_all_parts() -> None:
    """The runtime's counters carry the names of their parts."""
    with obskit.configure(
        output=io.BytesIO(), capture_logging=False, hooks=False, clock=FakeClock()
    ) as built:
        obskit.get_logger().info("x", token="not-a-real-token-0001")
        assert built.flush(1.0)
        stats = built.stats()
    assert stats["logs_written"] == 1
    assert stats["redaction_redacted"] == 1
    assert stats["alerts_sent"] == 0
    assert {name.partition("_")[0] for name in stats} == {"logs", "traces", "alerts", "redaction"}


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("false", False), ("", False), (None, False)]
)
def test_a_flag_is_exactly_true_or_false(
    value: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not set or empty is the default."""
    if value is not None:
        monkeypatch.setenv("ENABLE_DEBUG_CMD", value)
    assert obskit.env_flag("ENABLE_DEBUG_CMD") is expected
    assert obskit.env_flag("SOME_OTHER_FLAG", default=True) is True


@pytest.mark.parametrize("value", ["false  # Keep alerts off", "TRUE", "1", "yes", " true"])
def test_anything_else_is_off_and_told_once(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A switch that cannot be read stays off, and one line says so."""
    obskit.configure(capture_logging=False, hooks=False)
    monkeypatch.setenv("ENABLE_DEBUG_CMD", value)
    assert obskit.env_flag("ENABLE_DEBUG_CMD", default=True) is False
    assert obskit.env_flag("ENABLE_DEBUG_CMD") is False
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], "ENABLE_DEBUG_CMD must be true or false" in line["msg"]) for line in lines] == [
        ("warn", True)
    ]


def test_alerts_are_off_unless_asked_for() -> None:
    """Without ENABLE_ALERTS an alert is answered with `disabled`."""
    with obskit.configure(capture_logging=False, hooks=False):
        assert obskit.alert("error", "x").outcome == "disabled"


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "ALERT_CHANNEL_ID"),
        ({"ALERT_CHANNEL_ID": "1234567890123456789"}, "DISCORD_BOT_TOKEN"),
    ],
)
def test_alerts_without_a_channel_are_off_and_told_once(
    variables: dict[str, str],
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A half set-up does not stop the program; one warning names what is missing."""
    monkeypatch.setenv("ENABLE_ALERTS", "true")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    obskit.configure(capture_logging=False, hooks=False)
    assert obskit.alert("error", "x").outcome == "disabled"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["msg"]) for line in lines] == [
        ("warn", f"ENABLE_ALERTS is true but {missing} is not set: alerts are off")
    ]


@pytest.mark.parametrize("value", ["soon", "-1", "0", "inf", "nan"])
def test_an_alert_window_that_is_no_time_is_told(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default window is taken instead."""
    monkeypatch.setenv("ALERT_WINDOW_SECONDS", value)
    obskit.configure(capture_logging=False, hooks=False)
    assert "ALERT_WINDOW_SECONDS must be seconds above 0" in capsys.readouterr().out


def test_secrets_of_the_environment_are_hidden_wherever_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """register_env() registers values; what is missing or too short is passed over."""
    secret = "correct-horse-battery"
    monkeypatch.setenv("DB_PASSWORD", secret)
    monkeypatch.setenv("SHORT", "abc")
    obskit.register_env("DB_PASSWORD", "SHORT", "NOT_SET")
    try:
        assert secret not in obskit.redact_text(f"login with {secret} failed")
    finally:
        obskit.unregister_secret(secret)


def test_without_orjson_lines_are_the_same(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The extra `fast` is a matter of speed alone."""
    lines = []
    for installed in (True, False):
        if not installed:
            monkeypatch.setitem(sys.modules, "orjson", None)
        with obskit.configure(clock=FakeClock(), capture_logging=False, hooks=False):
            for _ in range(150):  # it is loaded after a hundred lines
                obskit.get_logger().info("é\n", number=1.5, nested={"a": [1, None, True]}, token="abc")
        lines.append(capsysbinary.readouterr().out)
    assert lines[0] == lines[1] != b""
    assert len(set(lines[0].splitlines())) == 1


def test_sink_urls_choose_who_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several, separated by spaces; without ENABLE_ALERTS nobody is told."""
    monkeypatch.setenv("OBSKIT_ALERT_SINKS", "console: webhook+https://example.com/hook")
    with obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False) as runtime:
        assert obskit.alert("error", "quiet").outcome == "disabled"
    monkeypatch.setenv("ENABLE_ALERTS", "true")
    with obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False) as runtime:
        lanes = runtime.alerter._lanes  # type: ignore[attr-defined]
        assert [lane.name for lane in lanes] == ["Console-1", "Webhook-2"]
    monkeypatch.setenv("OBSKIT_ALERT_SINKS", "console:")
    with obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False):
        assert obskit.alert("error", "loud").wait(5) == "delivered"
    assert "loud" in capsys.readouterr().err


def test_a_channel_and_sink_urls_are_both_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The Discord channel of the original comes on top, and the spool keeps everybody's messages."""
    settings = {
        "ENABLE_ALERTS": "true",
        "OBSKIT_ALERT_SINKS": "console:",
        "ALERT_CHANNEL_ID": "1" * 18,
        "DISCORD_BOT_TOKEN": "fake" * 5,
        "OBSKIT_ALERT_SPOOL": str(tmp_path / "spool.db"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False) as runtime:
        lanes = runtime.alerter._lanes  # type: ignore[attr-defined]
        assert [lane.name for lane in lanes] == ["Console-1", "DiscordChannel-2"]
    assert (tmp_path / "spool.db").exists()


def test_processes_set_up_from_the_environment_share_what_people_were_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one counts what the first has told."""
    monkeypatch.setenv("ENABLE_ALERTS", "true")
    monkeypatch.setenv("OBSKIT_ALERT_SINKS", "console:")
    monkeypatch.setenv("OBSKIT_ALERT_DEDUPE", f"sqlite:///{tmp_path}/alerts.db")
    results = []
    for _ in range(2):
        with obskit.configure(output=io.BytesIO(), capture_logging=False, hooks=False):
            results.append(obskit.alert("error", "disk is full").wait(5))
    assert results == ["delivered", "duplicate"]
    assert capsys.readouterr().err.count("disk is full") == 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OBSKIT_ALERT_DEDUPE", "carrier-pigeon://not-a-real-secret@home", "must be memory:, sqlite:///file"),
        ("OBSKIT_ALERT_SPOOL", "/no/such/folder/spool.db", "spool must be the path of an SQLite file"),
        ("ALERT_WINDOW_SECONDS", "2e9", r"window must be at most 1e\+09 seconds"),
        ("ALERT_CHANNEL_ID", "not-a-real-secret", "channel_id must be the number of a Discord channel"),
        ("DISCORD_API_BASE", "http://example.com/not-a-real-secret", "base_url must be an https:// URL"),
    ],
)
def test_a_wrong_place_for_alerts_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    """It names the variable, and shows no password."""
    monkeypatch.setenv("ENABLE_ALERTS", "true")
    monkeypatch.setenv("OBSKIT_ALERT_SINKS", "console:")
    monkeypatch.setenv("ALERT_CHANNEL_ID", "1" * 18)
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "fake" * 5)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=f"{variable}.*: {message}") as caught:
        obskit.configure()
    assert "not-a-real-secret" not in str(caught.value)


def test_a_wrong_sink_url_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable and the number of the URL, and shows none."""
    monkeypatch.setenv("ENABLE_ALERTS", "true")
    monkeypatch.setenv("OBSKIT_ALERT_SINKS", "console: carrier-pigeon://not-a-real-secret@home")
    with pytest.raises(ConfigError, match="OBSKIT_ALERT_SINKS, URL 2: ") as caught:
        obskit.configure()
    assert "not-a-real-secret" not in str(caught.value)


def test_a_store_whose_library_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is what helps, more than the variable."""
    monkeypatch.setenv("OBSKIT_TRACE_STORE", "redis://127.0.0.1:1/0")
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtra, match="redis"):
        obskit.configure(capture_logging=False, hooks=False)
