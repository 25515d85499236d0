"""Keep alerts in this process: on a stream, in a list, or handed to a function."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TextIO

from ...errors import SinkError
from ...settings import function as checked_function
from ...settings import whole_number, writable
from ..delivery import Delivery
from ..model import Alert
from ._layout import describe_repeats, plain


class Console:
    """
    Writes alerts to a stream.

    Args:
        stream: None for the `sys.stderr` of the moment.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = None if stream is None else writable("stream", stream)

    def emit(self, delivery: Delivery, /) -> None:
        """Write *delivery*; characters that the stream cannot encode are escaped."""
        stream = sys.stderr if self._stream is None else self._stream
        if stream is None:
            raise SinkError("there is no stderr")
        encoding = getattr(stream, "encoding", None) or "utf-8"
        text = plain(delivery).encode(encoding, "backslashreplace").decode(encoding)
        stream.write(text + "\n")
        stream.flush()

    def close(self) -> None:
        """Do nothing: the stream is not ours."""


class Memory:
    """
    Keeps alerts, for tests and for a look at what would be sent.

    Args:
        capacity: The newest that are kept.
    """

    def __init__(self, *, capacity: int = 1_000) -> None:
        self._deliveries: deque[Delivery] = deque(maxlen=whole_number("capacity", capacity))

    @property
    def deliveries(self) -> list[Delivery]:
        """All messages, the oldest first."""
        return list(self._deliveries)

    @property
    def alerts(self) -> list[Alert]:
        """All alerts as they would have been sent; the field ``repeats`` tells what was suppressed."""
        return [_shown(delivery) for delivery in self._deliveries]

    def emit(self, delivery: Delivery, /) -> None:
        """Keep *delivery*."""
        self._deliveries.append(delivery)

    def close(self) -> None:
        """Do nothing: what was kept stays readable."""


def _shown(delivery: Delivery) -> Alert:
    alert = delivery.alert
    if not delivery.repeats.count:
        return alert
    return replace(alert, fields={**alert.fields, "repeats": describe_repeats(delivery.repeats)})


class Callback:
    """
    Hands each message to a function.

    Args:
        function: Takes a `Delivery`. It is called in a thread of ours and called again
            later if it raises, unless it raises `obskit.errors.SinkRejected`.
    """

    def __init__(self, function: Callable[[Delivery], object]) -> None:
        self._function = checked_function("function", function)

    def emit(self, delivery: Delivery, /) -> None:
        """Call the function."""
        self._function(delivery)

    def close(self) -> None:
        """Do nothing."""
