"""
Observe an app that is built with Bolt for Python.

Bolt runs a listener in another thread than its middleware. A trace is opened there,
in the context that the middleware has set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .. import bound_context, get_logger
from ..decorating import decorate
from ..errors import ConfigError
from ..interrupts import let_pass
from ..traces import bind
from ._commands import Command, log_once, replace

if TYPE_CHECKING:
    from slack_bolt import App
    from slack_bolt.async_app import AsyncApp

_log: Final = get_logger(__name__)


def observe(app: App | AsyncApp) -> None:
    """
    Record each listener and each lazy function that *app* runs as a trace, and log each error once.

    The traces of one request share a correlation id. Context that middleware sets is on
    the lines of listeners and lazy functions, and ends with the request. Listeners,
    middleware and error handlers may be added before or after.

    Raises:
        ConfigError: If *app* is not an app of Bolt.
    """
    # Not by type: the module of AsyncApp needs aiohttp, which a synchronous app may lack.
    dispatch = next((name for name in ("dispatch", "async_dispatch") if hasattr(app, name)), None)
    if dispatch is None or not hasattr(app, "listener_runner"):
        raise ConfigError(f"observe takes an App or AsyncApp of Bolt, got {type(app).__name__}")
    log_once(app.logger.name)
    replace(app, dispatch, _requests)
    replace(app.listener_runner, "run", _listeners)


def _requests(dispatch: Callable[..., Any]) -> Callable[..., Any]:
    """Let what middleware binds end with the request: its thread serves others after it."""
    return decorate(dispatch, bound_context)


def _listeners(run: Callable[..., Any]) -> Callable[..., Any]:
    """Give the runner, of either kind, a listener whose functions are observed."""

    def observed(
        request: Any, response: Any, listener_name: str, listener: Any, starting_time: Any = None
    ) -> Any:
        command, about, shown = _name_of(request.body), _about(request), copy(listener)
        shown.run_ack_function = _inside(listener.run_ack_function, Command, command, about)
        shown.lazy_functions = [
            _inside(function, _lazily, f"{command} {getattr(function, '__name__', 'lazy')}", about)
            for function in listener.lazy_functions
        ]
        return run(request, response, listener_name, shown, starting_time)

    return observed


def _inside(
    function: Callable[..., Any], run: Callable[..., Any], command: str, about: dict[str, Any]
) -> Callable[..., Any]:
    """Run *function* as *command*, in the context in which it is given here."""
    return bind(decorate(function, partial(run, _log, command, **about)))


@contextmanager
def _lazily(*command: Any, **about: Any) -> Iterator[None]:
    # Nobody would see the error but Bolt, which logs it once more, without its traceback.
    try:
        with Command(*command, **about):
            yield
    except Exception as error:
        let_pass(error)


def _about(request: Any) -> dict[str, Any]:
    context, body = request.context, request.body
    return {
        "user_id": context.user_id,
        "correlation_id": body.get("event_id") or body.get("trigger_id"),
        "team_id": context.team_id,
        "channel_id": context.channel_id,
    }


def _name_of(body: dict[str, Any]) -> str:
    """Name what the user did: a slash command, an action, the callback of a view or shortcut, an event."""
    actions, view, event = body.get("actions") or [{}], body.get("view") or {}, body.get("event") or {}
    names = body.get("command"), actions[0].get("action_id"), view.get("callback_id")
    found = [name for name in (*names, body.get("callback_id"), event.get("type")) if name]
    return str(found[0] if found else body.get("type", "request"))
