"""
Settings are read strictly, and an error names the variable and not its value.
"""

from __future__ import annotations

import pytest

from obskit.errors import ConfigError
from orchestrator.config import Config

REQUIRED = {
    "DISCORD_APPLICATION_ID": "112233445566778899",
    "DISCORD_PUBLIC_KEY": "0a" * 32,
    "GITHUB_TOKEN": "ghp_" + "fake",
    "GITHUB_REPOSITORY": "example/service",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what is required is set."""
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def test_four_settings_are_enough() -> None:
    """
    Everything else has a default that is right outside tests.
    """
    config = Config()
    assert (config.workflow, config.ref, config.bot_token) == ("diagnose.yml", "main", "")
    assert config.discord_api == "https://discord.com/api/v10"
    assert config.github_api == "https://api.github.com"
    assert not config.debug_command


@pytest.mark.parametrize(("flag", "may"), [("true", True), ("false", False)])
def test_without_admins_everybody_may_debug_where_that_is_on(
    flag: str, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each sees only what is their own.
    """
    monkeypatch.setenv("ENABLE_DEBUG_CMD", flag)
    assert Config().may_debug("80351110224678912") is may


def test_admins_are_all_who_may_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where admins are named, nobody else may, not even whose id is a part of theirs.
    """
    monkeypatch.setenv("ENABLE_DEBUG_CMD", "true")
    monkeypatch.setenv("DEBUG_ADMIN_IDS", "80351110224678912, 80351110224678913")
    assert Config().may_debug("80351110224678913")
    assert not Config().may_debug("8035111022467891")


def test_a_slash_at_the_end_of_an_address_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Paths are added to it.
    """
    monkeypatch.setenv("GITHUB_API_BASE", "http://localhost:80/api/")
    assert Config().github_api == "http://localhost:80/api"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever forgot a variable reads which one.
    """
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=f"^{name} must be .*, got nothing$"):
        Config()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCORD_APPLICATION_ID", "my-bot"),
        ("DISCORD_PUBLIC_KEY", "secret-that-went-into-the-wrong-place"),
        ("DISCORD_API_BASE", "http://discord.example/api"),
        ("DISCORD_API_BASE", "discord.com"),
        ("DEBUG_ADMIN_IDS", "alice"),
        ("GITHUB_TOKEN", "two words"),
        ("GITHUB_REPOSITORY", "https://github.com/example/service"),
        ("GITHUB_WORKFLOW", "../../user"),
        ("GITHUB_REF", "main feature"),
        ("GITHUB_API_BASE", "http://127.0.0.1.example.com"),
        ("GITHUB_API_BASE", "http://localhost:80" + "@example.com"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The value may be a secret that was put into the wrong variable.
    """
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^{name} must be") as error:
        Config()
    assert value not in str(error.value)


def test_secrets_are_not_in_the_repr() -> None:
    """
    A configuration can be printed.
    """
    assert REQUIRED["GITHUB_TOKEN"] not in repr(Config())
