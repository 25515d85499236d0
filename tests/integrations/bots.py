"""How tests look at what a bot that is observed writes, keeps and sends."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import web
from aiohttp.test_utils import RawTestServer

import obskit
from obskit.alerts import Alert, Alerter
from obskit.alerts.sinks import Memory
from obskit.testing import assert_no_secret
from obskit.traces import MemoryTraceStore

#: What Telegram knows of a bot, and of a user who talks to it.
TOKEN = "123456789:" + "AAfake_" * 5
BOT = {"id": 99, "is_bot": True, "first_name": "bot", "username": "some_bot"}
USER = {"id": 42, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 7, "type": "private", "first_name": "Ann"}

EXAMPLES = Path(__file__).parents[2] / "examples" / "frameworks"


@dataclass(frozen=True, slots=True)
class Observed:
    """What came out of a program so far."""

    runtime: obskit.Runtime
    output: io.BytesIO
    memory: Memory

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the lines that have all the fields *wanted*."""
        found = [json.loads(line) for line in self.output.getvalue().splitlines()]
        return [line for line in found if wanted.items() <= line.items()]

    def ends(self) -> list[tuple[str, str]]:
        """Return command and outcome of each trace that has ended."""
        return [(line["cmd"], line["outcome"]) for line in self.lines(event="command.end")]

    def stacks(self) -> list[dict[str, Any]]:
        """Return the lines with a traceback."""
        return [line for line in self.lines() if "stack" in line]

    def alerts(self) -> list[Alert]:
        """Return the alerts that were delivered."""
        assert self.runtime.flush(5)
        return self.memory.alerts

    def shows_none_of(self, *secrets: str) -> None:
        """Fail where a line shows a secret."""
        assert_no_secret(self.output.getvalue().decode(), *secrets)


@contextmanager
def observed(level: str = "info") -> Iterator[Observed]:
    """Set obskit up as a bot does that wants alerts."""
    output, memory = io.BytesIO(), Memory()
    with obskit.configure(
        service="bot",
        level=level,
        output=output,
        trace_store=MemoryTraceStore(),
        alerter=Alerter([memory]),
        alert_level="error",
        hooks=False,
    ) as runtime:
        yield Observed(runtime, output, memory)


def example(name: str) -> ModuleType:
    """Load an example anew, as if it had just been started."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def fake_api(answers: dict[str, Any]) -> AsyncIterator[tuple[str, list[str]]]:
    """
    Serve a web API on loopback, of which *answers* has the bodies by the end of their path.

    Yields its address, and the paths that were asked for.
    """
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        body: Any = next((body for end, body in answers.items() if request.path.endswith(end)), {})
        # As the services write the type: without a charset.
        return web.Response(body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})

    async with RawTestServer(answer, host="127.0.0.1") as server:
        yield str(server.make_url("/")), asked


def message(text: str) -> dict[str, Any]:
    """Return the update with which Telegram tells that a user wrote *text*."""
    length = len(text.split(maxsplit=1)[0])
    command = [{"type": "bot_command", "offset": 0, "length": length}] if text.startswith("/") else []
    said = {"message_id": 1, "date": 0, "chat": CHAT, "from": USER, "text": text, "entities": command}
    return {"update_id": 1, "message": said}


def callback_query(data: str) -> dict[str, Any]:
    """Return the update with which Telegram tells that a user pressed a button."""
    shown = {"message_id": 1, "date": 0, "chat": CHAT, "from": BOT, "text": "/menu"}
    pressed = {"id": "1", "from": USER, "chat_instance": "1", "message": shown, "data": data}
    return {"update_id": 2, "callback_query": pressed}
