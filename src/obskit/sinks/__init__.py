"""Take finished items out of the process: the `Sink` protocol and the sinks of log lines."""

from __future__ import annotations

from ._combining import FilteredSink, MemorySink, TeeSink
from ._files import FileSink
from ._losses import reason_of
from ._protocol import Sink, flush_sink, sink_stats, summed
from ._queued import QueuedSink
from ._streams import StreamSink

__all__ = [
    "FileSink",
    "FilteredSink",
    "MemorySink",
    "QueuedSink",
    "Sink",
    "StreamSink",
    "TeeSink",
    "flush_sink",
    "reason_of",
    "sink_stats",
    "summed",
]
