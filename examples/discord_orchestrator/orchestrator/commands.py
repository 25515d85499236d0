"""
The slash commands as Discord wants them described; plain data.
"""

from __future__ import annotations

from typing import Final, TypeAlias

CommandJson: TypeAlias = dict[str, object]


def _text(name: str, description: str, max_length: int) -> CommandJson:
    return {"type": 3, "name": name, "description": description, "max_length": max_length}


DIAGNOSE: Final[CommandJson] = {
    "name": "diagnose",
    "description": "Run the diagnosis workflow and report what it found",
    "options": [
        _text("target", "What to look at; everything if empty", 100),
        _text("note", "What the run should know", 500),
    ],
}
STATUS: Final[CommandJson] = {"name": "status", "description": "Is the bot well?"}
DEBUG_LAST: Final[CommandJson] = {
    "name": "debug-last",
    "description": "Show what my last command did, step by step",
}


def commands(*, debug_command: bool) -> list[CommandJson]:
    """List the commands to register; one that is switched off is not there to be called."""
    return [DIAGNOSE, STATUS, *([DEBUG_LAST] if debug_command else [])]
