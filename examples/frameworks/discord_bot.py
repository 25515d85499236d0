"""A Discord bot on discord.py: the call of `observe` is all that it needs."""

from __future__ import annotations

import os

import discord
from discord import app_commands
from discord.ext import commands

import obskit
from obskit.integrations.discord_py import observe

log = obskit.get_logger("bot")
bot: commands.Bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def roll(ctx: commands.Context[commands.Bot], sides: int) -> None:
    """Answer `!roll 6`; `!roll 0` fails."""
    with obskit.step("Roll", sides=sides):
        number = 7 % sides
    log.info("rolled", number=number)
    await ctx.send(str(number))


@bot.tree.command()
@app_commands.describe(service="What to look at")
async def diagnose(interaction: discord.Interaction, service: str) -> None:
    """Answer `/diagnose`, which always fails."""
    log.info("looking", service=service)
    raise ConnectionError(f"{service} is down")


observe(bot)

if __name__ == "__main__":
    obskit.configure(service="bot", alert_level="error")
    bot.run(os.environ["DISCORD_BOT_TOKEN"], log_handler=None)
