"""
The real bot in this process, without a server and without waiting.
"""

from __future__ import annotations

import io
import json
from threading import Event
from typing import Any

import obskit
from obskit.alerts import Alerter
from obskit.alerts.sinks import Memory
from obskit.testing import FakeClock
from orchestrator.app import Command, Orchestrator
from orchestrator.config import Config
from orchestrator.github import GitHub

from .signer import Signer


class Bot:
    """The orchestrator in this process; what is to be done later is done by `finish()`."""

    def __init__(self, config: Config, signer: Signer) -> None:
        self.lines = io.BytesIO()
        self.alerts = Memory()
        self.clock = FakeClock()  #: of the alerts' windows
        self.runtime = obskit.configure(
            output=self.lines,
            alerter=Alerter([self.alerts], clock=self.clock),
            capture_logging=False,
            hooks=False,
        )
        github = GitHub(config, closing=Event(), first_pause=0.001)
        self.waiting: list[Command] = []
        self.orchestrator = Orchestrator(config, self.runtime, github, later=self._later)
        self._signer = signer

    def _later(self, command: Command) -> None:
        self.waiting.append(command)

    def ask(self, interaction: dict[str, Any]) -> dict[str, Any]:
        """Sign and send *interaction*; returns the answer and its status."""
        body = json.dumps(interaction).encode()
        headers = {name.lower(): value for name, value in self._signer.headers(body).items()}
        status, answer = self.orchestrator.handle(headers, body)
        return {"status": status, **answer}

    def finish(self) -> None:
        """Do what is to be done later."""
        for command in self.waiting:
            self.orchestrator.work(command)
        self.waiting.clear()
        self.runtime.flush(5.0)

    def logged(self, **fields: object) -> list[dict[str, Any]]:
        """Return the lines that have *fields*."""
        lines = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        return [line for line in lines if fields.items() <= line.items()]
