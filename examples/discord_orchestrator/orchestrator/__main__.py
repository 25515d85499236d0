"""
The command line: ``python -m orchestrator serve`` and ``python -m orchestrator register``.
"""

from __future__ import annotations

import argparse
import sys

from obskit.errors import ConfigError

from . import discord, local, observability
from .config import Config


def main(argv: list[str] | None = None) -> int:
    """Run one of the two commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog="orchestrator", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    serve = subparsers.add_parser("serve", help="answer POST /interactions")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8787, help="0 takes a free one")
    subparsers.add_parser("register", help="tell Discord the list of commands")
    arguments = parser.parse_args(argv)
    try:
        with observability.start() as runtime:
            if arguments.command == "serve":
                local.serve(Config(), runtime, host=arguments.host, port=arguments.port)
            else:
                discord.register(Config())
    except (ConfigError, observability.CommandFailed, OSError) as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
