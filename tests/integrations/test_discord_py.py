"""A bot on discord.py is observed by one line; its gateway is played by payloads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands, tasks

import obskit
from obskit.errors import ConfigError
from obskit.integrations.discord_py import observe
from tests.integrations.bots import Observed, example, fake_api, observed
from tests.traces.recorded import last, shape

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".Gfake0." + "fake" * 9
INTERACTION_TOKEN = "aW50ZXJhY3Rpb24" + "fake" * 20
USER = {"id": "42", "username": "ann", "discriminator": "0", "avatar": None, "global_name": None}
MEMBER: dict[str, Any] = {
    "user": USER,
    "roles": [],
    "permissions": "0",
    "joined_at": None,
    **dict.fromkeys(("deaf", "mute"), False),
    "flags": 0,
}
BOT = {**USER, "id": "99", "username": "bot", "bot": True}
MESSAGE: dict[str, Any] = {
    "id": "1000",
    "channel_id": "7",
    "author": USER,
    "timestamp": "2026-11-25T10:00:00+00:00",
    "edited_timestamp": None,
    "type": 0,
    **dict.fromkeys(("tts", "mention_everyone", "pinned"), False),
    **{name: [] for name in ("mentions", "mention_roles", "attachments", "embeds", "components")},
}
ANSWERS = {
    "/users/@me": BOT,
    "/applications/@me": {
        "id": "3",
        "name": "bot",
        "description": "",
        "icon": None,
        "owner": USER,
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "",
        "flags": 0,
    },
    "/users/@me/channels": {"id": "7", "type": 1, "recipients": [USER]},
    "/messages": MESSAGE | {"author": BOT, "content": ""},
}
_numbers = count(10_000)


@asynccontextmanager
async def online(bot: discord.Client) -> AsyncIterator[list[str]]:
    """Log *bot* in to an API on loopback; yields the paths that it asks for."""
    async with fake_api(ANSWERS) as (url, asked):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(discord.http.Route, "BASE", url.rstrip("/"))
            async with bot:
                await bot.login(TOKEN)
                yield asked


def say(bot: discord.Client, content: str) -> None:
    """Let a user write *content*, as the gateway would tell it."""
    bot._connection.parse_message_create(MESSAGE | {"id": str(next(_numbers)), "content": content})  # type: ignore[arg-type]


def interact(bot: discord.Client, kind: int, **data: Any) -> None:
    """Let a user use a command or a component, as the gateway would tell it."""
    payload = {
        "id": str(next(_numbers)),
        "application_id": "3",
        "type": kind,
        "token": INTERACTION_TOKEN,
        "version": 1,
        "guild_id": "5",
        "channel_id": "7",
        "channel": {"id": "7", "type": 1, "recipients": [USER]},
        "member": MEMBER,
        "entitlements": [],
        "authorizing_integration_owners": {},
        "attachment_size_limit": 1,
        "data": data,
    }
    if kind == 3:
        asked = {"id": "500", "type": 2, "user": USER, "authorizing_integration_owners": {}}
        payload["message"] = MESSAGE | {"content": "", "author": BOT, "interaction_metadata": asked}
    bot._connection.parse_interaction_create(payload)  # type: ignore[arg-type]


def slash(bot: discord.Client, name: str, **options: str) -> None:
    """Let a user send a slash command."""
    given = [{"name": option, "type": 3, "value": value} for option, value in options.items()]
    interact(bot, 2, id="11", name=name, type=1, options=given)


async def settled() -> None:
    """Wait until the bot has done all that it has begun."""
    names = ("discord", "CommandTree")
    while begun := [task for task in asyncio.all_tasks() if task.get_name().startswith(names)]:
        await asyncio.wait(begun)


def play(bot: discord.Client, *scenes: Callable[[], object]) -> list[str]:
    """Let *bot* go through *scenes* one after the other; returns the paths that it asked for."""

    async def run() -> list[str]:
        async with online(bot) as asked:
            for scene in scenes:
                scene()
                await settled()
            return asked

    return asyncio.run(run())


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What comes out of the bot."""
    with observed("debug") as seen:
        yield seen


@pytest.fixture
def bot() -> commands.Bot:
    """A bot that is observed before it has any command."""
    bot = commands.Bot("!", intents=discord.Intents.all())
    observe(bot)
    observe(bot)  # once more changes nothing
    return bot


