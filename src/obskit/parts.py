"""
Make the parts of a runtime from settings: what is given, else the environment, else the default.

Logs, traces and alerts do not know each other; what they do together is arranged here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from .clock import Clock
from .encoding.json import Dumper, Dumps, dumps, encode_line
from .encoding.schemas import SCHEMAS, Schema, gcp
from .environment import Environment
from .errors import ConfigError, MissingExtra, told
from .event import SafeEvent
from .gate import Gate
from .interrupts import is_interruption
from .lazy import LOADING
from .levels import Thresholds, parse_level
from .logs import Encoder, FlightRecorder, Pipeline, QuickLine, TraceSummary
from .runtime import Later, Part, TraceObserver
from .sinks import Sink, StreamSink

if TYPE_CHECKING:
    from .alerts import Alerter
    from .alerts.dedupe import Dedupe
    from .escalation import Escalation
    from .logs.stdlib import Propagation
    from .traces import TraceStore

Output: TypeAlias = "IO[str] | IO[bytes] | str | os.PathLike[str] | Sink[bytes]"

_DISCORD_API: Final = "https://discord.com/api/v10"


def make_thresholds(
    environment: Environment, level: str | int | None, levels: Mapping[str, str | int] | None
) -> Thresholds:
    """Read the lowest level, and those by name of logger."""
    given = level if level is not None else environment.text("OBSKIT_LEVEL", "info")
    lowest = parse_level(given, setting=_named("level", level))
    by_name = {
        name: parse_level(value, setting=f"levels[{name!r}]") for name, value in (levels or {}).items()
    }
    return Thresholds(lowest, by_name)


def make_pipeline(
    environment: Environment,
    gate: Gate,
    clock: Clock,
    service: str,
    *,
    thresholds: Thresholds,
    form: tuple[str | None, str | None, Output | None],
    propagate: bool,
) -> Pipeline:
    """Make what turns events into lines; *form* is format, schema and output as they were given."""
    format, schema, output = form  # noqa: A001
    chosen = _choose("format", format, environment.text("OBSKIT_FORMAT", "json"), ("json", "console"))
    lay_out = _schema(environment, schema)
    dumper = Dumper(faster=_orjson)
    if chosen == "console":
        from .encoding.console import encode_console, wants_colour

        terminal = _is_terminal(sys.stdout if output is None else output)
        colour = wants_colour(environment, is_terminal=terminal, windows=os.name == "nt")
        encode: Encoder = partial(encode_console, colour=colour)
    else:
        encode = partial(_line, lay_out, service, dumper)
    is_default = chosen == "json" and lay_out is SCHEMAS["default"]
    return Pipeline(
        gate=gate,
        encode=encode,
        quick_line=QuickLine(gate, service, dumper) if is_default and not gate.redactor.reports else None,
        sink=_line_sink(output, clock),
        clock=clock,
        thresholds=thresholds,
        copy_to=_propagation() if propagate else None,
    )


def _propagation() -> Propagation:
    from .logs.stdlib import Propagation

    return Propagation()


def _line(lay_out: Schema, service: str, dumper: Dumper, event: SafeEvent) -> bytes:
    return encode_line(lay_out(event, service), dumper.dump)


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


def make_observers(
    environment: Environment,
    gate: Gate,
    pipeline: Pipeline,
    *,
    lines: bool | int,
    alert_level: str | int | None,
) -> tuple[TraceObserver, ...]:
    """Make what watches traces, in the order to tell it: the recorder empties what an alert attaches."""
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
    pipeline.watch(parse_level(wanted, setting=_named("alert_level", level)), escalation)
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
        raise ConfigError(f"{_named(setting, given)} must be one of {', '.join(choices)}, got {told(chosen)}")
    return chosen


def _named(setting: str, given: object) -> str:
    """Call *setting* by its argument where one was *given*, and by its variable otherwise."""
    return setting if given is not None else f"OBSKIT_{setting.upper()}"


def _orjson() -> Dumps:
    """Load orjson where it is installed (extra ``fast``): it writes a line in a third of the time."""
    try:
        with LOADING:  # a fork waits: the child could wait for ever for a module half loaded
            # What its start imports comes first: a signal handler that raised in there would end the process.
            import dataclasses  # noqa: F401

            from orjson import dumps as fastest
    except Exception as error:  # not installed, or a caller that stands near the limit of recursion
        if is_interruption(error):
            raise
        return dumps
    return fastest


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


def make_trace_store(environment: Environment, clock: Clock) -> Part | Later:
    """Build the store that the environment names, which also exports traces where that asks for it."""
    store = _store_at(environment, clock)
    if not environment.flag("OBSKIT_OTLP"):
        return store
    from .traces.exporter import from_environment

    keeps = store.get() if type(store) is Later else store
    with _naming("OTEL_EXPORTER_OTLP_*"):
        return from_environment(cast("TraceStore", keeps), environment, clock=clock)


def _store_at(environment: Environment, clock: Clock) -> Part | Later:
    url = environment.text("OBSKIT_TRACE_STORE", "memory:")
    if url == "memory:":
        return Later(partial(_memory_trace_store, clock))
    from .traces.stores.urls import store_at

    with _naming("OBSKIT_TRACE_STORE"):
        return store_at(url, clock)


@contextmanager
def _naming(variable: str) -> Iterator[None]:
    """Let the error of a wrong setting name the *variable*; that of a missing extra says enough."""
    try:
        yield
    except MissingExtra:
        raise
    except ConfigError as error:
        raise ConfigError(f"{variable}: {error}") from None


def _memory_trace_store(clock: Clock) -> TraceStore:
    from .traces.stores import MemoryTraceStore

    return MemoryTraceStore(clock=clock)


def make_alerter(environment: Environment, clock: Clock) -> Part | Later:
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
        with _naming("ALERT_CHANNEL_ID, DISCORD_BOT_TOKEN or DISCORD_API_BASE"):
            sinks.append(DiscordChannel(token, channel, base_url=base_url))
    spool = environment.text("OBSKIT_ALERT_SPOOL", "") or None
    dedupe = _dedupe_at(environment.text("OBSKIT_ALERT_DEDUPE", "memory:"), clock)
    with _naming("OBSKIT_ALERT_SPOOL"):
        return Alerter(sinks, window=window, dedupe=dedupe, spool=spool, clock=clock)


def _dedupe_at(url: str, clock: Clock) -> Dedupe | None:
    if url == "memory:":  # an alerter has one of its own
        return None
    from .alerts.dedupe import dedupe_at

    with _naming("OBSKIT_ALERT_DEDUPE"):
        return dedupe_at(url, clock=clock)


def _no_alerter(clock: Clock) -> Alerter:
    from .alerts import Alerter

    return Alerter([], enabled=False, clock=clock)
