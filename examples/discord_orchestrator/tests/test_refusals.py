"""
Requests that are not Discord's are refused quietly.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from orchestrator import local
from standins import Bot, DiscordStandIn, Orchestrator, Signer

Spoil = Callable[[Signer, bytes], "tuple[bytes, Mapping[str, str]]"]
_SIGNATURE = "X-Signature-Ed25519"
_TIMESTAMP = "X-Signature-Timestamp"


def _without(name: str) -> Spoil:
    def spoil(signer: Signer, body: bytes) -> tuple[bytes, Mapping[str, str]]:
        headers = signer.headers(body)
        del headers[name]
        return body, headers

    return spoil


def _with(name: str, value: str) -> Spoil:
    return lambda signer, body: (body, signer.headers(body) | {name: value})


SPOILT: dict[str, Spoil] = {
    "no signature": _without(_SIGNATURE),
    "no timestamp": _without(_TIMESTAMP),
    "signature is not hex": _with(_SIGNATURE, "not hex at all"),
    "signature is too short": _with(_SIGNATURE, "abcd"),
    "signature is empty": _with(_SIGNATURE, ""),
    "signature is of another key": lambda _, body: (body, Signer().headers(body)),
    "body is tampered with": lambda signer, body: (
        body.replace(b"diagnose", b"status"),
        signer.headers(body),
    ),
    "timestamp is tampered with": _with(_TIMESTAMP, "1700000000"),
    "timestamp is no number": _with(_TIMESTAMP, "yesterday"),
    "timestamp is too old": lambda signer, body: (body, signer.headers(body, age=301)),
    "timestamp is in the future": lambda signer, body: (body, signer.headers(body, age=-330)),
}


def test_what_is_not_signed_by_discord_is_refused_quietly(
    bot: Orchestrator, signer: Signer, discord: DiscordStandIn
) -> None:
    """
    Each is answered 401, with a line that says why but no traceback and no alert.
    """
    for name, spoil in SPOILT.items():
        body = json.dumps(signer.command("diagnose", user_id="80351110224678912")).encode()
        spoilt, headers = spoil(signer, body)
        assert signer.post(bot.url, spoilt, headers).status == 401, name
    assert bot.stop() == 0
    reasons = [line["reason"] for line in bot.lines(msg="Request refused")]
    assert sorted(reasons) == ["bad signature"] * 4 + ["stale timestamp"] * 2
    assert "Traceback" not in bot.output("stdout") + bot.output("stderr")
    assert bot.output("stderr") == ""
    assert discord.requests == []


def test_a_flood_of_refusals_is_a_few_lines(bot: Orchestrator, signer: Signer) -> None:
    """
    Whoever hammers the endpoint with junk cannot fill the log: the more there were, the fewer lines.
    """
    for _ in range(30):
        assert signer.post(bot.url, b"{}", {}).status == 401
    bot.stop()
    assert [line["count"] for line in bot.lines(msg="Request refused")] == [1, 2, 4, 8, 16]


def test_what_is_signed_but_no_interaction_is_a_bad_request(bot: Orchestrator, signer: Signer) -> None:
    """
    A right signature does not make nonsense a command.
    """
    for body in (b"no json", b"\xff\xfe", b"[1]", b'{"type": 2}', b'{"type": 2, "data": 7}'):
        assert signer.post(bot.url, body, signer.headers(body)).status == 400, body
    bot.stop()
    assert bot.output("stderr") == ""


def test_other_requests_are_refused_by_the_server(bot: Orchestrator) -> None:
    """
    Only POST /interactions with a body of reasonable size reaches the bot.
    """
    assert _status(bot, "GET", "/interactions") == 501
    assert _status(bot, "POST", "/other", length="0") == 404
    assert _status(bot, "POST", "/interactions") == 411
    assert _status(bot, "POST", "/interactions", length="-1") == 411
    assert _status(bot, "POST", "/interactions", length="9" * 30) == 413


def test_a_connection_that_breaks_is_no_traceback(bot: Orchestrator, signer: Signer) -> None:
    """
    Who hangs up in the middle of a request disturbs nobody.
    """
    address = urlsplit(bot.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )  # a reset, no goodbye
        connection.sendall(b"POST /interactions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert bot.wait_for(lambda: bot.lines(msg="Connection broke"))
    assert signer.send(bot.url, {"type": 1}).status == 200
    bot.stop()
    assert bot.output("stderr") == ""


def test_an_answer_that_cannot_be_written_is_one_line(app: Bot, capfd: pytest.CaptureFixture[str]) -> None:
    """
    What nobody foresaw is told like a broken connection, and the server goes on.
    """

    class Broken:
        def handle(self, headers: object, body: object) -> tuple[int, object]:
            return 200, object()

    with local._Server(("127.0.0.1", 0), local._Handler) as server:
        server.bot = Broken()  # type: ignore[assignment]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        connection = http.client.HTTPConnection(f"127.0.0.1:{server.server_port}", timeout=5)
        for _ in range(2):
            connection.request("POST", "/interactions", b"{}")
            with pytest.raises(http.client.RemoteDisconnected):
                connection.getresponse()
        server.shutdown()
    assert ["TypeError" in line["reason"] for line in app.logged(msg="Connection broke")] == [True, True]
    assert capfd.readouterr().err == ""


def _status(bot: Orchestrator, method: str, path: str, *, length: str | None = None) -> int:
    connection = http.client.HTTPConnection(urlsplit(bot.url).netloc, timeout=5)
    connection.putrequest(method, path)
    if length is not None:
        connection.putheader("Content-Length", length)
    connection.endheaders()
    with closing(connection), connection.getresponse() as response:
        return response.status
