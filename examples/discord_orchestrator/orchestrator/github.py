"""
Start a GitHub Actions workflow and wait for its end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Final

from .config import Config
from .http import request
from .observability import CommandFailed

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_LONGEST_PAUSE: Final = 15.0  # between two looks; an unchanged run answers 304, which costs no rate limit
_PATIENCE: Final = 12 * 60.0  # the user's answer can be edited for 15 minutes


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the workflow, as last seen."""

    id: int
    url: str  #: its page, for people
    status: str = "queued"
    conclusion: str | None = None  #: set once status is "completed"


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub's HTTP interface, as far as this bot needs it."""

    config: Config
    closing: Event  #: ends all waiting early
    first_pause: float = 0.5  #: seconds until the first look at a run

    def dispatch(self, inputs: Mapping[str, str], correlation_id: str) -> Run:
        """Start the workflow."""
        inputs = {**inputs, "correlation_id": correlation_id}
        body = {"ref": self.config.ref, "inputs": inputs, "return_run_details": True}
        reply = self._send("POST", f"/workflows/{self.config.workflow}/dispatches", body=body)
        if reply.status != 200:  # an old GitHub Enterprise server answers 204 and no more
            raise CommandFailed("GitHub started the workflow, but does not tell which run it is.")
        return Run(int(reply.json()["workflow_run_id"]), str(reply.json()["html_url"]))

    def wait(self, run: Run) -> Run:
        """Look at *run* until it is completed, the patience ends or the bot closes; sit trouble out."""
        give_up, pause, etag = time.monotonic() + _PATIENCE, self.first_pause, ""
        while run.status != "completed" and time.monotonic() < give_up and not self.closing.wait(pause):
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                reply = self._send("GET", f"/runs/{run.id}", etag=etag)
            except CommandFailed as error:
                if error.retry_after is None:
                    raise
                pause = max(pause, error.retry_after)
            else:
                if reply.status == 200:
                    now, etag = reply.json(), reply.headers.get("etag", "")
                    run = replace(run, status=now["status"], conclusion=now["conclusion"])
        return run

    def failed_steps(self, run: Run) -> str:
        """Name the steps of *run* that failed; empty where GitHub does not tell."""
        with suppress(CommandFailed, LookupError, TypeError, ValueError):  # that it failed is known
            jobs = self._send("GET", f"/runs/{run.id}/jobs").json()["jobs"]
            steps = [step for job in jobs for step in job["steps"]]
            return ", ".join(step["name"] for step in steps if step["conclusion"] == "failure")
        return ""

    def _send(self, method: str, path: str, *, body: object = None, etag: str = "") -> BaseHTTPResponse:
        url = f"{self.config.github_api}/repos/{self.config.repository}/actions{path}"
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.config.github_token}",
            "User-Agent": "discord-orchestrator",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if etag:
            headers["If-None-Match"] = etag
        return request("GitHub", method, url, headers=headers, body=body)
