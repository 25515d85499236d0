"""
Fixtures of the orchestrator's tests: both stand-ins, a signer, and the bot as a real process.

This file stands beside the packages ``orchestrator`` and ``standins``, so that
pytest finds both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from orchestrator.config import Config
from standins import Bot, DiscordStandIn, GitHubStandIn, Orchestrator, Place, Signer, fakes, schema

# Machines that run tests are busy, so no example has a deadline; the rest stays as it was set before.
hypothesis_settings.register_profile("orchestrator", hypothesis_settings.default, deadline=None)
hypothesis_settings.load_profile("orchestrator")

REPOSITORY = "example/service"
CHANNEL = "112233445566778899"


def pytest_report_header() -> str:
    """Say whether Discord's own document takes part."""
    return schema.missing() or "stand-ins: requests are also checked against discord-openapi.json"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test; GitHub's own runners set some of these names."""
    prefixes = ("DISCORD_", "GITHUB_", "ENABLE_", "ALERT_", "DEBUG_ADMIN_", "OBSKIT_")
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def signer() -> Signer:
    """Discord's side towards the bot: a key and an application."""
    return Signer()


@pytest.fixture
def discord(signer: Signer) -> Iterator[DiscordStandIn]:
    """Discord; the test fails if it was asked anything it does not allow."""
    token = fakes.bot_token(signer.application_id)
    with DiscordStandIn(application_id=signer.application_id, bot_token=token) as stand_in:
        yield stand_in
    assert stand_in.violations == []


@pytest.fixture
def github() -> Iterator[GitHubStandIn]:
    """GitHub; the test fails if it was asked anything it does not allow."""
    with GitHubStandIn(token=fakes.github_token(), repository=REPOSITORY) as stand_in:
        yield stand_in
    assert stand_in.violations == []


@pytest.fixture
def settings(signer: Signer, discord: DiscordStandIn, github: GitHubStandIn) -> dict[str, str]:
    """The bot's environment, everything optional switched on."""
    return {
        "DISCORD_APPLICATION_ID": signer.application_id,
        "DISCORD_PUBLIC_KEY": signer.public_key,
        "DISCORD_BOT_TOKEN": discord.bot_token,
        "DISCORD_API_BASE": discord.base,
        "GITHUB_TOKEN": github.token,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_BASE": github.origin,
        "ENABLE_DEBUG_CMD": "true",
        "ENABLE_ALERTS": "true",
        "ALERT_CHANNEL_ID": CHANNEL,
    }


@pytest.fixture
def config(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same settings, read in this process."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return Config()


@pytest.fixture
def app(config: Config, signer: Signer) -> Iterator[Bot]:
    """The orchestrator in this process."""
    bot = Bot(config, signer)
    with bot.runtime:
        yield bot


@pytest.fixture
def start_bot(settings: dict[str, str]) -> Iterator[Callable[..., Orchestrator]]:
    """Start the real bot; keyword arguments change its environment."""
    with ExitStack() as running:

        def start(**changes: str) -> Orchestrator:
            return running.enter_context(Orchestrator(settings | changes))

        yield start


@pytest.fixture
def table() -> Iterator[Place]:
    """A table of DynamoDB that bots share."""
    from tests.databases import moto_server

    pytest.importorskip("boto3")
    with moto_server() as address:
        yield Place.table(address)


@pytest.fixture(params=["sqlite", pytest.param("dynamodb", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A file or a table that bots share."""
    if request.param == "sqlite":
        return Place.file(tmp_path / "traces.db")
    place: Place = request.getfixturevalue("table")
    return place


@pytest.fixture
def bot(start_bot: Callable[..., Orchestrator]) -> Orchestrator:
    """The real bot with everything optional switched on."""
    return start_bot()
