"""The transport keeps its promises against a real server that does not."""

from __future__ import annotations

import importlib.util
import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import ConfigError, MissingExtra, SinkError, SinkRejected, SinkTimeout
from obskit.http import (
    MAX_BODY,
    MAX_RETRY_AFTER,
    Endpoint,
    Response,
    endpoint,
    parse_retry_after,
)
from tests.servers import Script, dribble, hang, reset, scripted_server

SECRET = "/hook/" + "fake" * 4


@pytest.fixture
def server() -> Iterator[Script]:
    """A scripted server on loopback."""
    with scripted_server() as script:
        yield script


def target(url: str) -> Endpoint:
    """The endpoint that *url* names."""
    return endpoint(url, setting="url", what="the test")


def post(server: Script, headers: dict[str, str] | None = None, *, timeout: float = 2.0) -> Response:
    """Send a request whose path is secret."""
    return target(server.url + SECRET + "?key=fakefake").post(b"{}", headers=headers or {}, timeout=timeout)


def test_sends_the_body_and_returns_the_answer(server: Script) -> None:
    """Body, headers, path and query arrive as given; the answer comes back with its headers."""
    server.answers[0] = (201, {"X-Thing": "yes"}, b"hello")
    answer = post(server, {"Accept": "text/plain"})
    assert (answer.status, answer.headers["x-thing"], answer.body) == (201, "yes", b"hello")
    request = server.requests[0]
    assert (request.path, request.body) == (SECRET + "?key=fakefake", b"{}")
    assert request.headers["accept"] == "text/plain"


def test_a_path_is_added_to_the_base() -> None:
    """A base URL with a version keeps it."""
    added = target("https://example.com/api/v10/").at("/channels/1?wait=true")
    assert added.path == "/api/v10/channels/1"
    assert added.host == "example.com"


def test_a_redirect_is_an_answer_like_any_other(server: Script) -> None:
    """Nothing is sent to where a service points."""
    server.answers[0] = (302, {"Location": server.url + "/elsewhere"}, b"")
    assert post(server).status == 302
    assert len(server.requests) == 1


def test_a_large_body_is_read_up_to_the_limit(server: Script) -> None:
    """Memory stays bounded whatever a service sends."""
    server.answers[0] = (200, {}, b"x" * (MAX_BODY * 4))
    assert len(post(server).body) == MAX_BODY


