"""
Make the parts of a runtime from settings: what is given, else the environment, else the default.

Logs, traces and alerts do not know each other; what they do together is arranged here.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from .clock import Clock
from .encoding.json import Dumper, Dumps, dumps, encode_line
from .encoding.schemas import SCHEMAS, Schema, gcp
from .environment import Environment
from .errors import ConfigError, MissingExtra
from .event import SafeEvent
from .gate import Gate
from .interrupts import let_pass
from .lazy import LOADING
from .levels import Thresholds, parse_level
from .logs import Encoder, FlightRecorder, Pipeline, QuickLine, TraceSummary
from .redaction import Redactor
from .runtime import Later, Part, TraceObserver
from .settings import choice, having, path, writable, wrong
from .sinks import Sink, StreamSink

if TYPE_CHECKING:
    from .alerts import Alerter
    from .alerts.dedupe import Dedupe
    from .escalation import Escalation
    from .logs.stdlib import Propagation
    from .traces import TraceStore

Output: TypeAlias = "IO[str] | IO[bytes] | str | os.PathLike[str] | Sink[bytes]"

_DISCORD_API: Final = "https://discord.com/api/v10"
_STORE: Final = ("started", "changed", "ended", "last", "flush", "close")
_OUTPUT: Final = "a stream, a path or a sink with emit() and close()"
#: What stands behind these names may be a file, a pipe or a socket, and is open already.
_STANDARD: Final = {"/dev/stdout": "stdout", "/dev/stderr": "stderr"}


def make_thresholds(
    environment: Environment, level: str | int | None, levels: Mapping[str, str | int] | None
) -> Thresholds:
    """Read the lowest level, and those by name of logger."""
    given = level if level is not None else environment.text("OBSKIT_LEVEL", "info")
    lowest = parse_level(given, setting=_named("level", level))
    if levels is None:
        return Thresholds(lowest)
    given_levels: object = levels
    if not isinstance(given_levels, Mapping) or not all(type(name) is str for name in levels):
        raise wrong("levels", "a mapping of names of loggers", levels)
    by_name = {name: parse_level(value, setting=f"levels[{name!r}]") for name, value in levels.items()}
    return Thresholds(lowest, by_name)


def make_gate(redactor: Redactor | None) -> Gate:
    """Make what everything passes, with the *redactor* that was given or the usual one."""
    given: object = redactor
    if not isinstance(given, Redactor | None):
        raise wrong("redactor", "a Redactor", given)
    return Gate(given or Redactor())


def make_pipeline(
    environment: Environment,
    gate: Gate,
    clock: Clock,
    service: str,
    form: tuple[str | None, str | None, Output | None, bool],
    *,
    thresholds: Thresholds,
    watched: Iterable[tuple[int, Escalation]],
) -> Pipeline:
    """Make what turns events into lines; *form* is format, schema, output and propagate as given."""
    format, schema, output, propagate = form  # noqa: A001
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
    pipeline = Pipeline(
        gate=gate,
        encode=encode,
        quick_line=QuickLine(gate, service, dumper) if is_default and not gate.redactor.reports else None,
        sink=_line_sink(output, clock),
        clock=clock,
        thresholds=thresholds,
        copy_to=_propagation() if propagate else None,
    )
    for level, watcher in watched:
        pipeline.watch(level, watcher)
    return pipeline


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
    environment: Environment, gate: Gate, *, lines: bool | int, alert_level: str | int | None
) -> tuple[tuple[TraceObserver, ...], list[tuple[int, Escalation]]]:
    """
    Make what watches traces, in the order to tell it: the recorder empties what an alert attaches.

    Returns:
        All of them, and those that watch events as well, each with the lowest level of these.
    """
    escalations = _escalations(environment, alert_level)
    watchers = [watcher for _, watcher in escalations]
    return (*watchers, *_flight_recorder(gate, lines), TraceSummary()), escalations


def _escalations(environment: Environment, level: str | int | None) -> list[tuple[int, Escalation]]:
    """Let alerts be made of events of *level* or above, where somebody asked for it."""
    wanted = level if level is not None else environment.text("OBSKIT_ALERT_LEVEL", "")
    if wanted == "":
        return []
    from .escalation import Escalation

    return [(parse_level(wanted, setting=_named("alert_level", level)), Escalation())]


def _flight_recorder(gate: Gate, setting: bool | int) -> tuple[FlightRecorder, ...]:
    if setting is True:
        return (FlightRecorder(gate),)
    given: object = setting
    if not isinstance(given, int) or given < 0:
        raise wrong("flight_recorder", "True, False or a number of lines", given)
    return (FlightRecorder(gate, given),) if given else ()


def _choose(setting: str, given: str | None, otherwise: str, choices: Collection[str]) -> str:
    return choice(_named(setting, given), otherwise if given is None else given, choices)


def _named(setting: str, given: object) -> str:
    """Call *setting* by its argument where one was *given*, and by its variable otherwise."""
    return setting if given is not None else f"OBSKIT_{setting.upper()}"


def _orjson() -> Dumps:
    """Load orjson where it is installed (extra ``fast``): it writes a line in a third of the time."""
    try:
        with LOADING:  # a fork waits: the child could wait for ever for a module half loaded
            # What its start imports comes first: a signal handler that raised in there would end the process.
            import dataclasses  # noqa: F401
            import enum  # noqa: F401
            import uuid  # noqa: F401
            import zoneinfo  # noqa: F401

            from orjson import dumps as fastest
    except Exception as error:  # not installed, or a caller that stands near the limit of recursion
        let_pass(error)
        return dumps
    return fastest


def _line_sink(output: Output | None, clock: Clock) -> Sink[bytes]:
    if output is None:
        return StreamSink(clock=clock)
    if isinstance(output, str | os.PathLike):
        return _sink_at(path("output", output), clock)
    if callable(getattr(output, "emit", None)):
        return having("output", cast("Sink[bytes]", output), _OUTPUT, "emit", "close")
    having("output", output, _OUTPUT, "write")
    return StreamSink(cast("IO[str]", writable("output", output)), clock=clock)


def _sink_at(name: str, clock: Clock) -> Sink[bytes]:
    """Write to a file, or to a device: that is a stream under the name of a file."""
    if name in _STANDARD:
        return StreamSink(getattr(sys, _STANDARD[name]), clock=clock)
    if os.path.exists(name) and stat.S_ISCHR(os.stat(name).st_mode):  # noqa: PTH110, PTH116 - pathlib is slow to load
        return StreamSink(_device(name), clock=clock)
    from .sinks import FileSink

    return FileSink(name, clock=clock)


@lru_cache
def _device(name: str) -> IO[bytes]:
    """Open a device for the life of the process, as the standard streams are."""
    try:
        return open(os.open(name, os.O_WRONLY | os.O_APPEND), "ab", buffering=0, closefd=False)
    except OSError as error:
        raise ConfigError(f"output must be a writable device, got {name!r}: {error.strerror}") from None


def make_trace_store(environment: Environment, clock: Clock, given: TraceStore | None) -> Part | Later:
    """Take the store that was *given*, or build the one of the environment, and its export of traces."""
    if given is not None:
        return having("trace_store", given, "a TraceStore", *_STORE)
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
def _naming(variable: str = "", **variables: str) -> Iterator[None]:
    """
    Let the error of a wrong setting name its variable; that of a missing extra says enough.

    Args:
        variable: Where the settings come from, unless *variables* tells it of one, by its name.
    """
    try:
        yield
    except MissingExtra:
        raise
    except ConfigError as error:
        setting, _, _ = str(error).partition(" ")
        raise ConfigError(f"{variables.get(setting, variable)}: {error}") from None


def _memory_trace_store(clock: Clock) -> TraceStore:
    from .traces.stores import MemoryTraceStore

    return MemoryTraceStore(clock=clock)


def make_alerter(environment: Environment, clock: Clock, given: Alerter | None) -> Part | Later:
    """Take the alerter that was *given*, or build the environment's: off unless it has somewhere to go."""
    if given is not None:
        return having("alerter", given, "an Alerter", "send", "flush", "close", "stats")
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
        variables = {
            "channel_id": "ALERT_CHANNEL_ID",
            "token": "DISCORD_BOT_TOKEN",
            "base_url": "DISCORD_API_BASE",
        }
        with _naming("DISCORD_BOT_TOKEN", **variables):
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
