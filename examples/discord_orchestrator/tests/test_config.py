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


def test_four_settings_are_enough() -> None:
    """
    Everything else has a default that is right outside tests.
    """
    config = Config.from_environment(REQUIRED)
    assert (config.workflow, config.ref, config.bot_token) == ("diagnose.yml", "main", "")
    assert config.discord_api == "https://discord.com/api/v10"
    assert config.github_api == "https://api.github.com"
    assert not config.debug_admins


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    """
    Whoever forgot a variable reads which one.
    """
    with pytest.raises(ConfigError, match=f"^{name} is not set"):
        Config.from_environment({key: value for key, value in REQUIRED.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCORD_APPLICATION_ID", "my-bot"),
        ("DISCORD_PUBLIC_KEY", "secret-that-went-into-the-wrong-place"),
        ("DISCORD_API_BASE", "http://discord.example/api"),
        ("DISCORD_API_BASE", "discord.com"),
        ("GITHUB_TOKEN", "two words"),
        ("GITHUB_REPOSITORY", "https://github.com/example/service"),
        ("GITHUB_WORKFLOW", "../../user"),
        ("GITHUB_REF", "main feature"),
        ("GITHUB_API_BASE", "http://127.0.0.1.example.com"),
    ],
)
def test_a_wrong_setting_is_named_without_its_value(name: str, value: str) -> None:
    """
    The value may be a secret that was put into the wrong variable.
    """
    with pytest.raises(ConfigError, match=f"^{name} must be") as error:
        Config.from_environment(REQUIRED | {name: value})
    assert value not in str(error.value)


def test_secrets_are_not_in_the_repr() -> None:
    """
    A configuration can be printed.
    """
    config = Config.from_environment(REQUIRED | {"DISCORD_BOT_TOKEN": "not-a-real-token"})
    assert config.secrets() == {"discord_bot_token": "not-a-real-token", "github_token": "ghp_fake"}
    assert not any(secret in repr(config) for secret in config.secrets().values())
