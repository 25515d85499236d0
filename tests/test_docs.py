"""The documentation is true: what it shows runs, and what it says of the release is this release."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest
from sybil import Document
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

from obskit.version import __version__

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("[!_]*/*.md"), *(ROOT / "docs").glob("*.md")])
MODULES = sorted(path for path in SRC.rglob("*.py") if path.name != "__main__.py")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def name_of(path: Path) -> str:
    """Return a file's path from the project's root."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_examples_of_a_document_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run from top to bottom, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(path), PythonCodeBlockParser(doctest_optionflags=OPTIONS), SkipParser())
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_code_blocks_are_marked_as_python(path: Path) -> None:
    """Python is marked ``python``: a block with another spelling would not be run."""
    misspelt = re.findall(
        r"^ *```+ *(?:py|pycon|python3|Python|doctest)\b.*$", path.read_text("utf-8"), re.MULTILINE
    )
    assert not misspelt


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_examples_in_docstrings_run(path: Path) -> None:
    """A docstring shows what really happens."""
    name = ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    assert doctest.testmod(importlib.import_module(name), optionflags=OPTIONS).failed == 0


def test_changelog_tells_of_this_version() -> None:
    """Nothing is released that the changelog does not describe."""
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[?{re.escape(__version__)}\b", changelog, re.MULTILINE)
