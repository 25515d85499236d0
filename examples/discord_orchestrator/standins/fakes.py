"""
Secrets that look real and open nothing; made anew each time.
"""

from __future__ import annotations

import base64
import secrets
import string
from typing import Final

_LETTERS: Final = string.ascii_letters + string.digits


def github_token() -> str:
    """Make what looks like a personal access token of GitHub."""
    return "ghp_" + _random(36)


def bot_token(user_id: str) -> str:
    """Make what looks like the token of a Discord bot."""
    first = base64.urlsafe_b64encode(user_id.encode()).decode().rstrip("=")
    return f"{first}.{_random(6)}.{_random(38)}"


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
