"""One URL says where traces and marks are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from obskit.alerts import dedupe as places
from obskit.alerts.dedupe import Dedupe, DynamoDBDedupe, Granted, Held, MemoryDedupe, RedisDedupe, dedupe_at
from obskit.alerts.window import NO_REPEATS
from obskit.errors import ConfigError
from obskit.testing import FakeClock


def leased(dedupe: Dedupe) -> bool:
    """Ask for one key, as somebody who has not asked before."""
    answer = dedupe.lease("key", str(id(dedupe)), 60.0, NO_REPEATS)
    assert isinstance(answer, (Granted, Held))
    return isinstance(answer, Granted)


@pytest.mark.parametrize("url", ["memory:", "memory://", "MEMORY:?ttl=1.5"])
def test_memory_is_shared_with_nobody(url: str) -> None:
    """Each asks a memory of its own."""
    assert [leased(dedupe_at(url)) for _ in range(2)] == [True, True]
    assert isinstance(dedupe_at(url, clock=FakeClock()), MemoryDedupe)


def test_a_file_is_shared_by_whoever_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they spell it; what concerns traces only is left out."""
    monkeypatch.chdir(tmp_path)
    urls = ("sqlite:///a%20b.db", f"SQLite:///{tmp_path}/a b.db?per_user=1&ttl=5")
    dedupes = [dedupe_at(url) for url in urls]
    assert [leased(dedupe) for dedupe in dedupes] == [True, False]
    for each in dedupes:
        each.close()
    assert (tmp_path / "a b.db").is_file()


def test_servers_are_reached_by_the_rest_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is connected to before it is asked."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for url in ("redis://127.0.0.1:1/0?total=5&protocol=3", "rediss://127.0.0.1", "unix:///tmp/no.socket"):
        assert isinstance(dedupe_at(url), RedisDedupe)
    assert isinstance(dedupe_at("dynamodb://table?total=5"), DynamoDBDedupe)


@pytest.mark.parametrize(
    "url", ["", "sqlite:", "sqlite://host/file", "dynamodb:x", "ftp://user:not-a-secret@x"]
)
def test_another_url_is_an_error_that_does_not_show_it(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ConfigError, match="must be") as caught:
        dedupe_at(url)
    assert "not-a-secret" not in str(caught.value)


def test_what_is_loaded_late_is_listed_all_the_same() -> None:
    """Places that need a library show before it is there."""
    assert dir(places) == places.__all__
