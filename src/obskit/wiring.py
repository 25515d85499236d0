"""
Put a runtime in force, and serve the functions that go through it.

The only module that reads `os.environ`. What a runtime consists of is made by `parts`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from . import runtime
from .clock import SYSTEM_CLOCK, Clock
from .environment import Environment
from .errors import ConfigError
from .lazy import LOADING
from .logs import get_logger
from .logs.summary import TraceSummary
from .naming import takes_any_field
from .parts import Output, Parts
from .redaction import Redactor, register_secret
from .runtime import CELL, Installed, Runtime
from .settings import flag, text

if TYPE_CHECKING:
    from .alerts import Alerter, Receipt
    from .logs.pipeline import Pipeline
    from .logs.stdlib import Capture
    from .sinks import Sink
    from .traces import TraceStore

#: What `register_secret` takes at least.
_SHORTEST_SECRET: Final = 4
_log: Final = get_logger("obskit")


def configure(
    *,
    service: str | None = None,
    level: str | int | None = None,
    format: str | None = None,  # noqa: A002 - a name of the fixed API
    schema: str | None = None,
    output: Output | None = None,
    redactor: Redactor | None = None,
    trace_store: TraceStore | None = None,
    alerter: Alerter | None = None,
    levels: Mapping[str, str | int] | None = None,
    capture_logging: bool = True,
    propagate: bool = False,
    hooks: bool = True,
    flight_recorder: bool | int = True,
    alert_level: str | int | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Runtime:
    """
    Set obskit up for this process, in the place of an earlier set-up.

    What is not given is read from the environment; else the default holds.

    Args:
        service: Name of the program on every line (``OBSKIT_SERVICE``, ``app``).
        level: Lowest level that is kept (``OBSKIT_LEVEL``, ``info``); *levels* sets it by logger.
        format: ``json``, or ``console`` for people (``OBSKIT_FORMAT``, ``json``).
        schema: Names of the fields (``OBSKIT_SCHEMA``, ``default``; on AWS Lambda ``lambda``).
        output: A stream, the path of a file, or a `Sink` of bytes; None is standard output.
        redactor: Hides secrets; *trace_store* keeps traces and *alerter* delivers alerts, where
            None builds them from ``OBSKIT_TRACE_STORE`` and ``ENABLE_ALERTS``.
        capture_logging: Write the records of `logging` too; *propagate* sends ours there.
        hooks: Also log warnings, and exceptions that nobody caught.
        flight_recorder: Lines below the level that a failed trace writes out; True is 200.
        alert_level: Lines of this level or above become alerts (``OBSKIT_ALERT_LEVEL``, none).
        clock: The source of time, for tests.

    Raises:
        ConfigError: If a setting is wrong. Nothing has changed then.
    """
    for setting, value in (("capture_logging", capture_logging), ("propagate", propagate), ("hooks", hooks)):
        flag(setting, value)
    parts = Parts(os.environ, clock, redactor)
    name = text(*parts.environment.setting("service", service, "OBSKIT_SERVICE", "app"))
    thresholds = parts.thresholds(level, levels)
    escalation, recorder = parts.escalation(alert_level), parts.flight_recorder(flight_recorder)
    built = Runtime(
        service=name,
        clock=clock,
        gate=parts.gate,
        trace_store=parts.trace_store(trace_store),
        alerter=parts.alerter(alerter),
        # Behind these, since it may make a file: what is wrong elsewhere leaves nothing behind.
        logs=parts.pipeline(name, thresholds, format, schema, output, propagate=propagate, watch=escalation),
        lowest=thresholds.least,
        # In the order to tell them: the recorder empties what an alert attaches.
        observers=tuple(one for one in (escalation, recorder, TraceSummary()) if one is not None),
    )
    return _put_in_force(built, parts.environment.notices, capture_logging=capture_logging, hooks=hooks)


def register_env(*names: str) -> None:
    """
    Register the values of environment variables as secrets.

    Args:
        names: Variables; one that is not set or too short to be a secret is passed over.
    """
    for name in names:
        value = variable(text("names", name, "names of environment variables"))
        if len(value) >= _SHORTEST_SECRET:
            register_secret(value, name=name)


def variable(name: str) -> str:
    """Return the environment variable *name*, as it is now; empty where it is not set."""
    return os.environ.get(name, "").strip()


def env_flag(name: str, default: bool = False) -> bool:
    """
    Read a switch from the environment.

    Returns:
        True or False for exactly ``true`` or ``false``, and *default* where the
        variable is not set or empty. Any other value is off, and one line at level
        warn says so.
    """
    environment = Environment(os.environ)
    named = text("name", name, "the name of an environment variable")
    value = environment.flag(named, default=flag("default", default))
    for notice in environment.notices:
        _warn_once(notice)
    return value


def redact(value: object) -> Any:
    """
    Return *value* with the same shape and without secrets; *value* is not changed.

    Never raises: what cannot be looked at is hidden.

    >>> redact({"user": "ada", "api_key": "notarealkey0001"})
    {'user': 'ada', 'api_key': '***0001'}
    """
    return runtime.current().gate.redactor(value)


def redact_text(text: str) -> str:
    """
    Return *text* with the secrets in it hidden and everything else as it was.

    >>> redact_text("connecting to https://ada:not-real@example.org/db")
    'connecting to https://ada:***@example.org/db'
    """
    gate = runtime.current().gate
    return gate.redactor.text(text) if type(text) is str else gate.text(text)


@takes_any_field
def alert(
    severity: str,
    message: str,
    *,
    root_cause: object = None,
    trace_id: str | None = None,
    links: Mapping[str, str] | None = None,
    fields: Mapping[str, object] | None = None,
    fingerprint: str | None = None,
    **more: object,
) -> Receipt:
    """
    Send an alert through the alerter in force; never blocks on the network, never raises.

    Args:
        severity: ``"critical"``, ``"error"`` or ``"warning"``.
        message: What failed, in words that stay the same from one failure to the next.
        root_cause: Why, as text or as the exception.
        trace_id: Whose trace to name; the current trace's where it is left out.
        links: URLs by label, added to those of the current trace.
        fields: Whatever else helps; *more* are fields too.
        fingerprint: Names the incident, whatever else the alert says.

    Returns:
        What became of it: see `obskit.alerts.Receipt`.
    """
    with LOADING:
        from .alerts import Alert
        from .traces import current_trace

    trace = current_trace()
    if trace is not None:
        trace_id = trace_id if trace_id is not None else trace.trace_id
        links = trace.links if links is None else {**trace.links, **links} if type(links) is dict else links
    told = Alert(
        severity=severity,
        message=message,
        root_cause=cast("str | BaseException | None", root_cause),
        trace_id=trace_id,
        links=links,
        fields=_joined(fields, more),
        fingerprint=fingerprint,
    )
    return cast("Alerter", runtime.current().alerter).send(told)


def _joined(fields: Mapping[str, object] | None, more: dict[str, object]) -> Mapping[str, object]:
    """Put two kinds of fields together; what is no dict may run its own code, so nobody looks into it."""
    if fields is None:
        return more
    if type(fields) is dict:
        return {**fields, **more}
    return {"fields": fields, **more} if more else fields


def _put_in_force(built: Runtime, notices: Iterable[str], *, capture_logging: bool, hooks: bool) -> Runtime:
    """Exchange the runtime: no event falls between the old and the new one."""
    if capture_logging or hooks:
        # Later it may be too late: in a signal handler, without descriptors, at the end of the process.
        built.gate.redactor.load()
    with LOADING:  # one at a time, and not while a log call builds the default one
        previous = CELL.runtime
        CELL.fill(built)
        there = {} if previous is None else previous.installed
        for name, is_wanted, connect in (("capture", capture_logging, _capture), ("hooks", hooks, _hooks)):
            before = there.pop(name, None)
            if is_wanted:
                built.installed[name] = connect(built, before)
            elif before is not None:
                before.undo()
    if previous is not None:
        kept = built.parts()
        if _sink_of(previous) is _sink_of(built):
            kept.append(previous.logs)
        previous.close(keep=kept)
    for notice in notices:
        _log.warn(notice)
    return built


def _sink_of(runtime: Runtime) -> Sink[bytes]:
    return cast("Pipeline", runtime.logs).sink


# What the rest of the process says is connected to *built*, or what is there *before* goes on with it. Loaded
# not at import: a program that never configures needs neither logging nor warnings.


def _capture(built: Runtime, before: Installed | None) -> Installed:
    from .logs.stdlib import Capture

    thresholds = cast("Pipeline", built.logs).thresholds
    if before is None:
        return Capture(thresholds)
    cast("Capture", before).follow(thresholds)
    return before


def _hooks(built: Runtime, before: Installed | None) -> Installed:
    from .logs.hooks import Hooks

    return before or Hooks()


def _put_default_in_force() -> None:
    """
    Serve a program that never configured: the environment counts, and nothing is hooked.

    A wrong setting cannot be an error here, in the middle of some log call, so it
    is passed over and told.
    """
    try:
        configure(capture_logging=False, hooks=False)
    except ConfigError as error:
        from .alerts import Alerter
        from .traces.stores import MemoryTraceStore

        configure(
            service="app",
            level="info",
            format="json",
            schema="default",
            trace_store=MemoryTraceStore(),
            alerter=Alerter([], enabled=False),
            alert_level="",  # none
            capture_logging=False,
            hooks=False,
        )
        _log.warn(f"{error}: defaults are used instead")


@lru_cache(maxsize=64)
def _warn_once(notice: str) -> None:
    _log.warn(notice)


def _without_secrets(message: str) -> str:
    """Hide in what set-up complains of what the redactor in force hides, or else the usual one."""
    redactor = Redactor() if CELL.runtime is None else CELL.runtime.gate.redactor
    return redactor.text(message)


ConfigError.hide = _without_secrets
CELL.make_default = _put_default_in_force