def test_proxy_settings_are_ignored(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment gets no token of ours."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert post(server).status == 204


@pytest.mark.parametrize(
    "answer",
    [
        hang,
        dribble(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"),
        dribble(b"a"),
        reset,
        lambda connection: connection.sendall(b"nonsense\r\n\r\n"),
    ],
    ids=["hang", "slow headers", "slow status", "reset", "no http"],
)
def test_without_an_answer_the_request_may_have_arrived(server: Script, answer: Any) -> None:
    """Whatever happens after sending is a timeout, within the deadline, and shows no path."""
    server.answers[0] = answer
    begin = time.monotonic()
    with pytest.raises(SinkTimeout) as caught:
        post(server, timeout=0.3)
    assert time.monotonic() - begin < 2
    assert "127.0.0.1" in str(caught.value)
    assert "fake" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_nothing_is_sent_after_the_deadline(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where connecting took all the time, the request does not start."""
    connect = Endpoint._connect

    def slowly(to: Endpoint, timeout: float) -> Any:
        connection = connect(to, timeout)
        time.sleep(timeout)
        return connection

    monkeypatch.setattr(Endpoint, "_connect", slowly)
    with pytest.raises(SinkTimeout, match="TimeoutError"):
        post(server, timeout=0.1)
    assert not server.requests


def test_a_slow_body_ends_at_the_deadline(server: Script) -> None:
    """The deadline covers the whole answer; what came of the body by then is kept."""

    def slow(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        dribble(b"x")(connection)

    server.answers[0] = slow
    begin = time.monotonic()
    answer = post(server, timeout=0.3)
    assert time.monotonic() - begin < 2
    assert answer.status == 200
    assert 0 < len(answer.body) < 100


def test_a_body_that_breaks_off_is_still_an_answer(server: Script) -> None:
    """The status has come, so a delivered message does not look lost."""
    server.answers[0] = lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"
    )
    assert post(server).body == b"ab"


def test_no_connection_means_nothing_was_sent() -> None:
    """A refused connection is an error to try again, without the path in it."""
    with scripted_server() as server:
        url = server.url
    with pytest.raises(SinkError) as caught:
        target(url + SECRET).post(b"", headers={}, timeout=1)
    assert not isinstance(caught.value, SinkTimeout)
    assert "fake" not in str(caught.value)


def test_tls_is_verified(server: Script) -> None:
    """A server without a valid certificate gets nothing."""
    with pytest.raises(SinkError):
        target(server.url.replace("http:", "https:") + SECRET).post(b"", headers={}, timeout=1)
    assert not server.requests


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that signs certificates for the tests."""
    return trustme.CA()


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return how a server called *name* speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("name", "is_trusted"), [("127.0.0.1", True), ("127.0.0.1", False), ("other.example", True)]
)
def test_a_certificate_must_be_trusted_and_fit_the_host(
    name: str, is_trusted: bool, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a stranger's certificate nor another host's gets a request."""
    if is_trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with scripted_server(certified(authority, name)) as server:
        if is_trusted and name == "127.0.0.1":
            assert post(server, timeout=30).status == 204
            return
        with pytest.raises(SinkError, match=r"cannot connect to .*: SSLCertVerificationError") as caught:
            post(server, timeout=30)
        assert not isinstance(caught.value, SinkTimeout)
        assert not server.requests


def test_a_peer_that_says_too_much_is_left(server: Script) -> None:
    """What is taken in is bounded, also where headers go on for ever."""
    header = b"X-A: " + b"a" * 60_000 + b"\r\n"
    server.answers[0] = lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + header * 90)
    with pytest.raises(SinkTimeout, match=r"no answer from .*: OSError"):
        post(server, timeout=30)


def test_a_query_is_added_to_the_query_of_the_base() -> None:
    """What a URL asks for already stays."""
    added = target("https://example.com/hook?thread_id=7").at("?wait=true")
    assert (added.path, added.tokens) == ("/hook", ())
    assert repr(added) == "Endpoint(https://example.com/***)"


def test_a_header_with_a_line_break_is_rejected(server: Script) -> None:
    """A header cannot be smuggled in, and the error does not quote it."""
    with pytest.raises(SinkRejected) as caught:
        post(server, {"Authorization": "fake\r\nX-Evil: 1"})
    assert "Evil" not in str(caught.value)


def test_no_log_line_shows_a_path(server: Script, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at DEBUG, and not for an answer with broken headers."""
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n bad\r\nbroken header\r\n\r\n"
    server.answers.extend([lambda connection: connection.sendall(broken)])
    with caplog.at_level(logging.DEBUG, logger="urllib3"), caplog.at_level(logging.DEBUG):
        post(server)
        post(server)
    assert "fake" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "http://example.com/",
        "http://169.254.169.254/",
        "http://localhost.example.com/",
        "https:///path",
        "https://user:pw@example.com/",
        "https://example.com/#part",
        "https://example.com:port/",
        "https://[::1",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://exämple.com/",
        None,
    ],
)
def test_other_urls_are_refused(url: Any) -> None:
    """Only https, and http to this machine; the message names the setting and what it takes."""
    with pytest.raises(ConfigError, match=r"url must be an https:// URL, or http:// to localhost"):
        target(url)


def test_the_refusal_shows_no_path() -> None:
    """A wrong URL may hold a token all the same."""
    with pytest.raises(ConfigError) as caught:
        target("http://example.com" + SECRET)
    assert "fake" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost:80", "127.0.0.1:8080", "127.1.2.3", "[::1]:80"])
def test_loopback_needs_no_tls(host: str) -> None:
    """A local server can stand in for a service."""
    assert target(f"http://{host}/").host == host


def test_repr_shows_no_path() -> None:
    """What ends up in a log by accident is harmless."""
    assert repr(target("https://example.com" + SECRET)) == "Endpoint(https://example.com/***)"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without urllib3 the error says what to install, before anything is sent."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'the test needs .* pip install "obskeeper\[http\]"'):
        target("https://example.com/")


def test_nothing_of_the_network_is_loaded_before_the_first_request() -> None:
    """Checking a URL, and importing all sinks, is cheap."""
    code = """
import sys
before = set(sys.modules)
from obskit.alerts import sinks
for name in sinks.__all__:
    getattr(sinks, name)
sinks.SlackWebhook("https://example.com/hook")
sinks.Email("example.com", 587, sender="a@example.com", recipients=["b@example.com"])
print({"urllib3", "ssl", "socket", "http.client", "asyncio", "smtplib"} & (set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (1.25, 1.25),
        ("-5", 0.0),
        ("1e9", MAX_RETRY_AFTER),
        ("inf", MAX_RETRY_AFTER),
        ("nan", None),
        ("soon", None),
        ([], None),
        (formatdate(0, usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
        ("Fri, 31 Dec 99999999 23:59:59 GMT", None),
    ],
)
def test_retry_after_takes_every_form(text: str | float | None, seconds: float | None) -> None:
    """Numbers and dates are read, nonsense is not, and no service makes us wait for ever."""
    assert parse_retry_after(text) == seconds


@given(st.text() | st.floats() | st.integers())
def test_retry_after_never_raises_and_is_bounded(text: str | float) -> None:
    """Whatever a service says, the wait is none or within bounds."""
    seconds = parse_retry_after(text)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER
