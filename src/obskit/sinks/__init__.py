"""Take finished items out of the process: the `Sink` protocol and the sinks of log lines."""

from __future__ import annotations

from ._protocol import Sink
from ._streams import FileSink, StreamSink

__all__ = ["FileSink", "Sink", "StreamSink"]
