"""
Take the running trace and the log context along into other threads.

`asyncio.to_thread` does so by itself; a plain `threading.Thread` and the pools of
`concurrent.futures` begin with nothing.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def bind(function: Callable[P, R]) -> Callable[P, R]:
    """
    Let *function* run, in whatever thread, in the context in which it was bound.

    Each call gets a copy of that context, so calls in several threads do not disturb
    each other.

    >>> import threading
    >>> import obskit
    >>> seen = []
    >>> with obskit.bound_context(cmd="/diagnose"):
    ...     thread = threading.Thread(target=bind(lambda: seen.append(obskit.get_context()["cmd"])))
    >>> thread.start()
    >>> thread.join()
    >>> seen
    ['/diagnose']
    """
    context = contextvars.copy_context()

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)

    return call


class ContextThreadPool(ThreadPoolExecutor):
    """
    A pool whose calls run in the context of whoever submits them.

    Takes what `concurrent.futures.ThreadPoolExecutor` takes, and may be the default
    executor of an event loop.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run *fn* in a thread of the pool, in a copy of the caller's context."""
        return super().submit(bind(fn), *args, **kwargs)
