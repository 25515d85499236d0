"""Under the real runtime client of AWS Lambda each event and each record is one line, with its level."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the runtime client is for Linux"),
]

FUNCTION = """
import logging
import obskit

obskit.configure(service="shop")
log = obskit.get_logger("orders")

def handle(event, context):
    with obskit.bound_context(request_id=context.aws_request_id):
        log.warn("low stock", left=2)
        log.critical("sold out")
        logging.getLogger("library").error("refused")
    return {}
"""
#: Runs the runtime's own loop, in the way of its own start, for one invocation.
RUNTIME = """
import sys
from types import SimpleNamespace
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

class Client:
    marshaller = LambdaMarshaller()
    requests = [
        SimpleNamespace(
            invoke_id="r-1", x_amzn_trace_id=None, event_body="{}", content_type="application/json",
            client_context=None, cognito_identity=None, invoked_function_arn="arn:fn", tenant_id=None,
            deadline_time_in_ms=2_000_000_000_000, invocation_id=None,
        )
    ]

    def wait_next_invocation(self):
        return self.requests.pop() if self.requests else sys.exit(0)

    def post_invocation_result(self, *args, **kwargs):
        pass

bootstrap.run("function.handle", Client())
"""


@pytest.fixture
def telemetry(tmp_path: Path) -> Path:
    """The file behind the descriptor that the platform hands to its runtime."""
    return tmp_path / "telemetry"


def invoke(folder: Path, telemetry: Path | None, **settings: str) -> list[dict[str, Any]]:
    """Run the function once and return what it wrote to stdout."""
    (folder / "function.py").write_text(FUNCTION)
    environment = {
        **os.environ,
        **settings,
        "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    descriptors: list[int] = []
    if telemetry is not None:
        descriptors = [os.open(telemetry, os.O_WRONLY | os.O_CREAT)]
        environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(descriptors[0])
    done = subprocess.run(
        [sys.executable, "-c", RUNTIME],
        env=environment,
        pass_fds=descriptors,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    for descriptor in descriptors:
        os.close(descriptor)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_json_logs_carry_the_levels_that_the_platform_knows(tmp_path: Path, telemetry: Path) -> None:
    """Its own handler is gone from the root: nothing comes out twice, on stdout or on its descriptor."""
    lines = invoke(tmp_path, telemetry, AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="INFO")
    assert [(line["level"], line["message"], line["logger"]) for line in lines] == [
        ("WARN", "low stock", "orders"),
        ("FATAL", "sold out", "orders"),
        ("ERROR", "refused", "library"),
    ]
    assert {line["requestId"] for line in lines} == {"r-1"}
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert telemetry.read_bytes() == b""


def test_text_logs_carry_the_default_schema(tmp_path: Path) -> None:
    """Without JSON logs the platform does not look into lines, and they have their usual names."""
    lines = invoke(tmp_path, None, AWS_LAMBDA_LOG_FORMAT="Text")
    assert [(line["level"], line["msg"]) for line in lines] == [
        ("warn", "low stock"),
        ("critical", "sold out"),
        ("error", "refused"),
    ]
