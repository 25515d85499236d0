"""Take finished items out of the process: the `Sink` protocol and the sinks of log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import lazy
from ._losses import Losses, reason_of
from ._protocol import Sink, flush_sink, sink_stats, summed
from ._streams import StreamSink

if TYPE_CHECKING:
    from ._combining import FilteredSink, MemorySink, TeeSink
    from ._files import FileSink
    from ._queued import QueuedSink

__all__ = [
    "FileSink",
    "FilteredSink",
    "Losses",
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

_HOMES = {
    "FileSink": "_files",
    "FilteredSink": "_combining",
    "MemorySink": "_combining",
    "QueuedSink": "_queued",
    "TeeSink": "_combining",
}
__getattr__, __dir__ = lazy.attributes(__name__, __all__, _HOMES)