def test_the_example(seen: Observed) -> None:
    """Commands have context and trace, errors one traceback, and repeats no second alert."""
    bot = example("discord_bot").bot
    asked = play(bot, partial(say, bot, "!roll 6"), *[partial(slash, bot, "diagnose", service="db")] * 3)
    assert "/channels/7/messages" in asked
    assert seen.ends() == [("roll", "ok"), *[("/diagnose", "error")] * 3]
    (rolled,) = seen.lines(msg="rolled")
    assert (rolled["cmd"], rolled["user_id"], rolled["channel_id"]) == ("roll", "42", "7")
    (looked, *_) = seen.lines(msg="looking")
    assert (looked["guild_id"], looked["user_id"]) == ("5", "42")
    (failed, _, _) = seen.stacks()
    assert failed["trace_id"] == looked["trace_id"]
    assert failed["error"] == "ConnectionError: db is down"
    (alert,) = seen.alerts()
    assert (alert.message, alert.trace_id) == ("/diagnose failed", failed["trace_id"])
    assert last().duration_ms > 0
    seen.shows_none_of(TOKEN, INTERACTION_TOKEN)


def test_steps_and_errors_are_kept_for_the_user(seen: Observed) -> None:
    """The trace of a prefix command says what the command did and why it failed."""
    bot = example("discord_bot").bot
    play(bot, partial(say, bot, "!roll 0"))
    kept = last()
    assert (kept.command, kept.status, shape(kept)) == ("roll", "error", [("Roll", None)])
    assert kept.error is not None
    assert kept.error.type == "ZeroDivisionError"
    assert [line["trace_id"] for line in seen.stacks()] == [kept.trace_id]


def test_the_handlers_of_the_bot_still_get_the_error(seen: Observed, bot: commands.Bot) -> None:
    """Whether they belong to a command, the tree or the bot, and also if they raise it again."""
    taken: list[object] = []

    @bot.command()
    async def prefix(ctx: commands.Context[Any]) -> None:
        raise LookupError("prefix")

    @bot.event
    async def on_command_error(ctx: commands.Context[Any], error: Exception) -> None:
        taken.append(error)
        raise error

    @bot.event
    async def on_error(event: str, *args: object) -> None:
        taken.append(event)

    @bot.tree.command()
    async def local(interaction: discord.Interaction) -> None:
        raise LookupError("local")

    @local.error
    async def on_local(interaction: discord.Interaction, error: Exception) -> None:
        taken.append(error)

    @bot.tree.error
    async def on_tree(interaction: discord.Interaction, error: Exception) -> None:
        taken.append(error)

    play(bot, partial(say, bot, "!prefix"), partial(slash, bot, "local"))
    assert [type(one).__name__ for one in taken] == [
        "CommandInvokeError", "str", "CommandInvokeError", "CommandInvokeError",
    ]  # fmt: skip
    assert [line["error"] for line in seen.stacks()] == ["LookupError: prefix", "LookupError: local"]


def test_a_hybrid_command_is_one_command(seen: Observed, bot: commands.Bot) -> None:
    """Sent as a message or as a slash command, it has a trace and its error one line."""

    @bot.hybrid_command()
    async def ping(ctx: commands.Context[Any]) -> None:
        raise LookupError("no host")

    play(bot, partial(say, bot, "!ping"), partial(slash, bot, "ping"))
    assert seen.ends() == [("ping", "error"), ("/ping", "error")]
    assert [line["error"] for line in seen.stacks()] == ["LookupError: no host"] * 2


def test_what_a_user_may_not_do_is_no_failure(seen: Observed, bot: commands.Bot) -> None:
    """Checks, cooldowns and wrong arguments are warnings without traceback, and never alert."""

    @bot.command()
    async def square(ctx: commands.Context[Any], number: int) -> None:
        pass

    @bot.tree.command()
    @app_commands.check(lambda interaction: False)
    async def secret(interaction: discord.Interaction) -> None:
        pass

    play(bot, partial(say, bot, "!square two"), partial(slash, bot, "secret"))
    refused = [(line["level"], line["msg"]) for line in seen.lines() if "refused" in line["msg"]]
    assert refused == [("warn", "square was refused"), ("warn", "/secret was refused")]
    assert seen.stacks() == []
    assert seen.alerts() == []
    assert seen.ends() == [("square", "ok"), ("/secret", "ok")]
    assert shape(last()) == [("Refused", None)]


def test_commands_that_are_not_there_are_left_to_discord_py(seen: Observed, bot: commands.Bot) -> None:
    """There is nothing to record; a message that is no command leaves no trace at all."""
    play(bot, partial(say, bot, "!nothing"), partial(say, bot, "hello"), partial(slash, bot, "gone"))
    assert seen.ends() == [("/gone", "error")]
    assert [line["logger"].rpartition(".")[2] for line in seen.stacks()] == ["bot", "discord_py"]


