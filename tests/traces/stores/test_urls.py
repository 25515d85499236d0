"""A store is chosen by URL, and a wrong one is a clear error while setting up."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import obskit
from obskit.errors import ConfigError
from obskit.storage.urls import place_at
from obskit.testing import FakeClock
from obskit.traces import MemoryTraceStore, TraceStore
from obskit.traces.stores import DynamoDBTraceStore, RedisTraceStore, SQLiteTraceStore
from obskit.traces.stores.urls import store_at
from tests.traces.stores.machine import make_trace


def at(url: str) -> TraceStore:
    """Build a store under a clock that stands still."""
    return store_at(url, FakeClock())


def made_elsewhere(url: str) -> TraceStore:
    """Build a store as another package would; it wants an address."""
    if url == "shelf://broken":
        raise KeyError("not-a-real-password")
    if url == "shelf:":
        raise ConfigError("shelf: needs a name")
    return MemoryTraceStore(int(url.rpartition("/")[2]))


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that a package with a store of its own is installed."""

    def entry_points(*, group: str, name: str) -> EntryPoints:
        point = EntryPoint("shelf", f"{__name__}:made_elsewhere", "obskit.trace_stores")
        return EntryPoints([point]).select(group=group, name=name)

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)


@pytest.mark.parametrize("url", ["memory:", "memory://", "MEMORY:", "memory:?ttl=1.5&total=3"])
def test_memory(url: str) -> None:
    """The default, with bounds."""
    assert isinstance(at(url), MemoryTraceStore)


def test_a_file_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes and a relative path, four and an absolute one; percent signs are decoded."""
    monkeypatch.chdir(tmp_path)
    clock = FakeClock()
    for url, path in (
        ("sqlite:///relative.db", tmp_path / "relative.db"),
        (f"sqlite:///{tmp_path}/absolute.db?per_user=1", tmp_path / "absolute.db"),
        (f"sqlite:///{tmp_path}/a%20space%3F.db", tmp_path / "a space?.db"),
    ):
        store = store_at(url, clock)
        assert isinstance(store, SQLiteTraceStore)
        for number in (1, 2):
            store.started(make_trace(number, "ada", clock))
        assert len(store.recent("ada")) == (1 if "per_user" in url else 2)
        store.close()
        assert path.exists()


@pytest.mark.parametrize(
    "url", ["redis://localhost/0", "rediss://localhost?db=1&total=9", "unix:///run/redis"]
)
def test_redis(url: str) -> None:
    """What is no option of ours is passed on."""
    pytest.importorskip("redis")
    store = at(url)
    assert isinstance(store, RedisTraceStore)
    store.close()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://:pa&total=ss@localhost/0?ttl=5", "redis://:pa&total=ss@localhost/0"),
        ("redis://localhost?ttl=5&db=1&total=9", "redis://localhost?db=1"),
        ("sqlite:////var/a&ttl=b.db", "/var/a&ttl=b.db"),
    ],
)
def test_options_stand_behind_the_question_mark(url: str, address: str) -> None:
    """What looks like one elsewhere belongs to a password or to the name of a file."""
    assert place_at(url).address == address


def test_dynamodb(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is the host of the URL."""
    pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    store = at("dynamodb://traces?ttl=86400")
    assert isinstance(store, DynamoDBTraceStore)
    store.close()


@pytest.mark.usefixtures("_installed")
def test_a_scheme_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the whole URL, also from the environment."""
    monkeypatch.setenv("OBSKIT_TRACE_STORE", "shelf://host/7")
    with obskit.configure(capture_logging=False, hooks=False):
        assert isinstance(obskit.get_trace_store(), MemoryTraceStore)
    for url, message in (
        ("shelf://broken", "the package that serves shelf: failed with KeyError"),
        ("shelf:", "shelf: needs a name"),
    ):
        with pytest.raises(ConfigError, match=message) as raised:
            at(url)
        assert "not-a-real" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "must be memory:, sqlite:///file, .* got something without a colon"),
        ("mongo://ada:not-a-real-password@db", "got one that begins with 'mongo'"),
        ("not-a-real-password://db", "got one that begins with text of 19 characters"),
        ("memory://host", "memory: takes nothing but options"),
        ("memory:?size=3", "memory: takes nothing but options"),
        ("memory:?total=many", "memory: takes a number as total, got 'many'"),
        ("memory:?per_user=0", "per_user must be a whole number of at least 1"),
        ("sqlite:relative.db", "must be sqlite:///relative.db"),
        ("sqlite://relative.db", "must be sqlite:///relative.db"),
        ("sqlite:///", "must be sqlite:///relative.db"),
        ("sqlite:///a.db?mode=ro", "known options only"),
        ("sqlite:///a%00b", "path must be the path of a file"),
        ("dynamodb:table", "must be dynamodb://table"),
        ("dynamodb://", "must be dynamodb://table"),
        ("dynamodb://a/b", "must be dynamodb://table"),
    ],
)
def test_a_url_that_names_no_store_is_refused(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to write, and shows no password; nothing has changed then."""
    monkeypatch.setenv("OBSKIT_TRACE_STORE", url)
    if url.startswith("dynamodb"):
        pytest.importorskip("boto3")
    with pytest.raises(ConfigError, match=message) as raised:
        at(url)
    assert "not-a-real-password" not in str(raised.value)
    if "\0" not in url:
        with pytest.raises(ConfigError, match=f"OBSKIT_TRACE_STORE: .*{message}"):
            obskit.configure(capture_logging=False, hooks=False)
