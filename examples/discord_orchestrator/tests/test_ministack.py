"""
The template, deployed to a stand-in for AWS as a whole, which has a virtual environment of its own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

import obskit
from standins import DiscordStandIn, Signer
from tests.databases import wait_for_port
from tests.programs import environment, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the code is made for Linux"),
]

#: With what the template needs, and what the bot does, which it runs by its own Python.
MINISTACK = ("ministack==1.5.33", "aws-sam-translator==1.115.0", "PyNaCl==1.6.2", "urllib3==2.8.0")
APP = Path(__file__).parents[1]
SECRET = "discord-orchestrator"
Client = Callable[[str], Any]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Client]:
    """Start it on loopback; gives a maker of clients."""
    boto3 = pytest.importorskip("boto3")
    python = environment("ministack", *MINISTACK) / "bin" / "python"
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    with (tmp_path / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [str(python), "-m", "ministack"],
            cwd=tmp_path,
            env={"PATH": f"{python.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), **settings},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_port(port)
        yield lambda service: boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=address,
            aws_access_key_id="000000000000",
            aws_secret_access_key="nothing",
        )
    finally:
        process.terminate()
        process.wait(15)


def code() -> bytes:
    """Pack the bot and obskit as the template wants them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for package in (APP / "orchestrator", Path(obskit.__file__).parent):
            for path in package.rglob("*.py"):
                archive.write(path, path.relative_to(package.parent))
    return packed.getvalue()


def deploy(aws: Client, settings: dict[str, str]) -> str:
    """Deploy the template; returns the address of the function."""
    aws("s3").create_bucket(Bucket="code")
    aws("s3").put_object(Bucket="code", Key="bot.zip", Body=code())
    secrets = {name: settings[name] for name in ("DISCORD_BOT_TOKEN", "GITHUB_TOKEN")}
    aws("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(secrets))
    template = (
        (APP / "template.yaml").read_text("utf-8").replace("CodeUri: build/", "CodeUri: s3://code/bot.zip")
    )
    for name in ("DISCORD_API_BASE", "GITHUB_API_BASE"):
        variable = f"        Variables:\n          {name}: {settings[name]}\n".replace("        V", "V", 1)
        template = template.replace("Variables:\n", variable, 1)
    parameters = {
        "DiscordApplicationId": settings["DISCORD_APPLICATION_ID"],
        "DiscordPublicKey": settings["DISCORD_PUBLIC_KEY"],
        "GitHubRepository": settings["GITHUB_REPOSITORY"],
        "EnableDebugCmd": "true",
    }
    aws("cloudformation").create_stack(
        StackName="orchestrator",
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    aws("cloudformation").get_waiter("stack_create_complete").wait(
        StackName="orchestrator", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (stack,) = aws("cloudformation").describe_stacks(StackName="orchestrator")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return str(outputs["InteractionsEndpoint"])


def test_the_template_makes_a_bot_that_works(
    aws: Client, settings: dict[str, str], signer: Signer, discord: DiscordStandIn
) -> None:
    """
    A signed ping, a tampered one, and a command whose work is another invocation and is remembered.
    """
    name = deploy(aws, settings).split("//")[1].partition(".")[0]
    url = f"{aws('lambda').meta.endpoint_url}/_aws/lambda-url/{name}/"
    user = "80351110224678912"

    def send(interaction: dict[str, Any], *, tamper: bool = False) -> tuple[int, Any]:
        body = json.dumps(interaction).encode()
        headers = signer.headers(body)
        reply = urllib3.request("POST", url, body=body + b" " * tamper, headers=headers, timeout=60)
        return reply.status, reply.json()

    assert send({"id": "1", "type": 1}) == (200, {"type": 1})
    assert send({"id": "1", "type": 1}, tamper=True)[0] == 401
    interaction = signer.command("diagnose", user_id=user, options={"target": "api"})
    assert send(interaction) == (200, {"type": 5, "data": {"flags": 64}})
    assert "Diagnosis of api" in discord.edit_of(interaction["token"])
    give_up = time.monotonic() + 60
    while "Wait for run" not in (
        shown := send(signer.command("debug-last", user_id=user))[1]["data"]["content"]
    ):
        assert time.monotonic() < give_up, shown
    (group,) = aws("logs").describe_log_groups()["logGroups"]
    events = aws("logs").filter_log_events(logGroupName=group["logGroupName"])["events"]
    lines = [event["message"] for event in events]
    assert any('"command.end"' in line for line in lines)
    for secret in (discord.bot_token, settings["GITHUB_TOKEN"], interaction["token"]):
        assert secret not in "".join(lines)
