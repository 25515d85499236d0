"""
Observe a bot that is built with aiogram.

A trace is opened next to the handler that takes an update, so updates that no handler
takes leave none. Errors of filters and middlewares are logged too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from .. import get_logger
from ..errors import ConfigError
from ._commands import Command, Reporting, log_once, spoken

try:
    from aiogram import Dispatcher
    from aiogram.dispatcher.event.bases import CancelHandler, SkipHandler
    from aiogram.types import Message, TelegramObject
except ImportError:
    raise ConfigError("this integration needs aiogram: run pip install aiogram") from None

_Handler: TypeAlias = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

_log: Final = get_logger(__name__)


def observe(dispatcher: Dispatcher) -> None:
    """
    Record each update that a handler of *dispatcher* takes as a trace, and log each error once.

    Routers, handlers and error handlers may be added before or after.

    Raises:
        ConfigError: If *dispatcher* is not one of aiogram.
    """
    if not isinstance(dispatcher, Dispatcher):
        raise ConfigError(f"observe takes a Dispatcher of aiogram, got {type(dispatcher).__name__}")
    if _update in dispatcher.update.outer_middleware:
        return
    log_once("aiogram.event")
    dispatcher.update.outer_middleware(_update)
    for name, observer in dispatcher.observers.items():
        if name not in ("update", "error"):
            observer.middleware(_handled)


async def _update(handler: _Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    with Reporting(_log, "update"):  # its type, which aiogram may not know yet, is not asked for
        return await handler(event, data)


async def _handled(handler: _Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    text = event.text or event.caption if isinstance(event, Message) else None
    callback = data["handler"].callback
    function = getattr(callback, "func", callback)  # of a partial
    name = spoken(text, getattr(function, "__name__", type(function).__name__))
    user, chat = data.get("event_from_user"), data.get("event_chat")
    with Command(_log, name, user and user.id, chat_id=chat and chat.id):
        try:
            return await handler(event, data)
        except (SkipHandler, CancelHandler) as passed:  # no errors: they tell aiogram where to go on
            signal = passed
    raise signal
