"""
Local servers that stand in for Discord and GitHub, for the tests and the demo.

They are strict: a request that the real service would refuse, or that this bot
should never send, is answered with 400 and remembered in ``violations``.
"""

from . import fakes, schema
from .bot import Bot
from .discord import DiscordStandIn
from .github import GitHubStandIn, Plan
from .place import Place
from .process import Orchestrator
from .signer import Answer, Signer

__all__ = [
    "Answer",
    "Bot",
    "DiscordStandIn",
    "GitHubStandIn",
    "Orchestrator",
    "Place",
    "Plan",
    "Signer",
    "fakes",
    "schema",
]
