"""A Telegram bot on python-telegram-bot: `ObservedApplication` is all that it needs."""

from __future__ import annotations

import os
from typing import Any

from telegram import Update
from telegram.ext import CommandHandler, ContextTypes

import obskit
from obskit.integrations.telegram import ObservedApplication

log = obskit.get_logger("bot")


async def status(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer `/status`."""
    with obskit.step("Look"):
        log.info("looking")
    if update.effective_message:
        await update.effective_message.reply_text("All is well.")


async def deploy(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer `/deploy`, which always fails."""
    raise ConnectionError("the host is down")


def build(token: str, api: str = "https://api.telegram.org") -> Any:
    """Build the bot."""
    application = ObservedApplication.builder().token(token).base_url(f"{api}/bot").build()
    application.add_handlers([CommandHandler("status", status), CommandHandler("deploy", deploy)])
    return application


if __name__ == "__main__":
    obskit.configure(service="bot", alert_level="error")
    build(os.environ["TELEGRAM_TOKEN"]).run_polling()
