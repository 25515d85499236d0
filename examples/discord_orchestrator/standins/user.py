"""
A user of the bot: sends commands through Discord and reads the answers.
"""

from __future__ import annotations

from typing import Any, Final

from .discord import DiscordStandIn
from .process import Orchestrator
from .signer import Signer

ALICE: Final = "80351110224678912"
DEFERRED: Final = {"type": 5, "data": {"flags": 64}}
_END: Final = {"event": "command.end", "cmd": "/diagnose"}


def diagnose(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn, user_id: str = ALICE, **options: str
) -> tuple[str, str]:
    """Run /diagnose to its end; returns what the user reads, and the trace id."""
    ended = len(bot.lines(**_END))
    interaction = signer.command("diagnose", user_id=user_id, options=options)
    assert signer.send(bot.url, interaction).body == DEFERRED
    text = discord.edit_of(interaction["token"])
    assert bot.wait_for(lambda: len(bot.lines(**_END)) > ended)
    return text, str(bot.lines(**_END)[-1]["trace_id"])


def ask(bot: Orchestrator, signer: Signer, name: str, user_id: str = ALICE) -> dict[str, Any]:
    """Send a command that is answered at once; returns the message."""
    answer = signer.send(bot.url, signer.command(name, user_id=user_id))
    assert answer.status == 200
    assert answer.body["type"] == 4
    message: dict[str, Any] = answer.body["data"]
    assert message["flags"] == 64
    assert message["allowed_mentions"] == {"parse": []}
    assert len(message["content"]) < 2000
    return message
