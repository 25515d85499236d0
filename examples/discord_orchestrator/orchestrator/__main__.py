"""
The command line: ``python -m orchestrator serve`` and ``python -m orchestrator register``.
"""

from __future__ import annotations

import argparse
import sys

import obskit
from obskit.errors import ConfigError

from . import local, observability
from .commands import commands
from .config import Config
from .discord import Discord
from .errors import CommandFailed


def main(argv: list[str] | None = None) -> int:
    """Run one of the two commands; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        runtime, config = observability.start()
    except ConfigError as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return 2
    with runtime:
        if arguments.command == "serve":
            return _serve(config, runtime, arguments.host, arguments.port)
        return _register(config, arguments.guild)


def _serve(config: Config, runtime: obskit.Runtime, host: str, port: int) -> int:
    try:
        local.serve(config, runtime, host=host, port=port)
    except OSError as error:  # only listening can fail: what comes in later is dealt with where it comes in
        print(f"orchestrator: cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _register(config: Config, guild_id: str | None) -> int:
    listed = commands(debug_command=config.debug_command)
    try:
        Discord(config).register(listed, guild_id)
    except CommandFailed as error:
        observability.log.error("Registration failed", cause=error.cause)
        return 1
    names = [f"/{command['name']}" for command in listed]
    observability.log.info("Commands registered", names=names, guild=guild_id or "everywhere")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orchestrator", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    serve = subparsers.add_parser("serve", help="answer POST /interactions")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8787, help="0 takes a free one")
    register = subparsers.add_parser("register", help="tell Discord the list of commands")
    register.add_argument("--guild", help="only in this guild, at once; everywhere takes a while")
    return parser


if __name__ == "__main__":
    sys.exit(main())
