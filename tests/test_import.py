"""Importing obskit costs little, needs nothing, and does nothing."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

SRC = Path(__file__).parents[1] / "src"
PACKAGES = sorted(".".join(path.parent.relative_to(SRC).parts) for path in SRC.rglob("__init__.py"))

IMPORT_AND_TELL = """
import json, sys
sys.path.insert(0, sys.argv[1])
deeds = []
WATCHED = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "_thread.start", "sqlite3.")
def watch(event, args):
    if event.startswith(WATCHED):
        deeds.append(event)
    elif event == "open" and not str(args[0]).endswith((".py", ".pyc")):
        deeds.append(f"open {args[0]}")
sys.addaudithook(watch)
import obskit
import threading
deeds += [f"thread {thread.name}" for thread in threading.enumerate()[1:]]
print(json.dumps({"modules": sorted(sys.modules), "deeds": deeds}))
"""


@pytest.fixture(scope="module", name="imported")
def _imported() -> dict[str, list[str]]:
    """What `import obskit` loaded and did, in an interpreter of its own without any other package."""
    # -I and -S: no site-packages, no environment; -B: no cache file is written; warnings are errors.
    command = [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", IMPORT_AND_TELL, str(SRC)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    return cast("dict[str, list[str]]", json.loads(answer.stdout))


def test_import_loads_nothing_slow(imported: dict[str, list[str]]) -> None:
    """Nothing that costs a Lambda cold start or opens the door to a network is loaded."""
    slow = "asyncio ssl socket http.client urllib.request subprocess importlib.metadata typing_extensions"
    assert not set(slow.split()) & set(imported["modules"])


def test_import_does_nothing(imported: dict[str, list[str]]) -> None:
    """No file, socket, process or thread: importing only defines."""
    assert imported["deeds"] == []


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_are_listed_and_described(name: str) -> None:
    """A package's `__all__` holds whatever is public in it; each class and function has a docstring."""
    package = importlib.import_module(name)
    listed = set(getattr(package, "__all__", ()))
    assert listed <= set(dir(package))
    assert {key for key, value in vars(package).items() if is_public(key, value)} <= listed
    for key in listed:
        value = getattr(package, key)  # some are loaded only now
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), f"{name}.{key} has no docstring"


def is_public(name: str, value: object) -> bool:
    """Tell whether *name* of a package is ours and for users: no module, nothing merely imported."""
    ours = getattr(value, "__module__", "").startswith("obskit")
    return ours and not name.startswith("_") and not isinstance(value, ModuleType)
