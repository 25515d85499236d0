"""A command line program: python cli_program.py backup DIRECTORY"""

from __future__ import annotations

import argparse
import getpass
import os
from pathlib import Path

import obskit

log = obskit.get_logger("backup")


@obskit.traced("Copy")
def copy(directory: Path) -> None:
    """Pretend to copy every file; the password in the URL is on no line."""
    log.info("copied", files=len(list(directory.iterdir())), to=os.environ.get("BACKUP_URL"))


def main() -> int:
    """Run one command as one trace, which goes on with that of whoever started the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["backup"])
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    with obskit.trace(arguments.command, getpass.getuser(), parent=obskit.extract(os.environ)) as trace:
        try:
            copy(arguments.directory)
        except OSError as error:
            trace.fail(error)
            log.exception("backup failed")
            return 1
    return 0


if __name__ == "__main__":
    with obskit.configure(service="backup", alert_level="error"):  # its end writes what is pending
        raise SystemExit(main())
