"""What is published: the files of the distributions, and that the wheel works on its own."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from obskit.version import __version__

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"

IMPORT_EVERYTHING = """
import importlib, pkgutil, obskit
for module in pkgutil.walk_packages(obskit.__path__, "obskit."):
    if module.name.endswith(("__main__", "integrations.pytest")):  # the latter is for pytest to load
        continue
    try:
        importlib.import_module(module.name)
    except obskit.errors.ConfigError as error:  # an integration whose framework is not there
        assert module.name.startswith("obskit.integrations.") and "pip install" in str(error), module.name
print(obskit.__file__)
"""

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run *command* and return what it printed; its failure is the test's failure."""
    answer = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd)
    assert answer.returncode == 0, f"{command[0]}: {answer.stdout}\n{answer.stderr}"
    return answer.stdout


@pytest.fixture(scope="module", name="dist")
def _dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(name="wheel")
def _wheel(dist: Path) -> Path:
    """The wheel."""
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(name="metadata")
def _metadata(wheel: Path) -> Message:
    """The wheel's metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"obskeeper-{__version__}.dist-info/METADATA"))


def test_index_would_accept_the_distributions(dist: Path) -> None:
    """The long description renders and the metadata is complete."""
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir()))


def test_core_needs_only_typing_extensions(metadata: Message) -> None:
    """Everything else that is required belongs to an extra."""
    required = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert [text.partition(">")[0] for text in required] == ["typing-extensions"]


def test_metadata_says_who_may_use_it(metadata: Message) -> None:
    """Version, licence and oldest Python are there for tools to read, and nobody's address is."""
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert not metadata["Author-email"]


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """The wheel is exactly the sources, the mark that they are typed, and metadata."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py")}
    assert packed == sources | {"obskit/py.typed"}


def test_source_distribution_holds_only_tracked_files(dist: Path) -> None:
    """No cache, no local file: what is published is what is committed."""
    answer = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=False, cwd=ROOT)
    if answer.returncode != 0:
        pytest.skip("not a git clone")
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    untracked = names - set(answer.stdout.splitlines()) - {"PKG-INFO", ".gitignore"}
    assert not untracked, f"commit these, or keep them out of the sdist: {sorted(untracked)}"


def test_wheel_works_without_any_extra(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment every module can be imported and the demo runs."""
    python = tmp_path / "bin" / "python"
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path)
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", wheel)
    assert str(tmp_path) in run(python, "-I", "-W", "error", "-c", IMPORT_EVERYTHING, cwd=tmp_path)
    assert run(python, "-I", "-m", "obskit", "demo", cwd=tmp_path)
    assert __version__ in run(python, "-I", "-c", "import obskit; print(obskit.__version__)", cwd=tmp_path)