def test_context_menus_and_autocompletion(seen: Observed, bot: commands.Bot) -> None:
    """A menu is a command; what completes an option is none, and discord.py logs its errors."""

    @bot.tree.context_menu(name="Look up")
    async def look_up(interaction: discord.Interaction, user: discord.User) -> None:
        raise LookupError("nobody")

    @bot.tree.command()
    async def find(interaction: discord.Interaction, name: str) -> None:
        pass

    @find.autocomplete("name")
    async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        raise LookupError("no names")

    menu = {"id": "12", "name": "Look up", "type": 2, "target_id": "42", "resolved": {"users": {"42": USER}}}
    option = {"name": "name", "type": 3, "value": "a", "focused": True}
    completion = {"id": "13", "name": "find", "type": 1, "options": [option]}
    play(bot, lambda: interact(bot, 2, **menu), lambda: interact(bot, 4, **completion))
    assert seen.ends() == [("Look up", "error")]
    assert [line["logger"] for line in seen.stacks()] == [
        "obskit.integrations.discord_py", "discord.app_commands.tree",
    ]  # fmt: skip


def test_commands_that_run_at_once_do_not_mix(seen: Observed, bot: commands.Bot) -> None:
    """Each has the trace and the context of its own task."""
    both = asyncio.Barrier(2)

    @bot.tree.command()
    async def meet(interaction: discord.Interaction, side: str) -> None:
        await both.wait()
        obskit.get_logger().info(side)
        await both.wait()
        raise LookupError(side)

    def ask() -> None:
        slash(bot, "meet", side="a")
        slash(bot, "meet", side="b")

    play(bot, ask)
    met = {line["msg"]: line["trace_id"] for line in seen.lines(level="info") if line["msg"] in {"a", "b"}}
    failed = {line["error"].rpartition(" ")[2]: line["trace_id"] for line in seen.stacks()}
    assert met == failed
    assert len(set(met.values())) == 2


class Confirm(discord.ui.View):
    """Two buttons: one is a method, one a class."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(No(custom_id="no"))
        self.taken: list[str] = []

    @discord.ui.button(custom_id="yes")
    async def yes(self, interaction: discord.Interaction, button: discord.ui.Button[Confirm]) -> None:
        """Fail."""
        raise LookupError("yes")

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item[Any]
    ) -> None:
        """Take the error."""
        self.taken.append(str(error))


class No(discord.ui.Button[Confirm]):
    """Logs."""

    async def callback(self, interaction: discord.Interaction) -> None:
        """Log."""
        obskit.get_logger().info("no")


class Form(discord.ui.Modal, title="Form"):
    """Fails."""

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Fail."""
        raise LookupError("form")


def test_views_and_modals(seen: Observed, bot: commands.Bot) -> None:
    """What a component does is a command of the user who used it."""
    kept: list[Confirm] = []

    def show() -> None:
        kept.append(Confirm())
        bot.add_view(kept[0])
        bot.add_view(kept[0])  # shown again, it is still observed once
        bot._connection.store_view(Form(custom_id="form"))

    press = partial(interact, bot, 3, component_type=2)
    submit = partial(interact, bot, 5, custom_id="form", components=[])
    play(bot, show, partial(press, custom_id="yes"), partial(press, custom_id="no"), submit)
    assert seen.ends() == [("Confirm.yes", "error"), ("Confirm.No", "ok"), ("Form", "error")]
    assert [line["error"] for line in seen.stacks()] == ["LookupError: yes", "LookupError: form"]
    assert {line["user_id"] for line in [*seen.stacks(), *seen.lines(msg="no")]} == {"42"}
    assert kept[0].taken == ["yes"]
    assert seen.lines(msg="no")[0]["correlation_id"] == "500"  # the command that the view answers


def test_loops_and_other_events(seen: Observed, bot: commands.Bot) -> None:
    """Each round of a loop is a trace; an event has none, but its error is logged once."""
    rounds = count()

    @tasks.loop(seconds=0, count=2)
    async def refresh() -> None:
        if next(rounds):
            raise LookupError("refresh")

    @bot.event
    async def on_member_join(member: object) -> None:
        raise LookupError("join")

    def start() -> None:
        refresh.start().set_name("discord loop")
        bot.dispatch("member_join", None)

    play(bot, start)
    names = [command.rpartition(".")[2] for command, _ in seen.ends()]
    assert (names, [outcome for _, outcome in seen.ends()]) == (["refresh"] * 2, ["ok", "error"])
    assert sorted(line["error"] for line in seen.stacks()) == ["LookupError: join", "LookupError: refresh"]


def test_only_bots_are_observed() -> None:
    """What cannot be observed is refused when it is given; a plain client has only its own events."""
    client = discord.Client(intents=discord.Intents.none())
    observe(client)
    client.dispatch("command_error")
    with pytest.raises(ConfigError, match="got str"):
        observe("bot")  # type: ignore[arg-type]
