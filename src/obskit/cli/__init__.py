"""The ``obskit`` command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the ``obskit`` command.

    Args:
        arguments: What follows the command's name; None takes it from `sys.argv`.

    Returns:
        The exit code: 0 if all went well.
    """
    parser = argparse.ArgumentParser(
        prog="obskit", description="Logs, redaction, traces and alerts for bots and small services."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="show in one minute what obskit does; no account, no network")
    parser.parse_args(arguments)

    from .demo import run

    return run()
