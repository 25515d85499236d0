"""A Telegram bot on aiogram: the call of `observe` is all that it needs."""

from __future__ import annotations

import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.filters import Command
from aiogram.types import Message

import obskit
from obskit.integrations.aiogram import observe

log = obskit.get_logger("bot")
dispatcher = Dispatcher()


@dispatcher.message(Command("status"))
async def status(message: Message) -> None:
    """Answer `/status`."""
    with obskit.step("Look"):
        log.info("looking")
    await message.answer("All is well.")


@dispatcher.message(Command("deploy"))
async def deploy(message: Message) -> None:
    """Answer `/deploy`, which always fails."""
    raise ConnectionError("the host is down")


observe(dispatcher)

if __name__ == "__main__":
    obskit.configure(service="bot", alert_level="error")
    asyncio.run(dispatcher.start_polling(Bot(os.environ["TELEGRAM_TOKEN"])))
