"""
A stand-in for GitHub's HTTP interface.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from .server import Reply, Request, Route, StandIn, require

_VERSIONS: Final = frozenset({"2022-11-28", "2026-03-10"})
_DISPATCH_KEYS: Final = frozenset({"ref", "inputs", "return_run_details"})
_RATE_LIMIT: Final = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of the next run."""

    conclusion: str = "success"
    polls: int = 1  #: times the run is looked at until it is completed
    failing_step: str = "Run tests"
    delay: float = 0.0  #: seconds that the dispatch takes to answer
    tells_id: bool = True  #: the dispatch answers 200 with the run's id, else 204


@dataclass(slots=True)
class _Run:
    id: int
    title: str
    plan: Plan
    seen: int = field(default=0)

    def status(self) -> str:
        if self.seen >= self.plan.polls:
            return "completed"
        return "queued" if self.seen == 0 else "in_progress"


class GitHubStandIn(StandIn):
    """GitHub Actions of one repository, as far as the bot needs it."""

    def __init__(self, *, token: str, repository: str, workflow: str = "diagnose.yml") -> None:
        super().__init__()
        self.token = token
        self.repository = repository
        self.workflow = workflow
        self.plans: deque[Plan] = deque()  #: for the next runs, in order; then each succeeds
        self.dispatches: list[dict[str, Any]] = []
        self.runs: dict[int, _Run] = {}

    def routes(self) -> list[Route]:
        actions = re.escape(f"/repos/{self.repository}/actions")
        workflow = f"{actions}/workflows/{re.escape(self.workflow)}"
        return [
            Route("dispatch", "POST", re.compile(f"{workflow}/dispatches"), self._dispatch),
            Route("run", "GET", re.compile(rf"{actions}/runs/(?P<run_id>\d+)"), self._show),
            Route("jobs", "GET", re.compile(rf"{actions}/runs/(?P<run_id>\d+)/jobs"), self._jobs),
        ]

    def check(self, request: Request) -> None:
        headers = request.headers
        require(headers.get("authorization") == f"Bearer {self.token}", "Authorization: Bearer <token>")
        require(headers.get("user-agent"), "User-Agent is there")
        require(headers.get("accept") == "application/vnd.github+json", "Accept: application/vnd.github+json")
        require(headers.get("x-github-api-version") in _VERSIONS, "X-GitHub-Api-Version is a known one")
        require(self.token not in request.path, "no token in a URL")

    def _dispatch(self, request: Request) -> Reply:
        body = request.body
        require(request.headers.get("content-type") == "application/json", "Content-Type: application/json")
        require(isinstance(body, dict) and set(body) <= _DISPATCH_KEYS, "a dispatch has known keys")
        require(isinstance(body.get("ref"), str) and body["ref"], "ref is a branch or tag")
        inputs = body.get("inputs", {})
        require(isinstance(inputs, dict) and len(inputs) <= 25, "at most 25 inputs")
        require(all(isinstance(value, str) for value in inputs.values()), "inputs are strings")
        require(len(json.dumps(inputs)) <= 65_535, "inputs have at most 65535 characters")
        require(isinstance(body.get("return_run_details", False), bool), "return_run_details is a boolean")
        self.dispatches.append(body)
        if self._scripts["dispatch"]:
            return Reply(204)
        plan = self.plans.popleft() if self.plans else Plan()
        run = _Run(17_000_000_000 + len(self.runs), f"diagnose {inputs.get('correlation_id', '')}", plan)
        self.runs[run.id] = run
        self._sleep(plan.delay)
        if not (plan.tells_id and body.get("return_run_details")):
            return Reply(204, headers=_RATE_LIMIT)
        shown = self._show_run(run)
        details = {"workflow_run_id": run.id, "run_url": shown["url"], "html_url": shown["html_url"]}
        return Reply(200, details, _RATE_LIMIT)

    def _sleep(self, seconds: float) -> None:
        """Let other requests in while this one takes its time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.changed.wait(left)

    def _show(self, request: Request, *, run_id: str) -> Reply:
        run = self.runs.get(int(run_id))
        if run is None:
            return Reply(404, {"message": "Not Found", "status": "404"})
        if not self._scripts["run"]:
            run.seen += 1
        shown = self._show_run(run)
        etag = f'W/"{hashlib.sha256(json.dumps(shown).encode()).hexdigest()}"'
        headers = {**_RATE_LIMIT, "ETag": etag}
        if request.headers.get("if-none-match") == etag:
            return Reply(304, headers=headers)
        return Reply(200, shown, headers)

    def _jobs(self, request: Request, *, run_id: str) -> Reply:
        run = self.runs[int(run_id)]
        steps = [
            {"name": "Set up job", "status": "completed", "conclusion": "success", "number": 1},
            {
                "name": run.plan.failing_step,
                "status": "completed",
                "conclusion": run.plan.conclusion,
                "number": 2,
            },
        ]
        job = {"id": run.id * 10, "name": "diagnose", "conclusion": run.plan.conclusion, "steps": steps}
        return Reply(200, {"total_count": 1, "jobs": [job]}, _RATE_LIMIT)

    def _show_run(self, run: _Run) -> dict[str, Any]:
        status = run.status()
        path = f"repos/{self.repository}/actions/runs/{run.id}"
        return {
            "id": run.id,
            "display_title": run.title,
            "event": "workflow_dispatch",
            "status": status,
            "conclusion": run.plan.conclusion if status == "completed" else None,
            "url": f"{self.origin}/{path}",
            "html_url": f"https://github.com/{self.repository}/actions/runs/{run.id}",
        }
