"""
The redactors of the card: obskit and its peers, each in a virtual environment that is thrown away.

Each is set up as its own documentation does it for text, with nothing added and nothing taken away.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Texts that a redactor fails on are sent on by the program that uses it, so they count as unchanged.
_CHILD: Final = """
import json, sys
{set_up}
def attempt(text):
    try:
        return redact(text)
    except Exception:
        return text
json.dump([attempt(text) for text in json.load(sys.stdin)], sys.stdout)
"""
#: Seconds for all texts; the slowest peer takes a twentieth of that.
_DEADLINE: Final = 1800


@dataclass(frozen=True, slots=True)
class Contender:
    """A redactor of the card."""

    name: str
    version: str
    set_up: str  #: Python that defines ``redact(text)``

    def redact(self, texts: list[str]) -> list[str] | None:
        """Give each of *texts* as the contender shows it; None where it cannot be installed."""
        if self.name == "obskit":
            return self._run(sys.executable, texts)
        with tempfile.TemporaryDirectory() as folder:
            venv.create(folder, with_pip=False)
            python = str(Path(folder, "bin", "python"))
            install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
            wanted = f"{self.name}=={self.version}"
            if subprocess.run([*install, wanted], check=False, capture_output=True).returncode != 0:
                return None
            return self._run(python, texts)

    def _run(self, python: str, texts: list[str]) -> list[str]:
        done = subprocess.run(
            [python, "-c", _CHILD.format(set_up=self.set_up)],
            input=json.dumps(texts),
            capture_output=True,
            check=True,
            text=True,
            timeout=_DEADLINE,
        )
        shown: list[str] = json.loads(done.stdout)
        return shown


CONTENDERS: Final = (
    Contender("obskit", "this project", "from obskit import redact_text as redact"),
    Contender("secretmask", "1.0.0", "from secretmask import mask_text as redact"),
    Contender(
        "redact-secret",
        "0.1.0b15",
        "from redact_secret import scan_and_redact\nredact = lambda text: scan_and_redact(text).text",
    ),
    Contender(
        "secretscreen",
        "0.6.0",
        "from secretscreen import redact_pair\nredact = lambda text: redact_pair('message', text)",
    ),
    Contender("logprivacy", "0.6.0", "from logprivacy import clean_text as redact"),
    Contender(
        "hushlog",
        "1.5.0",
        "from hushlog import Config, PatternRegistry\nredact = PatternRegistry.from_config(Config()).redact",
    ),
    Contender(
        "secrets-masker",
        "1.0.0",
        "from secretsmasker import mask_secrets\nredact = lambda text: mask_secrets(text).masked_text",
    ),
    Contender(
        "logfire",
        "5.4.0",
        "from logfire._internal.scrubbing import Scrubber\nscrubber = Scrubber(None)\n"
        "redact = lambda text: scrubber.scrub_value(('attributes', 'note'), text)[0]",
    ),
    Contender(
        "detect-secrets",
        "1.5.0",
        """
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings
settings = default_settings()
settings.__enter__()
def redact(text):
    for line in text.splitlines():
        for found in scan_line(line):
            text = text.replace(found.secret_value, "***")
    return text
""",
    ),
)
