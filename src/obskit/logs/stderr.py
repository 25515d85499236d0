"""
Keep secrets out of what a program prints to stderr.

Bot libraries print tracebacks there, and a traceback shows the text of its
exception as it is.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Any, ClassVar, Final, Self

from .. import runtime
from ..worker import restart_after_fork

#: A private key that has begun and not ended, by the characters that the redactor takes for its body.
_OPEN_KEY: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,80}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[A-Za-z0-9+/=\s,:]|\\+[nrt]|-(?!----END))*+\Z"
)
#: Characters that are held; the longest keys have half of that.
_MAX_HELD: Final = 32_000
#: Pieces of a line that are held before they are joined and counted.
_MAX_PIECES: Final = 100


class RedactedStream:
    """
    A text stream that hides secrets in what is written and passes everything else on.

    A secret may be written in pieces, so text is held until a write ends in a line
    break or `flush()` is called, and a private key until its last line. The text
    of each thread is held apart. What is written past this stream, to its
    ``buffer`` or its descriptor, is not seen.

    Args:
        stream: Where the text goes.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.stream: Final = stream
        self._held: dict[int, deque[str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write *text* as soon as its line is complete."""
        is_complete = text.endswith(("\n", "\r"))
        # A signal handler may write at any point here: nothing is lost, for each step is atomic.
        held = self._held.setdefault(threading.get_ident(), deque())
        held.append(text)
        if is_complete or len(held) > _MAX_PIECES:
            self._release(held, is_complete=is_complete)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of *lines*; line breaks are not added."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is held of this thread and of threads that have ended; flush the stream beneath."""
        others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
        for thread, held in list(self._held.items()):
            if thread not in others:
                self._release(held, is_complete=True)
        self.stream.flush()

    def release(self) -> None:
        """Write everything that is held, the beginning of a private key included."""
        for held in list(self._held.values()):
            self._pass_on(_taken(held))

    def _release(self, held: deque[str], *, is_complete: bool) -> None:
        text = _taken(held)
        end = _end_of_release(text, is_complete=is_complete)
        if end < len(text):
            held.appendleft(text[end:])
        self._pass_on(text[:end])

    def _pass_on(self, text: str) -> None:
        if text:
            self.stream.write(runtime.current().gate.text(text))


def _taken(held: deque[str]) -> str:
    """Take all pieces out, one by one: whoever interrupts this takes only what is left."""
    pieces: list[str] = []
    with suppress(IndexError):
        while True:
            pieces.append(held.popleft())
    return "".join(pieces)


def _end_of_release(text: str, *, is_complete: bool) -> int:
    """Tell how much of *text* may go out: no unfinished line, no unfinished key, unless it grows too long."""
    if len(text) > _MAX_HELD:
        return len(text)
    begin = text.rfind("-----BEGIN ") if is_complete else 0
    is_open = not is_complete or (begin >= 0 and _OPEN_KEY.match(text, begin))
    return begin if is_open else len(text)


class redact_stderr:  # noqa: N801 - used as a function, with and without `with`
    """
    Hide secrets in what is written to `sys.stderr`, from now on or for the length of a block.

    >>> import sys
    >>> with redact_stderr():
    ...     _ = sys.stderr.write("https://ada:not-real@example.org refused")  # ada:***@example.org
    """

    # One stream stands there for as long as anybody wants it. Were each user to put back
    # what it found, two threads whose blocks overlap would leave the wrong one there.
    _users: ClassVar[list[redact_stderr]] = []
    _installed: ClassVar[RedactedStream | None] = None
    # Not `LOADING`: a module that warns while it is imported comes here, and another thread may load it.
    _lock = threading.RLock()

    def __init__(self) -> None:
        shared = redact_stderr
        with shared._lock:
            shared._users.append(self)
            # Under pythonw there is no stderr.
            if sys.stderr is not None and not isinstance(sys.stderr, RedactedStream):
                sys.stderr = shared._installed = RedactedStream(sys.stderr)

    @classmethod
    def start_anew(cls) -> None:
        """Forget, in a forked child, that a thread of the parent held the lock."""
        cls._lock = threading.RLock()

    def undo(self) -> None:
        """Give `sys.stderr` back unless another user of this still wants it redacted; idempotent."""
        shared = redact_stderr
        with shared._lock:
            shared._users = [other for other in shared._users if other is not self]
            installed = shared._installed
            if shared._users or installed is None:
                return
            shared._installed = None
            # Somebody may have put another stream there meanwhile; it stays.
            if sys.stderr is installed:
                sys.stderr = installed.stream
        installed.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()


restart_after_fork(redact_stderr)
