"""
Observe a bot that is built with discord.py.

Methods of the bot's own objects are wrapped where discord.py calls them, in the task
that it runs a command in. What the bot does about its errors stays as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Final, TypeAlias, cast

from .. import current_trace, get_logger
from ..errors import ConfigError
from ._commands import Command, Reporting, log_once, refuse, replace, report

try:
    import discord
    from discord import app_commands
    from discord.ext import commands, tasks
except ImportError:
    raise ConfigError(
        "this integration needs discord.py, and none of its forks: run pip install discord.py"
    ) from None

_Coro: TypeAlias = Callable[..., Awaitable[Any]]

#: Where discord.py logs errors that nobody takes.
_LOGGERS: Final = (
    "discord.app_commands.tree",
    "discord.client",
    "discord.ext.commands.bot",
    "discord.ext.tasks",
    "discord.ui.modal",
    "discord.ui.view",
)
#: Answers to a user, not failures of the program.
_REFUSALS: Final = (
    app_commands.CheckFailure,
    commands.CheckFailure,
    commands.CommandOnCooldown,
    commands.DisabledCommand,
    commands.MaxConcurrencyReached,
    commands.UserInputError,
)
_log: Final = get_logger(__name__)


def observe(bot: discord.Client) -> None:
    """
    Record what *bot* does: one trace per command, each error logged once with its traceback.

    Covers prefix, slash and hybrid commands, context menus, views, modals and every
    ``tasks.loop`` of the process; errors of other events are logged. Commands, cogs and
    error handlers may be added before or after; a `CommandTree` has to be there.

    Raises:
        ConfigError: If *bot* is not a client of discord.py.
    """
    if not isinstance(bot, discord.Client):
        raise ConfigError(f"observe takes a Client or Bot of discord.py, got {type(bot).__name__}")
    log_once(*_LOGGERS)
    replace(bot, "_run_event", _events)
    replace(bot, "dispatch", _before(_note_command_error))
    if isinstance(bot, commands.bot.BotBase):
        replace(bot, "invoke", _within(_command))
    tree = bot._connection._command_tree
    if tree is not None:
        replace(tree, "_call", _within(partial(_app_command, tree)))
    replace(bot._connection, "store_view", _before(_reach_view))
    replace(tasks.Loop, "_loop", _before(_reach_loop))  # a loop belongs to no bot


def _within(block_of: Callable[..., AbstractContextManager[object]]) -> Callable[[_Coro], _Coro]:
    """Let a coroutine function run in the block that *block_of* makes of its arguments."""

    def make(method: _Coro) -> _Coro:
        async def observed(*args: Any, **kwargs: Any) -> Any:
            with block_of(*args, **kwargs):
                return await method(*args, **kwargs)

        return observed

    return make


def _before(look: Callable[..., None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let *look* see the arguments of a function, whatever its kind, before it is called."""

    def make(method: Callable[..., Any]) -> Callable[..., Any]:
        def observed(*args: Any, **kwargs: Any) -> Any:
            look(*args, **kwargs)
            return method(*args, **kwargs)

        return observed

    return make


# --- what is looked at ---


def _note_command_error(event: str, /, *args: Any, **_kwargs: Any) -> None:
    # Here all ways of a prefix or hybrid command that fails meet.
    if event == "command_error" and args and isinstance(args[-1], Exception):
        _note_error(args[0], args[-1])


def _note_error(_source: object, error: Exception, /, *_args: Any) -> None:
    opened = current_trace()
    if opened is not None:  # no command was found: discord.py tells of that itself
        tell = refuse if isinstance(error, _REFUSALS) else report
        tell(_log, opened.command, error)


def _reach_view(view: Any, /, *_args: Any, **_kwargs: Any) -> None:
    """Observe a view or modal when the bot begins to listen for it."""
    replace(view, "on_error", _before(_note_error))
    replace(view, "_scheduled_task", _within(partial(_component, type(view).__name__)))


def _reach_loop(loop: tasks.Loop[Any], /, *_args: Any, **_kwargs: Any) -> None:
    name = loop.coro.__qualname__
    replace(loop, "coro", _within(lambda *_, **__: Command(_log, name)))


def _events(run_event: _Coro) -> _Coro:
    """Look at an error of an event before discord.py takes it."""

    async def observed(coro: _Coro, name: str, /, *args: Any, **kwargs: Any) -> None:
        await run_event(_within(lambda *_, **__: Reporting(_log, name))(coro), name, *args, **kwargs)

    return observed


# --- the blocks ---


def _command(ctx: commands.Context[Any]) -> AbstractContextManager[object]:
    if ctx.command is None:
        return nullcontext()
    guild_id = None if ctx.guild is None else ctx.guild.id
    name = ctx.command.qualified_name
    return Command(_log, name, ctx.author.id, guild_id=guild_id, channel_id=ctx.channel.id)


def _app_command(
    tree: app_commands.CommandTree[Any], interaction: discord.Interaction[Any]
) -> AbstractContextManager[object]:
    if interaction.type is discord.InteractionType.autocomplete:
        return nullcontext()
    replace(tree, "on_error", _before(_note_error))  # now: CommandTree.error() may have put another there
    return _interaction(interaction, _name_of(interaction))


def _component(view: str, first: Any, /, *rest: Any) -> AbstractContextManager[object]:
    if isinstance(first, discord.Interaction):  # of a modal
        return _interaction(first, view)
    function = getattr(first.callback, "callback", type(first))
    return _interaction(rest[0], f"{view}.{getattr(function, '__name__', type(first).__name__)}")


def _interaction(interaction: discord.Interaction[Any], name: str) -> AbstractContextManager[object]:
    # What is done with a message that answers a command belongs to that command.
    asked = getattr(interaction.message, "interaction_metadata", None) or interaction
    return Command(
        _log,
        name,
        getattr(interaction.user, "id", None),  # MISSING where Discord names nobody
        correlation_id=str(asked.id),
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
    )


def _name_of(interaction: discord.Interaction[Any]) -> str:
    command = interaction.command
    if command is None:  # Discord knows one that the bot does not
        return f"/{cast('dict[str, Any]', interaction.data)['name']}"
    return command.name if isinstance(command, app_commands.ContextMenu) else f"/{command.qualified_name}"
