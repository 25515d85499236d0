"""
Start a GitHub Actions workflow and wait for its end.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

from .config import Config
from .errors import CommandFailed
from .http import Reply, request

#: Seconds between two looks at a run. An unchanged run answers 304, which costs nothing of the rate limit.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
_LONGEST_PAUSE: Final = 15.0
_PATIENCE: Final = 13 * 60.0  # the user's answer can be edited for 15 minutes
_TRIES_TO_FIND: Final = 8
_FAILURES_IN_A_ROW: Final = 4

_WORDS: Final = {
    401: "GitHub does not accept the bot's token.",
    403: "The bot is not allowed to do this on GitHub.",
    404: "GitHub does not know the workflow, or hides it from the bot.",
    422: "GitHub refused the branch or the inputs of the workflow.",
}
_LIMITED: Final = "GitHub limits our requests at the moment. Please try again in a few minutes."
_DOWN: Final = "GitHub has trouble at the moment. Please try again in a few minutes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the workflow, as last seen."""

    id: int
    url: str  #: its page, for people
    status: str = "queued"
    conclusion: str | None = None  #: set once status is "completed"


class GitHub:
    """GitHub's HTTP interface, as far as this bot needs it; *closing* ends all waiting early."""

    def __init__(self, config: Config, *, closing: Event, pauses: Iterable[float] = _PAUSES) -> None:
        self._config = config
        self._repository = f"{config.github_api}/repos/{config.repository}"
        self._closing = closing
        self._pauses = tuple(pauses)

    def dispatch(self, inputs: dict[str, str], correlation_id: str) -> Run:
        """Start the workflow; its run-name must show the input ``correlation_id``."""
        body = {
            "ref": self._config.ref,
            "inputs": {**inputs, "correlation_id": correlation_id},
            "return_run_details": True,
        }
        path = f"/actions/workflows/{self._config.workflow}"
        reply = self._send("POST", f"{path}/dispatches", body=body)
        if isinstance(reply.data, dict) and "workflow_run_id" in reply.data:
            return Run(id=int(reply.data["workflow_run_id"]), url=reply.text("html_url"))
        return self._find(f"{path}/runs?event=workflow_dispatch&per_page=20", correlation_id)

    def wait(self, run: Run) -> Run:
        """Look at *run* until it is completed, the patience ends or the bot closes."""
        etag, failures, give_up = "", 0, time.monotonic() + _PATIENCE
        for pause in self._waiting():
            if self._closing.wait(pause) or time.monotonic() > give_up:
                break
            try:
                reply = self._send("GET", f"/actions/runs/{run.id}", etag=etag)
            except CommandFailed as error:
                failures += 1
                if error.retry_after is None or failures > _FAILURES_IN_A_ROW:
                    raise
                self._closing.wait(error.retry_after)
                continue
            failures = 0
            if reply.status == 200:
                run, etag = _read_run(reply.data), reply.headers.get("etag", "")
            if run.status == "completed":
                break
        return run

    def failing_step(self, run: Run) -> str | None:
        """Return the name of the first step of *run* that failed, as far as GitHub tells."""
        try:
            jobs = self._send("GET", f"/actions/runs/{run.id}/jobs?filter=latest").data["jobs"]
            steps = [step for job in jobs for step in job["steps"]]
            return next((str(step["name"]) for step in steps if step["conclusion"] == "failure"), None)
        except (CommandFailed, KeyError, TypeError):
            return None  # a detail that is nice to have; the failure itself is known

    def _find(self, path: str, correlation_id: str) -> Run:
        """Find the run by its name: servers that answer 204 do not say which one they started."""
        for pause in itertools.islice(self._waiting(), _TRIES_TO_FIND):
            self._closing.wait(pause)
            for run in self._send("GET", path).data["workflow_runs"]:
                if correlation_id in run["display_title"]:
                    return _read_run(run)
        raise CommandFailed("GitHub took the request, but the run did not appear.")

    def _waiting(self) -> Iterable[float]:
        return itertools.chain(self._pauses, itertools.repeat(_LONGEST_PAUSE))

    def _send(self, method: str, path: str, *, body: object = None, etag: str = "") -> Reply:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._config.github_token}",
            "User-Agent": "discord-orchestrator",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if etag:
            headers["If-None-Match"] = etag
        reply = request(method, f"{self._repository}{path}", headers=headers, body=body)
        if reply.status < 300 or reply.status == 304:
            return reply
        raise _failure(reply)


def _read_run(data: Any) -> Run:
    return Run(
        id=int(data["id"]), url=str(data["html_url"]), status=data["status"], conclusion=data["conclusion"]
    )


def _failure(reply: Reply) -> CommandFailed:
    cause = f"GitHub answered {reply.status}: {reply.text('message')}"
    wait = reply.seconds("retry-after")
    spent = reply.headers.get("x-ratelimit-remaining") == "0"
    if reply.status == 429 or (reply.status == 403 and (wait is not None or spent)):
        return CommandFailed(_LIMITED, cause=cause, retry_after=60.0 if wait is None else wait)
    if reply.status >= 500:
        return CommandFailed(_DOWN, cause=cause, retry_after=wait or 0.0)
    return CommandFailed(_WORDS.get(reply.status, "GitHub refused the request."), cause=cause)
