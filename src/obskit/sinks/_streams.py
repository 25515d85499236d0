"""
Write lines to standard output or any other stream.

Where there is a file descriptor, bytes go to it directly: the text layer of
`sys.stdout` loses data on a non-blocking pipe without a word, and flushes half
lines.
"""

from __future__ import annotations

import sys
from typing import IO, cast

from ..errors import SinkError
from ..interrupts import let_pass
from ..settings import writable
from ._descriptor import Descriptor
from ._lines import LineSink


class StreamSink(LineSink):
    """
    Writes lines to a text or binary stream.

    Args:
        stream: Where lines go. None is whatever `sys.stdout` is at the moment of
            each line, so replacing `sys.stdout` is followed. A stream that has a
            file descriptor is written to through that, past its buffer.
    """

    def __init__(self, stream: IO[str] | IO[bytes] | None = None) -> None:
        self._stream = None if stream is None else writable("stream", stream)
        super().__init__()

    def _begin(self) -> None:
        super()._begin()
        self._seen: object = self  # no stream so far
        self._descriptor: Descriptor | None = None

    def close(self) -> None:
        """Finish the last line; the stream stays open."""
        with self._lock:
            if self._descriptor is not None:
                self._descriptor.close()

    def _write(self, line: bytes) -> None:
        stream = self._stream if self._stream is not None else sys.stdout
        if stream is not self._seen:
            self._turn_to(stream)
        if self._descriptor is not None:
            if stream is not None and stream.closed:  # the number may be that of another file by now
                raise SinkError("closed")
            self._descriptor.write(line)
        elif stream is None:
            raise SinkError("closed")
        else:
            _write_object(stream, line)

    def _turn_to(self, stream: object) -> None:
        if self._descriptor is not None:
            self._descriptor.close()
        self._seen = stream
        try:
            file = cast("IO[bytes]", stream)
            self._descriptor = None if file.closed else Descriptor(file.fileno(), self._losses)
        # No descriptor: io.UnsupportedOperation, AttributeError, or whatever a stand-in raises.
        except Exception as error:
            let_pass(error)
            self._descriptor = None


def _write_object(stream: object, line: bytes) -> None:
    """Write to a stream that has no descriptor, as text or, where it refuses text, as bytes."""
    try:
        try:
            cast("IO[str]", stream).write(line.decode())
        except TypeError as error:
            let_pass(error)
            cast("IO[bytes]", stream).write(line)
    except Exception as error:
        let_pass(error)
        raise SinkError(type(error).__name__) from error
