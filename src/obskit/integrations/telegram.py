"""
Observe a bot that is built with python-telegram-bot.

The one thing to do is to build an `ObservedApplication`.
"""

from __future__ import annotations

from typing import Any, Final

from .. import get_context, get_logger
from ..errors import ConfigError
from ._commands import Command, log_once, report, spoken

try:
    from telegram import Update
    from telegram.ext import Application
except ImportError:
    raise ConfigError(
        "this integration needs python-telegram-bot: run pip install python-telegram-bot"
    ) from None

#: Where python-telegram-bot logs errors that nobody takes.
_LOGGER: Final = "telegram.ext.Application"
_log: Final = get_logger(__name__)


class ObservedApplication(Application[Any, Any, Any, Any, Any, Any]):
    """
    An application that records each update as a trace, and logs each error once.

    Build it with ``ObservedApplication.builder()`` in the place of ``Application.builder()``.
    Error handlers get what they always get, from jobs and tasks of the application too.
    """

    __slots__ = ()

    @staticmethod
    def builder() -> Any:  # the type of python-telegram-bot's own has six parameters and no public name
        """Begin to build an application of this kind."""
        return Application.builder().application_class(ObservedApplication)

    async def process_update(self, update: object) -> None:
        """Run the handlers of *update* inside a trace."""
        user, chat = getattr(update, "effective_user", None), getattr(update, "effective_chat", None)
        with Command(_log, _name_of(update), user and user.id, chat_id=chat and chat.id):
            await super().process_update(update)

    async def process_error(
        self, update: object, error: Exception, job: Any = None, coroutine: Any = None
    ) -> bool:
        """Log *error* and let the current trace fail before the error handlers see it."""
        log_once(_LOGGER)
        # From the context: a handler that does not block fails when its trace has ended.
        what = get_context().get("cmd", "a task") if job is None else job.name
        report(_log, str(what), error)
        return await super().process_error(update, error, job, coroutine)


def _name_of(update: object) -> str:
    if not isinstance(update, Update):  # something of the bot's own that it put into the queue
        return type(update).__name__
    message = update.effective_message if update.callback_query is None else None
    kind = next((kind for kind in Update.ALL_TYPES if getattr(update, kind) is not None), "update")
    return spoken(None if message is None else message.text or message.caption, kind)
