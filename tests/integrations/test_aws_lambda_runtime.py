"""The same under AWS's own runtime client, in a process that is frozen between invocations or forks."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3

from obskit.testing import assert_no_secret
from obskit.traces.stores import SQLiteTraceStore
from standins.aws import LambdaStandIn
from tests.programs import environment, free_port, running
from tests.servers import scripted_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the runtime client is for Linux"),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "frameworks" / "aws_lambda.py"
SECRET = "correct-" + "horse-battery"
FAILING = {"item": "unknown", "user": "42", "password": SECRET}
FUNCTION = """
import os

import obskit
from obskit.integrations.aws_lambda import observed

runtime = obskit.configure(service="shop", alert_level="error")
log = obskit.get_logger("orders")

@observed(user_id=lambda event: event.get("user"), flush_timeout=float(os.environ.get("SECONDS", "20")))
async def handler(event, context):
    if event.get("fails"):
        raise LookupError("no tea")
    log.info("at work")
    return {"pid": os.getpid(), "delivered": runtime.stats()["alerts_delivered"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the function's code lies."""
    (tmp_path / "function.py").write_text(FUNCTION)
    shutil.copy(EXAMPLE, tmp_path / "example.py")
    return tmp_path


def slowly(connection: socket.socket) -> None:
    """Answer that all is well, after longer than a process goes on without being asked to."""
    time.sleep(0.5)
    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def emulator() -> str:
    """Return the path of AWS's emulator, which the wheel of its command line brings along."""
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "x86_64")
    place = environment("aws-sam-cli", "--no-deps", "aws-sam-cli==1.170.0")
    (path,) = place.glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}")
    path.chmod(0o755)
    return str(path)


def ask(port: int, event: object) -> Any:
    """Invoke the function behind the emulator, which takes a moment to be there."""
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    with urllib3.PoolManager(retries=urllib3.Retry(10, backoff_factor=0.1), timeout=60.0) as http:
        return http.request("POST", url, body=json.dumps(event)).json()


def alerts_to(url: str) -> dict[str, str]:
    """Make settings for alerts."""
    return {"ENABLE_ALERTS": "true", "OBSKIT_ALERT_SINKS": f"webhook+{url}"}


def test_the_example_shows_trace_user_alert_and_no_secret(folder: Path) -> None:
    """One line with the traceback per failure, one alert for both, and a runtime that prints no secret."""
    with (
        scripted_server() as team,
        LambdaStandIn("example.handler", folder, alerts_to(team.url)) as function,
    ):
        assert function.invoke({"item": "tea", "user": "42", "password": SECRET}).answer == {"price": 3}
        failed = [function.invoke(FAILING) for _ in range(2)]
        lines, output, alerts = function.lines(), function.output(), list(team.requests)
    assert [line["cold_start"] for line in lines if line.get("event") == "command.end"] == [
        True,
        False,
        False,
    ]
    with_traceback = [line for line in lines if "\n" in line.get("stackTrace", "")]
    assert [line["requestId"] for line in with_traceback] == [call.request_id for call in failed]
    assert {(line["message"], line["user_id"]) for line in with_traceback} == {("order failed", "42")}
    assert len(alerts) == 1
    assert [call.error and call.error["errorType"] for call in failed] == ["LookupError", "LookupError"]
    told = [output, *(call.fault for call in failed), *map(str, (call.error for call in failed))]
    assert_no_secret(told, SECRET)
    assert SECRET.encode() not in alerts[0].body


def test_all_is_written_before_the_freeze(folder: Path) -> None:
    """When the answer is there, the alert has been taken and the trace is on disk."""
    place = folder / "traces.db"
    with scripted_server() as team:
        team.answers.appendleft(slowly)
        settings = {**alerts_to(team.url), "OBSKIT_TRACE_STORE": f"sqlite:///{place}"}
        with LambdaStandIn("function.handler", folder, settings) as function:
            assert function.invoke({"user": "42", "fails": True}).error is not None
            store = SQLiteTraceStore(place)
            kept = store.last("42")
            store.close()
            assert function.invoke({}).answer["delivered"] == 1
    assert kept is not None
    assert (kept.command, kept.status, str(kept.error)) == ("stand-in", "error", "LookupError: no tea")


def test_what_the_freeze_interrupts_is_told_and_goes_on(folder: Path) -> None:
    """A team that cannot be reached holds no answer up; it is told when the process runs again."""
    with scripted_server() as team:
        team.answers.appendleft((503, {"Retry-After": "1"}, b""))
        settings = {**alerts_to(team.url), "SECONDS": "0.3"}
        with LambdaStandIn("function.handler", folder, settings) as function:
            failed = function.invoke({"fails": True})
            (told,) = function.lines(message="Frozen before all was written")
            deadline = time.monotonic() + 60
            while not (delivered := function.invoke({}).answer["delivered"]):
                assert time.monotonic() < deadline
    assert (told["requestId"], told["pending"]["alerts_pending"]) == (failed.request_id, 1)
    assert told["trace"]["error"]["type"] == "LookupError"
    assert delivered == 1


def test_a_runtime_that_forks_has_whole_lines_of_each_process(folder: Path) -> None:
    """With several invocations at a time, each worker has its own cold start and its own traces."""
    with (
        LambdaStandIn("function.handler", folder, {}, workers=3) as function,
        ThreadPoolExecutor(8) as callers,
    ):
        calls = list(callers.map(function.invoke, [{"user": str(n)} for n in range(24)]))
        ends = function.lines(event="command.end")
    assert {line["requestId"] for line in ends} == {call.request_id for call in calls}
    assert len({line["trace_id"] for line in ends}) == 24
    assert sum(line["cold_start"] for line in ends) == len({call.answer["pid"] for call in calls})


def test_the_emulator_of_aws_shows_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind AWS's own runtime interface emulator, which has a Runtime API of its own."""
    for name, value in {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_FUNCTION_NAME": "shop"}.items():
        monkeypatch.setenv(name, value)
    front, back = free_port(), free_port()
    places = [f"--runtime-interface-emulator-address=127.0.0.1:{front}"]
    places += [f"--runtime-api-address=127.0.0.1:{back}"]
    with running(emulator(), *places, sys.executable, "-m", "awslambdaric", "example.handler", cwd=folder):
        assert ask(front, {"item": "tea"}) == {"price": 3}
        error = ask(front, FAILING)
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no price: password=***")
