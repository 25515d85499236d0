"""What every test may rely on: a clean environment, and one Hypothesis profile for either kind of run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from obskit.redaction import LITERALS
from obskit.runtime import CELL
from tests.forking import unmeasured_children  # noqa: F401 - a fixture for every test

if TYPE_CHECKING:
    from collections.abc import Iterator

# Machines that run tests are busy, so no example has a deadline; CI repeats the same examples every time.
settings.register_profile("obskit", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
settings.register_profile("quick", settings.get_profile("obskit"), max_examples=25)


def pytest_configure(config: pytest.Config) -> None:
    """Try each property with fewer examples in the run that leaves out what is slow."""
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "obskit")


_SETTINGS = (
    "OBSKIT_",
    "ENABLE_",
    "ALERT_",
    "DISCORD_",
    "GITHUB_",
    "DEBUG_ADMIN_",
    "AWS_LAMBDA_",
    "GOOGLE_CLOUD_",
    "NO_COLOR",
    "FORCE_COLOR",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test."""
    for name in [name for name in os.environ if name.startswith(_SETTINGS)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """What a test registers as a secret, itself or through a sink that it makes, ends with the test."""
    before = set(LITERALS._values)
    yield
    for secret in set(LITERALS._values) - before:
        LITERALS.unregister(secret)


@pytest.fixture(autouse=True)
def _own_runtime() -> Iterator[None]:
    """What a test configures ends with the test."""
    yield
    if CELL.runtime is not None:
        CELL.runtime.close()
