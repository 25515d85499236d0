"""
Send every trace that has ended to an OpenTelemetry collector or back end, over HTTP.

Rule 1: nobody waits for it. A worker sends what has gathered meanwhile in batches.
Rule 2: what the receiver may take later is tried again, as
https://opentelemetry.io/docs/specs/otlp/#failures asks; what it refused is not.
Rule 3: made = sent + dropped + pending, in ``stats()``.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import unquote

from ..clock import SYSTEM_CLOCK, Clock, Deadline
from ..counting import count
from ..environment import Environment
from ..errors import ConfigError, SinkError, SinkRejected
from ..http import endpoint, parse_retry_after
from ..ids import jitter
from ..notices import Notices
from ..settings import at_most, choice, having, seconds
from ..worker import EXIT_TIMEOUT, Worker, close_at_exit, restart_after_fork
from .model import ExecutionTrace, SafeTrace
from .otlp import to_otlp
from .stores import TraceStore

#: Traces that may wait, and those that are sent in one request.
_CAPACITY: Final = 2_048
_BATCH: Final = 64
#: Attempts for one batch: with the waits between them about a minute.
_ATTEMPTS: Final = 6
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
#: Where a collector listens, by the specification of the OpenTelemetry exporter.
_DEFAULT: Final = "http://localhost:4318"
_DEFAULT_TRACES: Final = f"{_DEFAULT}/v1/traces"

_NOTICES: Final = Notices()


class OTLPExporter:
    """
    A trace store that keeps traces in another one, and sends those that have ended as OTLP/JSON.

    Args:
        store: Keeps the traces.
        url: Where to send them, path included; ``https://``, or ``http://`` for a
            collector in the same network.
        headers: Of every request, such as ``Authorization``.
        timeout: Seconds for one request.
        compression: ``gzip`` or ``none``.
        resource: What describes the program; see `to_otlp`.
        clock: The source of time, for tests.

    Raises:
        ConfigError: If a setting is wrong.
        MissingExtra: If urllib3 is not installed.
    """

    def __init__(
        self,
        store: TraceStore,
        url: str = _DEFAULT_TRACES,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        compression: str = "gzip",
        resource: Mapping[str, object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        choice("compression", compression, ("gzip", "none"))
        self._endpoint: Final = endpoint(url, setting="url", what="OTLPExporter", allow_http=True)
        self._headers: Final = {**_checked(headers or {}), "Content-Type": "application/json"}
        if compression == "gzip":
            self._headers["Content-Encoding"] = "gzip"
        self._store: Final = having("store", store, "a TraceStore", "started", "changed", "ended", "flush")
        self._timeout = seconds("timeout", timeout)
        self._resource = resource
        self._clock = clock
        # Its one item says that traces wait.
        self._worker: Worker[None] = Worker(self._process, capacity=1, clock=clock, name="obskit-otlp")
        # All but the end of a trace is a matter of the store alone.
        self.started, self.changed = store.started, store.changed
        self.last, self.get, self.find = store.last, store.get, store.find
        self.recent, self.forget = store.recent, store.forget
        self.start_anew()
        restart_after_fork(self)
        close_at_exit(self)

    def start_anew(self) -> None:
        """Leave what the parent has not sent to the parent, in a forked child."""
        self._waiting: deque[ExecutionTrace] = deque()
        self._is_closed = False
        self._failures = 0  #: in a row
        self._not_before_ns = 0
        self._counts = {"sent": 0, "dropped": 0}

    def ended(self, trace: SafeTrace, /) -> None:
        """Keep the final form of a trace, and send it."""
        self._store.ended(trace)
        if self._is_closed or len(self._waiting) >= _CAPACITY:
            count(self._counts, "dropped")
        else:
            self._waiting.append(trace)
            self._worker.submit(None)

    def flush(self, timeout: float) -> bool:
        """Finish pending writes and requests within *timeout* seconds; False if some are left."""
        deadline = Deadline(at_most(timeout))
        kept = self._store.flush(deadline.left())
        return self._worker.flush(deadline.left()) and kept

    def close(self, timeout: float = EXIT_TIMEOUT) -> None:
        """Send within *timeout* what is pending, give up the rest, close the store; idempotent."""
        self._is_closed = True
        self._worker.close(at_most(timeout))
        self._settle(len(self._waiting), "dropped")
        self._store.close()

    def stats(self) -> Mapping[str, float]:
        """Return what the store counted, and ``otlp_sent``, ``otlp_dropped`` and ``otlp_pending`` traces."""
        counts = {**self._counts, "pending": len(self._waiting)}
        return {**self._store.stats(), **{f"otlp_{name}": count for name, count in counts.items()}}

    # --- the worker ---

    def _process(self, _: None) -> float | None:
        """Send one batch; returns the seconds until the next, or None if nothing waits."""
        left_ns = self._not_before_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            return left_ns / 1e9
        batch = [self._waiting[place] for place in range(min(_BATCH, len(self._waiting)))]
        try:
            if batch:
                self._send(batch)
        except SinkError as error:
            self._failures += 1
            if self._failures < _ATTEMPTS and not isinstance(error, SinkRejected):
                return self._pause(error.retry_after)
            self._give_up(len(batch), str(error))
        except Exception as error:  # one trace that cannot be written must not hold up all others
            self._give_up(len(batch), type(error).__name__)
        else:
            self._settle(len(batch), "sent")
        return 0.0 if self._waiting else None

    def _send(self, traces: list[ExecutionTrace]) -> None:
        document = to_otlp(*traces, resource=self._resource)
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        if "Content-Encoding" in self._headers:
            import gzip

            body = gzip.compress(body, 6)
        answer = self._endpoint.post(body, headers=self._headers, timeout=self._timeout)
        if answer.status in _RETRYABLE:
            wait = parse_retry_after(answer.headers.get("retry-after"))
            raise SinkError(f"the receiver answered {answer.status}", retry_after=wait)
        if not 200 <= answer.status < 300:
            raise SinkRejected(f"the receiver answered {answer.status}")

    def _pause(self, asked: float | None) -> float:
        """Send nothing for as long as the receiver has *asked* for, or longer each time."""
        wait = 2 ** (self._failures - 1) + jitter(1.0) if asked is None else asked
        self._not_before_ns = self._clock.monotonic_ns() + int(wait * 1e9)
        return wait

    def _give_up(self, number: int, reason: str) -> None:
        _NOTICES.tell(reason, f"traces were not exported: {reason}")
        self._settle(number, "dropped")

    def _settle(self, number: int, outcome: str) -> None:
        """Be done with the *number* that have waited longest, unless `close` has given them up."""
        self._failures = 0
        with suppress(IndexError):  # it may do so right now
            for _ in range(number):
                self._waiting.popleft()
                count(self._counts, outcome)


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not (name + value).isprintable() or not (name + value).isascii() or not name.strip():
            raise ConfigError(f"headers must be printable ASCII, got something else under {name[:40]!r}")
    return dict(headers)


def from_environment(store: TraceStore, environment: Environment, *, clock: Clock) -> TraceStore:
    """
    Put an exporter around *store* that the standard variables of OpenTelemetry describe.

    Read are ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``_HEADERS``, ``_TIMEOUT`` and ``_COMPRESSION``, and
    those with ``_TRACES`` before the last word, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_SERVICE_NAME``
    and ``OTEL_SDK_DISABLED`` (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
    """
    if environment.text("OTEL_SDK_DISABLED", "").lower() == "true":
        return store

    def setting(name: str, default: str) -> str:
        general = environment.text(f"OTEL_EXPORTER_OTLP_{name}", default)
        return environment.text(f"OTEL_EXPORTER_OTLP_TRACES_{name}", general)

    base = environment.text("OTEL_EXPORTER_OTLP_ENDPOINT", _DEFAULT)
    url = environment.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{base.rstrip('/')}/v1/traces")
    protocol = setting("PROTOCOL", "http/json")
    if protocol != "http/json":
        environment.notices.append(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}: obskit sends http/json to {base}"
        )
    resource = _pairs(environment.text("OTEL_RESOURCE_ATTRIBUTES", ""))
    service = environment.text("OTEL_SERVICE_NAME", "")
    milliseconds = setting("TIMEOUT", "10000")
    return OTLPExporter(
        store,
        url,
        headers=_pairs(setting("HEADERS", "")),
        timeout=float(milliseconds) / 1_000 if milliseconds.isdecimal() and int(milliseconds) else 10.0,
        compression=setting("COMPRESSION", "none"),
        resource={**resource, "service.name": service} if service else resource,
        clock=clock,
    )


def _pairs(text: str) -> dict[str, str]:
    """Read ``name=value,name=value`` with percent-encoded values."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
