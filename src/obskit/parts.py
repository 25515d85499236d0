"""
Make the parts of a runtime from settings: what is given, else the environment, else the default.

Logs, traces and alerts do not know each other; what they do together is arranged here.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

from .clock import Clock, checked_clock
from .encoding.json import Dumper, Dumps, dumps, encode_line
from .encoding.schemas import SCHEMAS, Schema, gcp
from .environment import Environment
from .errors import ConfigError, MissingExtra
from .gate import Gate
from .interrupts import let_pass
from .lazy import LOADING
from .levels import Thresholds, parse_level
from .logs.flight import FlightRecorder
from .logs.pipeline import Encoder, Pipeline
from .logs.quick import QuickLine
from .redaction import Redactor
from .runtime import Later, ready
from .settings import choice, having, path, writable, wrong
from .sinks import Sink, StreamSink

if TYPE_CHECKING:
    from .alerts import Alerter
    from .alerts.delivery import AlertSink
    from .escalation import Escalation
    from .traces import TraceStore

Output: TypeAlias = "IO[str] | IO[bytes] | str | os.PathLike[str] | Sink[bytes]"

_DISCORD_API: Final = "https://discord.com/api/v10"
_STORE: Final = ("started", "changed", "ended", "last", "flush", "close")
_OUTPUT: Final = "a stream, a path or a sink with emit() and close()"
#: What stands behind these names may be a file, a pipe or a socket, and is open already.
_STANDARD: Final = {"/dev/stdout": "stdout", "/dev/stderr": "stderr"}


class Parts:
    """
    Makes what one runtime consists of.

    Args:
        environ: Variables that count where nothing is given.
        clock: The source of time.
        redactor: Hides secrets; None is the usual one.
    """

    def __init__(self, environ: Mapping[str, str], clock: Clock, redactor: Redactor | None) -> None:
        given: object = redactor
        if not isinstance(given, Redactor | None):
            raise wrong("redactor", "a Redactor", given)
        self.environment: Final = Environment(environ)
        self.clock: Final = checked_clock(clock)
        self.gate: Final = Gate(given or Redactor())

    def thresholds(self, level: str | int | None, levels: Mapping[str, str | int] | None) -> Thresholds:
        """Read the lowest level, and those by name of logger."""
        setting, lowest = self.environment.setting("level", level, "OBSKIT_LEVEL", "info")
        given: object = {} if levels is None else levels
        if not isinstance(given, Mapping) or not all(type(name) is str for name in given):
            raise wrong("levels", "a mapping of names of loggers", levels)
        by_name = {name: parse_level(value, setting=f"levels[{name!r}]") for name, value in given.items()}
        return Thresholds(parse_level(lowest, setting=setting), by_name)

    def pipeline(
        self,
        service: str,
        thresholds: Thresholds,
        format: str | None,  # noqa: A002
        schema: str | None,
        output: Output | None,
        *,
        propagate: bool,
        watch: Escalation | None,
    ) -> Pipeline:
        """Make what turns events into lines, and shows those of its level or above to *watch*."""
        chosen = choice(
            *self.environment.setting("format", format, "OBSKIT_FORMAT", "json"), ("json", "console")
        )
        lay_out, dumper = self._schema(schema), Dumper(faster=_orjson)
        encode: Encoder = lambda event: encode_line(lay_out(event, service), dumper.dump)  # noqa: E731
        quick_line = copy_to = None
        if chosen == "console":
            from .encoding.console import encode_console, wants_colour

            is_terminal = _is_terminal(sys.stdout if output is None else output)
            colour = wants_colour(self.environment, is_terminal=is_terminal, windows=os.name == "nt")
            encode = partial(encode_console, colour=colour)
        elif lay_out is SCHEMAS["default"] and not self.gate.redactor.reports:
            quick_line = QuickLine(self.gate, service, dumper)
        if propagate:
            from .logs.stdlib import Propagation

            copy_to = Propagation()
        pipeline = Pipeline(
            gate=self.gate,
            encode=encode,
            quick_line=quick_line,
            sink=self._line_sink(output),
            clock=self.clock,
            thresholds=thresholds,
            copy_to=copy_to,
        )
        if watch is not None:
            pipeline.watch(watch.level, watch)
        return pipeline

    def _schema(self, given: str | None) -> Schema:
        """Choose the schema; on AWS Lambda with JSON logs, the one that Lambda reads levels from."""
        is_lambda = self.environment.text("AWS_LAMBDA_LOG_FORMAT").upper() == "JSON"
        default = "lambda" if is_lambda else "default"
        name = choice(*self.environment.setting("schema", given, "OBSKIT_SCHEMA", default), SCHEMAS)
        return gcp(self.environment.text("GOOGLE_CLOUD_PROJECT")) if name == "gcp" else SCHEMAS[name]

    def _line_sink(self, output: Output | None) -> Sink[bytes]:
        if output is None:
            return StreamSink()
        if isinstance(output, str | os.PathLike):
            return self._sink_at(path("output", output))
        if callable(getattr(output, "emit", None)):
            return having("output", cast("Sink[bytes]", output), _OUTPUT, "emit", "close")
        having("output", output, _OUTPUT, "write")
        return StreamSink(cast("IO[str]", writable("output", output)))

    def _sink_at(self, name: str) -> Sink[bytes]:
        """Write to a file, or to a device: that is a stream under the name of a file."""
        if name in _STANDARD:
            return StreamSink(getattr(sys, _STANDARD[name]))
        if os.path.exists(name) and stat.S_ISCHR(os.stat(name).st_mode):  # noqa: PTH110, PTH116 - pathlib is slow to load
            return StreamSink(_device(name))
        from .sinks import FileSink

        return FileSink(name, clock=self.clock)

    def flight_recorder(self, lines: bool | int) -> FlightRecorder | None:
        """Make what keeps the *lines* below the level, where it is wanted."""
        if lines is True:
            return FlightRecorder(self.gate)
        given: object = lines
        if not isinstance(given, int) or given < 0:
            raise wrong("flight_recorder", "True, False or a number of lines", given)
        return FlightRecorder(self.gate, given) if given else None

    def escalation(self, level: str | int | None) -> Escalation | None:
        """Make what turns events of *level* or above into alerts, where somebody asked for it."""
        setting, wanted = self.environment.setting("alert_level", level, "OBSKIT_ALERT_LEVEL", "")
        if wanted == "":
            return None
        from .escalation import Escalation

        return Escalation(parse_level(wanted, setting=setting))

    def trace_store(self, given: TraceStore | None) -> Later:
        """Take the store that was *given*, or build the one of the environment, and its export of traces."""
        if given is not None:
            return ready(having("trace_store", given, "a TraceStore", *_STORE))
        store = self._trace_store()
        if not self.environment.flag("OBSKIT_OTLP"):
            return store
        from .traces.exporter import from_environment

        with _naming("OTEL_EXPORTER_OTLP_*"):
            return ready(
                from_environment(cast("TraceStore", store.get()), self.environment, clock=self.clock)
            )

    def _trace_store(self) -> Later:
        url = self.environment.text("OBSKIT_TRACE_STORE", "memory:")
        store = Later(partial(_store_at, url, self.clock))
        if url != "memory:":  # what may be wrong is made at once
            with _naming("OBSKIT_TRACE_STORE"):
                store.get()
        return store

    def alerter(self, given: Alerter | None) -> Later:
        """Take the alerter that was *given*, or build the environment's: off if it has nowhere to go."""
        if given is not None:
            return ready(having("alerter", given, "an Alerter", "send", "flush", "close", "stats"))
        window = self.environment.seconds("ALERT_WINDOW_SECONDS", 300.0)
        sinks = self._alert_sinks() if self.environment.flag("ENABLE_ALERTS") else []
        if not sinks:
            return Later(partial(_no_alerter, self.clock))
        from .alerts import Alerter
        from .alerts.dedupe import dedupe_at

        url = self.environment.text("OBSKIT_ALERT_DEDUPE")
        with _naming("OBSKIT_ALERT_DEDUPE"):
            dedupe = dedupe_at(url, clock=self.clock) if url else None  # an alerter has one of its own
        spool = self.environment.text("OBSKIT_ALERT_SPOOL") or None
        with _naming("OBSKIT_ALERT_SPOOL", window="ALERT_WINDOW_SECONDS"):
            return ready(Alerter(sinks, window=window, dedupe=dedupe, spool=spool, clock=self.clock))

    def _alert_sinks(self) -> list[AlertSink]:
        """Build the sinks of the URLs and the Discord channel, or tell that there is neither."""
        urls = self.environment.text("OBSKIT_ALERT_SINKS")
        channel, token = self.environment.text("ALERT_CHANNEL_ID"), self.environment.text("DISCORD_BOT_TOKEN")
        missing = "ALERT_CHANNEL_ID" if not channel else "DISCORD_BOT_TOKEN" if not token else None
        if missing is not None and not urls:
            self.environment.notices.append(f"ENABLE_ALERTS is true but {missing} is not set: alerts are off")
            return []
        from .alerts.sinks import DiscordChannel
        from .alerts.sinks._urls import sinks_from

        sinks = sinks_from(urls, setting="OBSKIT_ALERT_SINKS")
        if missing is None:
            base_url = self.environment.text("DISCORD_API_BASE", _DISCORD_API)
            with _naming("DISCORD_BOT_TOKEN", channel_id="ALERT_CHANNEL_ID", base_url="DISCORD_API_BASE"):
                sinks.append(DiscordChannel(token, channel, base_url=base_url))
        return sinks


def _store_at(url: str, clock: Clock) -> TraceStore:
    from .traces.stores.urls import store_at

    return store_at(url, clock)


def _no_alerter(clock: Clock) -> Alerter:
    from .alerts import Alerter

    return Alerter([], enabled=False, clock=clock)


@contextmanager
def _naming(variable: str, **variables: str) -> Iterator[None]:
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


def _is_terminal(output: object) -> bool:
    try:
        return bool(output.isatty())  # type: ignore[attr-defined]
    # None, a path or a sink has no isatty(), and that of a closed stream raises.
    except (AttributeError, ValueError, OSError):
        return False


@lru_cache
def _device(name: str) -> IO[bytes]:
    """Open a device for the life of the process, as the standard streams are."""
    try:
        return open(os.open(name, os.O_WRONLY | os.O_APPEND), "ab", buffering=0, closefd=False)
    except OSError as error:
        raise ConfigError(f"output must be a writable device, got {name!r}: {error.strerror}") from None


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
