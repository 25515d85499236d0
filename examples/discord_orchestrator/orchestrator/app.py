"""
The bot itself: a signed request comes in, an answer goes out, and the slow part runs later.

Knows neither servers nor threads. An adapter (`local`) calls `handle()` for every
request, and `work()` for every command that was given to *later*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from nacl.signing import VerifyKey

import obskit
from obskit.alerts.dedupe import MemoryDedupe, dedupe_at
from obskit.traces import OpenTrace, render

from .config import Config
from .discord import LIMIT, edit_answer, message
from .github import GitHub
from .observability import CommandFailed, acknowledged, command_failed, log, request_refused
from .verify import Once, Refused, opened

_PING, _COMMAND = 1, 2  # types of interactions
_EPHEMERAL: Final = 64  # only the user sees the answer
_PONG: Final = {"type": 1}
_DEFERRED: Final = {"type": 5, "data": {"flags": _EPHEMERAL}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a user asked for; plain values, so that it can travel to another process."""

    id: str  #: of the interaction, which Discord may deliver more than once
    name: str  #: as the user sees it, such as "/diagnose"
    user_id: str
    options: Mapping[str, str]
    token: str = field(repr=False)  #: lets anybody who has it edit the answer

    @property
    def trace_id(self) -> str:
        """Every delivery of one interaction has the same, so one search finds them all."""
        return blake2b(self.id.encode(), digest_size=16).hexdigest()

    @classmethod
    def of(cls, interaction: Mapping[str, Any]) -> Command:
        """Read a command interaction; raises LookupError, TypeError, ValueError or AttributeError."""
        sender = interaction.get("member") or interaction  # in a guild, or in a direct message
        data = interaction["data"]
        return cls(
            id=str(int(str(interaction["id"]))),
            name=f"/{data['name']}",
            user_id=str(sender["user"]["id"]),
            options={str(option["name"]): str(option["value"]) for option in data.get("options") or ()},
            token=str(interaction["token"]),
        )


class Orchestrator:
    """Answers interactions; *later* takes a command whose work runs after the answer, or raises."""

    def __init__(
        self, config: Config, runtime: obskit.Runtime, github: GitHub, *, later: Callable[[Command], None]
    ) -> None:
        self._config = config
        self._runtime = runtime
        self._github = github
        self._later = later
        self._key = VerifyKey(bytes.fromhex(config.public_key))
        self._requests = Once(MemoryDedupe())  # the first answer waits for no database
        self._work = Once(dedupe_at(config.store))

    def handle(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, object]]:
        """Return status and body for one request, within Discord's three seconds; never raises."""
        try:
            return 200, self._interaction(opened(self._key, headers, body))
        except Refused as refusal:
            request_refused(str(refusal))
            return refusal.status, {"error": str(refusal)}

    def _interaction(self, interaction: Mapping[str, Any]) -> Mapping[str, object]:
        if (kind := interaction.get("type")) == _PING:
            return _PONG
        if kind != _COMMAND:
            return _say("I only know slash commands.")
        try:
            command = Command.of(interaction)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise Refused("not a command", status=400) from None
        if not self._requests.claim(command.id):
            raise Refused("replayed interaction")
        with obskit.bound_context(trace_id=command.trace_id, user_id=command.user_id, cmd=command.name):
            log.info("Command received", options=command.options)
            try:
                answer = self._answer(command)
            except Exception as error:
                answer = _say(command_failed(command.name, error))
            acknowledged(int(command.id))
            return answer

    def _answer(self, command: Command) -> Mapping[str, object]:
        if command.name == "/diagnose":
            self._later(command)
            return _DEFERRED
        if command.name == "/status":
            with obskit.trace(command.name, user_id=command.user_id, trace_id=command.trace_id):
                stats = self._runtime.stats()
                sent, repeats = stats["alerts_delivered"], stats["alerts_duplicate"]
                return _say(f"✅ I am well. Alerts: {sent:.0f} sent, {repeats:.0f} repeats only counted.")
        if command.name == "/debug-last" and self._config.may_debug(command.user_id):
            return _say(self._debug_last(command.user_id))
        return _say(f"I do not know the command {command.name}, or it is switched off for you.")

    def _debug_last(self, user_id: str) -> str:
        """Looking is not recorded as a command, so asking twice shows the same one."""
        trace = obskit.get_trace_store().last(user_id)
        if trace is None:
            return "I remember no command of yours. Run one, then ask again."
        log.info("Last trace shown", shown=trace.trace_id)
        return render(trace, limit=LIMIT, style="discord")

    def work(self, command: Command) -> None:
        """Do the slow part of *command* and edit the answer, once for all its deliveries; never raises."""
        if not self._work.claim(command.id):
            log.info("Command delivered again", trace_id=command.trace_id, cmd=command.name)
            return
        with obskit.trace(command.name, user_id=command.user_id, trace_id=command.trace_id) as trace:
            try:
                words = self._diagnose(command, trace)
            except Exception as error:
                words = command_failed(command.name, error)
            links = [f"[{label}]({url})" for label, url in trace.links.items()]
            try:
                with trace.step("Report"):
                    edit_answer(self._config, command.token, "\n".join([words, *links]))
            except Exception as error:
                command_failed(command.name, error)  # the user cannot be told: telling is what failed

    def _diagnose(self, command: Command, trace: OpenTrace) -> str:
        with trace.step("Validate", options=command.options):
            inputs = workflow_inputs(command.options)
        with trace.step("Dispatch workflow", workflow=self._config.workflow) as step:
            run = self._github.dispatch(inputs, correlation_id=command.trace_id)
            step.add(run_id=run.id)
        trace.link("View Run", run.url)
        with trace.step("Wait for run") as step:
            run = self._github.wait(run)
            step.add(status=run.status, conclusion=run.conclusion)
            if run.status != "completed":
                return f"⏳ The run is still {run.status}. I stop watching it; its page has the end."
            if run.conclusion != "success":
                cause = f"step failed: {self._github.failed_steps(run) or 'unknown'}"
                raise CommandFailed(f"The workflow ended with {run.conclusion}.", cause=cause)
        return f"✅ Diagnosis of {inputs['target']} is done: the run succeeded."


def workflow_inputs(options: Mapping[str, str]) -> dict[str, str]:
    """Return the workflow's inputs. People see them on the run's page, so secrets are hidden first."""
    target = "".join(filter(str.isprintable, options.get("target", ""))).strip() or "all"
    note = obskit.redact_text(options.get("note", ""))
    return {"target": obskit.redact_text(target)[:100], "note": note[:500]}


def _say(text: str) -> Mapping[str, object]:
    return {"type": 4, "data": {**message(text), "flags": _EPHEMERAL}}
