"""
Observe the tasks of a Celery application: `observe`.

Celery tells of everything by signals, in the thread and context that the task runs in
(https://docs.celeryq.dev/en/stable/userguide/signals.html), and logs each outcome itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from .. import runtime
from ..traces import OpenTrace, current_trace, extract, inject, trace
from ._commands import user_of

#: Celery comes without types.
Celery: TypeAlias = Any
Task: TypeAlias = Any

#: Carries the user of a trace along with its ids: brokers are not open to strangers.
_USER: Final = "obskit-user-id"
#: States of a task that has run to its end; ``IGNORED`` is what it asked for itself.
_ENDED: Final = {"SUCCESS", "FAILURE", "IGNORED"}
#: Seconds that a process of the worker takes at its end to write traces and alerts.
_LAST_FLUSH: Final = 5.0


def observe(app: Celery, *, user_id: Callable[[Task], object] | None = None) -> Celery:
    """
    Record every run of a task of *app* as a trace with the task's name.

    Runs go on with the trace that sent them, for the same user. One that will be tried
    again is ``cancelled``. The worker leaves `logging` as `obskit.configure` set it up.

    Args:
        app: The application, in the programs that send tasks and in the workers.
        user_id: Tells from the task, with its ``request``, whose run it is; None is the
            user of whoever sent it.
    """
    from celery import signals  # type: ignore[import-untyped]

    tasks = _Tasks(app, user_id)
    for signal, receiver in (
        (signals.before_task_publish, _send_along),
        (signals.task_prerun, tasks.begin),
        (signals.task_retry, tasks.retry),
        (signals.task_failure, tasks.fail),
        (signals.task_postrun, tasks.end),
        (signals.setup_logging, _leave_logging),
        (signals.worker_process_shutdown, _flush),
    ):
        # By an id, so that it is connected once, however often this is called.
        signal.connect(receiver, weak=False, dispatch_uid=f"obskit-{id(app)}")
    return app


class _Tasks:
    """Records the runs of one application's tasks, each trace being kept with its request."""

    def __init__(self, app: Celery, user_id: Callable[[Task], object] | None) -> None:
        self._app: Final = app
        self._user_id: Final = user_id

    def begin(self, sender: Task, **_more: object) -> None:
        """Open a trace for the run that begins."""
        if sender.app is not self._app:
            return
        request = sender.request
        headers: Mapping[str, Any] = request.headers or {}
        user = headers.get(_USER) if self._user_id is None else user_of(self._user_id, sender)
        run = trace(sender.name, user, parent=extract(headers), task_id=request.id)
        if request.retries:
            run.add(retries=request.retries)
        request.obskit_trace = run.__enter__()

    def retry(self, sender: Task, reason: object, **_more: object) -> None:
        """Note why it will be tried again."""
        if run := self._run_of(sender):
            run.add(retry=str(reason))

    def fail(self, sender: Task, exception: BaseException, **_more: object) -> None:
        """Note why it failed for good; Celery logs it."""
        if run := self._run_of(sender):
            run.fail(exception)

    def end(self, sender: Task, state: str | None, **_more: object) -> None:
        """End the trace; a run that has not come to its end is cancelled."""
        if run := self._run_of(sender):
            given_up = None if state in _ENDED else BaseException(state)
            run.__exit__(None if given_up is None else BaseException, given_up, None)

    def _run_of(self, task: Task) -> OpenTrace | None:
        return getattr(task.request, "obskit_trace", None) if task.app is self._app else None


def _send_along(headers: dict[str, str] | None = None, **_more: object) -> None:
    run = current_trace()
    if run is None or headers is None:
        return
    inject(headers)
    if run.user_id is not None:
        headers[_USER] = run.user_id


def _leave_logging(**_more: object) -> None:
    """Be there: Celery does not set `logging` up where somebody else says to do it."""


def _flush(**_more: object) -> None:
    runtime.current().flush(_LAST_FLUSH)
