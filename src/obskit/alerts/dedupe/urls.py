"""Choose the place by URL; see `obskit.traces.stores.urls`, since one place may keep traces and marks."""

from __future__ import annotations

import re
from typing import Final

from ...clock import Clock
from ...errors import ConfigError
from ._protocol import Dedupe
from .memory import MemoryDedupe

#: What such a URL tells trace stores only.
_OF_TRACES: Final = re.compile(r"(?<=[?&])(?:per_user|total|ttl)=[^&]*&?")


def dedupe_at(url: str, *, clock: Clock | None = None) -> Dedupe:
    """
    Build the dedupe at *url*, such as that of ``OBSKIT_TRACE_STORE``: who shares traces then shares marks.

    Raises:
        ConfigError: If there is none. The URL is not shown: it may hold a password.
        MissingExtra: If the package that it needs is not installed.
    """
    scheme, _, rest = _OF_TRACES.sub("", url).rstrip("?&").partition(":")
    scheme = scheme.lower()
    if scheme == "memory":
        return MemoryDedupe(clock=clock)
    if scheme == "sqlite" and rest.startswith("///"):
        from urllib.parse import unquote

        from .sqlite import SQLiteDedupe

        return SQLiteDedupe(unquote(rest[3:]), clock=clock)
    if scheme in {"redis", "rediss", "unix"}:
        from .redis import RedisDedupe

        return RedisDedupe(f"{scheme}:{rest}", clock=clock)
    if scheme == "dynamodb" and rest.startswith("//"):
        from .dynamodb import DynamoDBDedupe

        return DynamoDBDedupe(rest.strip("/"), clock=clock)
    raise ConfigError("must be memory:, sqlite:///file, redis://host or dynamodb://table")
