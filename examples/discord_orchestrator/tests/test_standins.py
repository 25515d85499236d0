"""
The stand-ins are strict: what Discord or GitHub would refuse does not pass them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from standins import DiscordStandIn, GitHubStandIn, Signer, fakes, schema

HTTP = urllib3.PoolManager(retries=False)
AGENT = {"User-Agent": "DiscordBot (https://example.com, 1)", "Content-Type": "application/json"}
MESSAGE: dict[str, Any] = {"content": "hi", "allowed_mentions": {"parse": []}}
NONCE: dict[str, Any] = {"nonce": "n" * 25, "enforce_nonce": True}
CHANNEL = "/channels/112233445566778899/messages"


@pytest.fixture
def strict(signer: Signer) -> Any:
    """A Discord that may be asked what it does not allow."""
    token = fakes.bot_token(signer.application_id)
    with DiscordStandIn(application_id=signer.application_id, bot_token=token) as stand_in:
        yield stand_in


def _status(method: str, url: str, body: object, headers: dict[str, str]) -> int:
    return HTTP.request(method, url, body=json.dumps(body), headers=headers).status


@pytest.mark.parametrize(
    "change",
    [
        {"content": "x" * 2001},
        {"content": ""},
        {"allowed_mentions": {"parse": ["everyone"]}},
        {"allowed_mentions": None},
        {"nonce": "n" * 26},
        {"enforce_nonce": False},
        {"surprise": 1},
        {"embeds": [{"description": "x" * 4097}]},
        {"embeds": [{"fields": [{"name": "without a value"}]}]},
        {"embeds": 7},
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_and_remembered(
    strict: DiscordStandIn, change: dict[str, Any]
) -> None:
    """
    Each broken rule is a 400 and a violation; the message does not appear.
    """
    headers = AGENT | {"Authorization": f"Bot {strict.bot_token}"}
    assert _status("POST", strict.base + CHANNEL, MESSAGE | NONCE | change, headers) == 400
    assert len(strict.violations) == 1
    assert strict.messages == []


def test_the_same_nonce_makes_one_message(strict: DiscordStandIn) -> None:
    """
    As with Discord, sending a message again shows it once.
    """
    headers = AGENT | {"Authorization": f"Bot {strict.bot_token}"}
    for _ in range(2):
        assert _status("POST", strict.base + CHANNEL, MESSAGE | NONCE, headers) == 200
    assert len(strict.messages) == 1
    assert strict.violations == []


@pytest.mark.parametrize("header", ["User-Agent", "Content-Type", "Authorization"])
def test_a_missing_header_is_a_violation(strict: DiscordStandIn, header: str) -> None:
    """
    Who the caller is and what it sends has to be said.
    """
    headers = AGENT | {"Authorization": f"Bot {strict.bot_token}"}
    headers[header] = "wrong"
    assert _status("POST", strict.base + CHANNEL, MESSAGE | NONCE, headers) == 400


@pytest.mark.parametrize(
    "body", [{}, {"ref": "main", "inputs": {str(n): "" for n in range(26)}}, {"ref": "main", "surprise": 1}]
)
def test_a_dispatch_that_breaks_a_rule_is_refused(body: dict[str, Any]) -> None:
    """
    GitHub wants a ref, at most 25 inputs and no unknown keys.
    """
    with GitHubStandIn(token="fake", repository="example/service") as github:
        headers = {
            "Authorization": "Bearer fake",
            "User-Agent": "test",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        }
        url = f"{github.origin}/repos/example/service/actions/workflows/diagnose.yml/dispatches"
        assert _status("POST", url, body, headers) == 400
        assert len(github.violations) == 1


@pytest.mark.skipif(schema.missing() is not None, reason=str(schema.missing()))
def test_discords_own_document_takes_part() -> None:
    """
    A body that the document does not allow is a violation even where no rule of ours says so.
    """
    path = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
    schema.check_body(MESSAGE, path=path, method="patch")
    with pytest.raises(Exception, match="OpenAPI"):
        schema.check_body({"content": "x" * 2001}, path=path, method="patch")
