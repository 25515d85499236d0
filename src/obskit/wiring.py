"""
Build the runtime from arguments and the environment, and connect its parts.

The only module that reads `os.environ`. Logs, traces and alerts do not know each
other; what they do together is arranged here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache, partial
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias, cast

from . import runtime
from .clock import SYSTEM_CLOCK, Clock
from .encoding.json import Dumps, dumps, encode_line
from .encoding.schemas import SCHEMAS, Schema, gcp
from .environment import Environment
from .errors import ConfigError, MissingExtra
from .event import SafeEvent
from .gate import Gate
from .levels import Thresholds, parse_level
from .logs import Encoder, FlightRecorder, Pipeline, QuickLine, TraceSummary, get_logger
from .redaction import Redactor, register_secret
from .runtime import CELL, Later, Part, Runtime, TraceObserver
from .sinks import Sink, StreamSink

if TYPE_CHECKING:
    from .alerts import Alerter, Receipt
    from .escalation import Escalation
    from .logs.stdlib import Propagation
    from .traces import TraceStore

Output: TypeAlias = "IO[str] | IO[bytes] | str | os.PathLike[str] | Sink[bytes]"

#: What `register_secret` takes at least.
_SHORTEST_SECRET: Final = 4
_DISCORD_API: Final = "https://discord.com/api/v10"
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
    _check_kinds(service=service, redactor=redactor, trace_store=trace_store, levels=levels)
    _check_kinds(alerter=alerter, clock=clock)
    environment, gate = Environment(os.environ), Gate(redactor if redactor is not None else Redactor())
    name = service if service is not None else environment.text("OBSKIT_SERVICE", "app")
    thresholds, form = _thresholds(environment, level, levels), (format, schema, output)
    pipeline = _pipeline(
        environment, gate, clock, name, thresholds=thresholds, form=form, propagate=propagate
    )
    built = Runtime(
        service=name,
        clock=clock,
        gate=gate,
        logs=pipeline,
        trace_store=trace_store if trace_store is not None else _trace_store(environment, clock),
        alerter=alerter if alerter is not None else _alerter(environment, clock),
        lowest=thresholds.least,
        observers=_observers(environment, gate, pipeline, lines=flight_recorder, alert_level=alert_level),
    )
    return _put_in_force(built, capture_logging=capture_logging, hooks=hooks, notices=environment.notices)


def register_env(*names: str) -> None:
    """
    Register the values of environment variables as secrets.

    Args:
        names: Variables; one that is not set or too short to be a secret is passed over.
    """
    for name in names:
        value = variable(name)
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
    value = environment.flag(name, default=default)
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
    return runtime.current().gate.redactor.text(text)


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
    from .alerts import Alert
    from .traces import current_trace

    trace = current_trace()
    if trace is not None:
        trace_id = trace_id if trace_id is not None else trace.trace_id
        links = {**trace.links, **links} if type(links) is dict else links or trace.links
    told = Alert(
        severity=severity,
        message=message,
        root_cause=cast("str | BaseException | None", root_cause),
        trace_id=trace_id,
        links=links,
        fields={**fields, **more} if type(fields) is dict else fields or more,
        fingerprint=fingerprint,
    )
    return cast("Alerter", runtime.current().alerter).send(told)


def _put_in_force(built: Runtime, *, capture_logging: bool, hooks: bool, notices: Iterable[str]) -> Runtime:
    """Exchange the runtime: no event falls between the old and the new one."""
    pipeline = cast("Pipeline", built.logs)
    previous = CELL.runtime
    if previous is not None:
        previous.detach()
    built.on_detach = tuple(_installed(pipeline, capture_logging=capture_logging, hooks=hooks))
    CELL.fill(built)
    if previous is not None:
        previous.close(keep=built.parts())
    for notice in notices:
        _log.warn(notice)
    return built


def _installed(pipeline: Pipeline, *, capture_logging: bool, hooks: bool) -> Iterable[Callable[[], None]]:
    """Connect what else the process says to *pipeline*; returns how to undo each of it."""
    # Not at import: a program that never configures needs neither logging nor warnings.
    if capture_logging:
        from .logs.stdlib import capture_records

        yield capture_records(pipeline.thresholds)
    if hooks:
        from .logs.hooks import install_hooks

        yield install_hooks(pipeline)


def _default_runtime() -> Runtime:
    """
    Serve a program that never configured: the environment counts, and nothing is hooked.

    A wrong setting cannot be an error here, in the middle of some log call, so it
    is passed over and told.
    """
    try:
        return configure(capture_logging=False, hooks=False)
    except ConfigError as error:
        from .alerts import Alerter
        from .traces.stores import MemoryTraceStore

        built = configure(
            service="app",
            level="info",
            format="json",
            schema="default",
            trace_store=MemoryTraceStore(),
            alerter=Alerter([], enabled=False),
            capture_logging=False,
            hooks=False,
        )
        _log.warn(f"{error}: defaults are used instead")
        return built


def _check_kinds(**settings: object) -> None:
    """Refuse what would fail later, in the middle of the program."""
    kinds: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "service": ("text", lambda value: type(value) is str),
        "redactor": ("a Redactor", lambda value: isinstance(value, Redactor)),
        "trace_store": (
            "a TraceStore",
            lambda value: _has(value, "started", "changed", "ended", "last", "flush", "close"),
        ),
        "alerter": ("an Alerter", lambda value: _has(value, "send", "flush", "close", "stats")),
        "levels": (
            "a mapping of names of loggers",
            lambda value: isinstance(value, Mapping) and all(type(name) is str for name in value),
        ),
        "clock": ("a Clock", lambda value: _has(value, "time_ns", "monotonic_ns", "wait")),
    }
    for name, value in settings.items():
        wanted, fits = kinds[name]
        if value is not None and not fits(value):
            raise ConfigError(f"{name} must be {wanted}, got {type(value).__name__}")


def _has(value: object, *methods: str) -> bool:
    return all(callable(getattr(value, method, None)) for method in methods)


def _thresholds(
    environment: Environment, level: str | int | None, levels: Mapping[str, str | int] | None
) -> Thresholds:
    lowest = parse_level(level if level is not None else environment.text("OBSKIT_LEVEL", "info"))
    by_name = {
        name: parse_level(value, setting=f"levels[{name!r}]") for name, value in (levels or {}).items()
    }
    return Thresholds(lowest, by_name)


def _pipeline(
    environment: Environment,
    gate: Gate,
    clock: Clock,
    service: str,
    *,
    thresholds: Thresholds,
    form: tuple[str | None, str | None, Output | None],
    propagate: bool,
) -> Pipeline:
    format, schema, output = form  # noqa: A001
    chosen = _choose("format", format, environment.text("OBSKIT_FORMAT", "json"), ("json", "console"))
    lay_out = _schema(environment, schema)
    write = _fastest_dumps()
    if chosen == "console":
        from .encoding.console import encode_console, wants_colour

        terminal = _is_terminal(sys.stdout if output is None else output)
        colour = wants_colour(environment, is_terminal=terminal, windows=os.name == "nt")
        encode: Encoder = partial(encode_console, colour=colour)
    else:
        encode = partial(_line, lay_out, service, write)
    is_default = chosen == "json" and lay_out is SCHEMAS["default"]
    return Pipeline(
        gate=gate,
        encode=encode,
        quick_line=QuickLine(gate, service, write) if is_default and not gate.redactor.reports else None,
        sink=_line_sink(output, clock),
        clock=clock,
        thresholds=thresholds,
        copy_to=_propagation() if propagate else None,
    )


def _propagation() -> Propagation:
    from .logs.stdlib import Propagation

    return Propagation()


def _line(lay_out: Schema, service: str, write: Dumps, event: SafeEvent) -> bytes:
    return encode_line(lay_out(event, service), write)


def _schema(environment: Environment, given: str | None) -> Schema:
    """Choose the schema; on AWS Lambda with JSON logs, the one that Lambda reads levels from."""
    is_lambda = environment.text("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    otherwise = environment.text("OBSKIT_SCHEMA", "lambda" if is_lambda else "default")
    name = _choose("schema", given, otherwise, SCHEMAS)
    return gcp(environment.text("GOOGLE_CLOUD_PROJECT", "")) if name == "gcp" else SCHEMAS[name]


def _is_terminal(output: object) -> bool:
    try:
        return bool(output.isatty())  # type: ignore[attr-defined]
    # None, a path or a sink has no isatty(), and that of a closed stream raises.
    except (AttributeError, ValueError, OSError):
        return False


def _observers(
    environment: Environment,
    gate: Gate,
    pipeline: Pipeline,
    *,
    lines: bool | int,
    alert_level: str | int | None,
) -> tuple[TraceObserver, ...]:
    # The order counts: the recorder empties what an alert attaches.
    escalation = _escalation(environment, alert_level, pipeline)
    return (*escalation, *_flight_recorder(gate, lines), TraceSummary())


def _escalation(
    environment: Environment, level: str | int | None, pipeline: Pipeline
) -> tuple[Escalation, ...]:
    """Let alerts be made of events of *level* or above, where somebody asked for it."""
    wanted = level if level is not None else environment.text("OBSKIT_ALERT_LEVEL", "")
    if wanted == "":
        return ()
    from .escalation import Escalation

    escalation = Escalation()
    pipeline.watch(parse_level(wanted, setting="alert_level"), escalation)
    return (escalation,)


def _flight_recorder(gate: Gate, setting: object) -> tuple[FlightRecorder, ...]:
    if setting is True:
        return (FlightRecorder(gate),)
    if not isinstance(setting, int) or setting < 0:
        raise ConfigError(f"flight_recorder must be True, False or a number of lines, got {setting!r}")
    return (FlightRecorder(gate, setting),) if setting else ()


def _choose(setting: str, given: str | None, otherwise: str, choices: Collection[str]) -> str:
    chosen = given if given is not None else otherwise
    if chosen not in choices:
        raise ConfigError(f"{setting} must be one of {', '.join(choices)}, got {chosen!r}")
    return chosen


def _fastest_dumps() -> Dumps:
    """Use orjson where it is installed (extra ``fast``): it writes a line in a third of the time."""
    try:
        import orjson
    except ImportError:
        return dumps
    return orjson.dumps


def _line_sink(output: Output | None, clock: Clock) -> Sink[bytes]:
    if output is None:
        return StreamSink(clock=clock)
    if isinstance(output, str | os.PathLike):
        from .sinks import FileSink

        return FileSink(output, clock=clock)
    if callable(getattr(output, "emit", None)) and callable(getattr(output, "close", None)):
        return cast("Sink[bytes]", output)
    if callable(getattr(output, "write", None)):
        return StreamSink(cast("IO[str]", output), clock=clock)
    raise ConfigError(
        f"output must be a stream, a path or a sink with emit() and close(), got {type(output).__name__}"
    )


def _trace_store(environment: Environment, clock: Clock) -> Part | Later:
    """Build the store that the environment names, which also exports traces where that asks for it."""
    store = _store_at(environment, clock)
    if not environment.flag("OBSKIT_OTLP"):
        return store
    from .traces.exporter import from_environment

    keeps = store.get() if type(store) is Later else store
    try:
        return from_environment(cast("TraceStore", keeps), environment, clock=clock)
    except MissingExtra:
        raise
    except ConfigError as error:
        raise ConfigError(f"OTEL_EXPORTER_OTLP_*: {error}") from None


def _store_at(environment: Environment, clock: Clock) -> Part | Later:
    url = environment.text("OBSKIT_TRACE_STORE", "memory:")
    if url == "memory:":
        return Later(partial(_memory_trace_store, clock))
    from .traces.stores.urls import store_at

    try:
        return store_at(url, clock)
    except MissingExtra:
        raise
    except ConfigError as error:
        raise ConfigError(f"OBSKIT_TRACE_STORE: {error}") from None


def _memory_trace_store(clock: Clock) -> TraceStore:
    from .traces.stores import MemoryTraceStore

    return MemoryTraceStore(clock=clock)


def _alerter(environment: Environment, clock: Clock) -> Part | Later:
    """Build the alerter that the environment asks for: off unless it is on and has somewhere to go."""
    window = environment.seconds("ALERT_WINDOW_SECONDS", 300.0)
    if not environment.flag("ENABLE_ALERTS"):
        return Later(partial(_no_alerter, clock))
    urls = environment.text("OBSKIT_ALERT_SINKS", "")
    channel = environment.text("ALERT_CHANNEL_ID", "")
    token = environment.text("DISCORD_BOT_TOKEN", "")
    missing = "ALERT_CHANNEL_ID" if not channel else "DISCORD_BOT_TOKEN" if not token else None
    if missing is not None and not urls:
        environment.notices.append(f"ENABLE_ALERTS is true but {missing} is not set: alerts are off")
        return Later(partial(_no_alerter, clock))
    from .alerts import Alerter
    from .alerts.sinks import DiscordChannel
    from .alerts.sinks._urls import sinks_from

    sinks = sinks_from(urls, setting="OBSKIT_ALERT_SINKS")
    if missing is None:
        base_url = environment.text("DISCORD_API_BASE", _DISCORD_API)
        sinks.append(DiscordChannel(token, channel, base_url=base_url))
    spool = environment.text("OBSKIT_ALERT_SPOOL", "") or None
    return Alerter(sinks, window=window, spool=spool, clock=clock)


def _no_alerter(clock: Clock) -> Alerter:
    from .alerts import Alerter

    return Alerter([], enabled=False, clock=clock)


@lru_cache(maxsize=64)
def _warn_once(notice: str) -> None:
    _log.warn(notice)


CELL.default(_default_runtime)
