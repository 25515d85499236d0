"""Mail is handed to real servers, over TLS that is verified, or it says why not."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from hypothesis import given

from obskit.alerts import Delivery, Kind
from obskit.alerts.sinks import Email, _smtp
from obskit.alerts.sinks import email as email_sink
from obskit.alerts.window import Repeats
from obskit.errors import ConfigError, SinkError, SinkRejected, SinkTimeout
from obskit.redaction import Redactor
from tests.alerts.messages import NASTY, RUN, START_NS, TRACE_ID, alert, delivery, hostile_deliveries

PASSWORD = "not-a-real-" + "password"
MAIL: dict[str, Any] = {"sender": "bot@example.org", "recipients": ["ops@example.org", "dev@example.org"]}


class Mailbox:
    """What a server took, and what it says to it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.sessions: list[Session] = []
        self.refused: dict[str, str] = {}  #: recipient -> answer
        self.data_answer = "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, to: str, _: Any
    ) -> str:
        """Take a recipient down, or refuse."""
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail."""
        content = envelope.original_content or b""
        assert all(byte < 128 for byte in content)
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.sessions.append(session)
        return self.data_answer


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def certified(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """Return how a server called *name* speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def allow(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
    """Let in who knows the password."""
    return AuthResult(success=(login.login, login.password) == (b"bot", PASSWORD.encode()), handled=False)


class AnyPort(Controller):
    """Listens on a port that the system chooses."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = cast("asyncio.Server", self.server).sockets[0].getsockname()
        return host, port

    def _trigger_server(self) -> None:
        socket.create_connection(self.address).close()


@contextlib.contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """Run a real mail server for the length of the block; gives its port."""
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.address[1]
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    """An empty mailbox."""
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    """The port of a server without TLS."""
    with mail_server(mailbox) as number:
        yield number


def local(port: int, **options: Any) -> Email:
    """A sink that hands mail to a server on this machine."""
    return Email("127.0.0.1", port, tls=False, **{**MAIL, **options})


def test_a_mail_says_everything_and_joins_its_thread(port: int, mailbox: Mailbox) -> None:
    """Subject, text and headers; sending it again uses the same name."""
    what = alert("kaputt: ü €", trace_id=TRACE_ID, links={"Run": RUN})
    message = delivery(what, repeats=Repeats(3, START_NS, START_NS + 86_400 * 10**9))
    sink = local(port)
    sink.emit(message)
    sink.emit(message)
    sink.close()
    mail, again = mailbox.mails
    assert mail.get_content().replace("\r\n", "\n") == (
        f"⚠️ ERROR orders\nkaputt: ü €\nTrace: {TRACE_ID}\nRun: {RUN}\n"
        "+3 more from 2023-11-14 22:13:20 to 2023-11-15 22:13:20 UTC\n"
    )
    assert mail["subject"] == "ERROR orders: kaputt: ü €"
    assert (mail["from"], mail["to"]) == ("bot@example.org", "ops@example.org, dev@example.org")
    assert mail["date"].datetime.isoformat() == "2023-11-14T22:13:20+00:00"
    assert mail["message-id"] == again["message-id"] == f"<{message.token}@example.org>"
    assert mail["references"] == mail["in-reply-to"] == f"<{'ab' * 20}@example.org>"
    assert mail["auto-submitted"] == "auto-generated"


def test_a_digest_joins_a_thread_of_its_own() -> None:
    """Its key may hold what no name of a message holds."""
    message = replace(delivery(), key="storm@Email-1")
    mail = Email("mail.example.org", 587, **MAIL)._message(message)
    assert mail["references"] == "<storm-Email-1@example.org>"


def test_a_recovery_is_in_the_subject(port: int, mailbox: Mailbox) -> None:
    """The message that ends an incident looks different."""
    local(port).emit(delivery(kind=Kind.RECOVERY))
    assert mailbox.mails[0]["subject"] == "RESOLVED orders: GitHub answered 502"


def test_a_preview_shows_the_mail(port: int) -> None:
    """Headers and text, readable."""
    text = local(port).preview(delivery(alert("ü" * 10)))
    assert "Subject: ERROR orders: üüüüüüüüüü\n" in text
    assert text.endswith("\n\n⚠️ ERROR orders\nüüüüüüüüüü")


def test_nasty_texts_arrive(port: int, mailbox: Mailbox) -> None:
    """No text becomes a header or ends the mail."""
    sink = local(port)
    for nasty in [*NASTY, "a\r\nBcc: evil@example.org", "\r\n.\r\nMAIL FROM:<evil@example.org>"]:
        sink.emit(delivery(alert(nasty, fields={nasty: nasty})))
    assert len(mailbox.mails) == len(NASTY) + 2
    assert not any(mail["bcc"] for mail in mailbox.mails)


@given(hostile_deliveries)
def test_every_alert_is_a_mail(message: Delivery) -> None:
    """Whatever an alert holds, its mail is seven-bit text with one line for a subject."""
    mail = Email("mail.example.org", 587, **MAIL)._message(message)
    data = mail.as_bytes()
    assert max(data) < 128
    assert max(map(len, data.split(b"\r\n"))) <= 998
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert parsed.keys() == mail.keys()


# --- TLS and login ---


def test_starttls_comes_before_the_login(mailbox: Mailbox, authority: trustme.CA) -> None:
    """The password goes over TLS only."""
    options = {"tls_context": certified(authority), "authenticator": allow, "auth_required": True}
    with mail_server(mailbox, require_starttls=True, **options) as port:
        Email("127.0.0.1", port, username="bot", password=PASSWORD, **MAIL).emit(delivery())
        assert mailbox.sessions[0].ssl is not None
        with pytest.raises(SinkRejected, match="answered 535") as caught:
            Email("127.0.0.1", port, username="bot", password="wrong-" + "one", **MAIL).emit(delivery())
    assert caught.value.revoked


def test_port_465_is_tls_from_the_first_byte(
    mailbox: Mailbox, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the server does not speak before TLS."""
    with mail_server(mailbox, ssl_context=certified(authority)) as port:
        monkeypatch.setattr(_smtp, "_IMPLICIT_TLS", port)
        Email("127.0.0.1", port, **MAIL).emit(delivery())
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_must_fit_the_host(
    implicit: bool, mailbox: Mailbox, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host's certificate gets nothing."""
    context = certified(authority, "other.example")
    with mail_server(mailbox, **{"ssl_context" if implicit else "tls_context": context}) as port:
        monkeypatch.setattr(_smtp, "_IMPLICIT_TLS", port if implicit else 465)
        with pytest.raises(SinkError, match="SSLCertVerificationError") as caught:
            Email("127.0.0.1", port, username="bot", password=PASSWORD, **MAIL).emit(delivery())
    assert not isinstance(caught.value, SinkTimeout | SinkRejected)
    assert not mailbox.mails


def test_a_stranger_s_certificate_gets_nothing(mailbox: Mailbox) -> None:
    """An authority that nobody trusts signs nothing for us."""
    with (
        mail_server(mailbox, tls_context=certified(trustme.CA())) as port,
        pytest.raises(SinkError, match="SSLCertVerificationError"),
    ):
        Email("127.0.0.1", port, **MAIL).emit(delivery())


def test_a_server_without_tls_gets_nothing(port: int, mailbox: Mailbox) -> None:
    """STARTTLS is no offer that may be declined."""
    with pytest.raises(SinkRejected, match="offers no TLS, or no login, that we know"):
        Email("127.0.0.1", port, **MAIL).emit(delivery())
    assert not mailbox.mails


def test_a_server_that_knows_no_login_gets_nothing(port: int) -> None:
    """A login that cannot be made is an error of the set-up."""
    with pytest.raises(SinkRejected, match="offers no TLS, or no login, that we know"):
        local(port, username="bot", password=PASSWORD).emit(delivery())


# --- failures ---


def test_one_recipient_is_enough(port: int, mailbox: Mailbox) -> None:
    """A dead address does not keep the others from the mail."""
    mailbox.refused = {"dev@example.org": "550 No such user"}
    local(port).emit(delivery())
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("answer", "is_final"), [("550 No", True), ("451 Later", False)])
def test_an_answer_says_whether_to_try_again(
    port: int, mailbox: Mailbox, answer: str, is_final: bool
) -> None:
    """5xx is final and 4xx is not, for recipients as for the mail."""
    mailbox.data_answer = answer
    with pytest.raises(SinkError, match=f"answered {answer[:3]}") as of_data:
        local(port).emit(delivery())
    mailbox.refused = {"ops@example.org": answer, "dev@example.org": "550 No"}
    with pytest.raises(SinkError, match="answered 550") as of_recipients:
        local(port).emit(delivery())
    for caught in (of_data, of_recipients):
        assert isinstance(caught.value, SinkRejected) == is_final
        assert not isinstance(caught.value, SinkTimeout)


class Oddity(socketserver.BaseRequestHandler):
    """A server that behaves as it is told."""

    behave: ClassVar[Callable[[socket.socket], None]]

    def handle(self) -> None:
        """Behave."""
        with contextlib.suppress(OSError):
            type(self).behave(self.request)


@contextlib.contextmanager
def odd_server(behave: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Iterator[int]:
    """Run a server that behaves oddly; gives its port."""
    kind = type("Odd", (Oddity,), {"behave": staticmethod(behave)})
    server_type = type(
        "Server",
        (socketserver.ThreadingTCPServer,),
        {"daemon_threads": True, "block_on_close": False}
        | ({"address_family": socket.AF_INET6} if ":" in host else {}),
    )
    with server_type((host, 0), kind) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def say(*lines: bytes, forever: bytes = b"") -> Callable[[socket.socket], None]:
    """Return a behaviour: answer with *lines* one by one, and then with *forever* without end."""

    def behave(connection: socket.socket) -> None:
        for number, line in enumerate(lines):
            if number:
                connection.recv(65_536)
            connection.sendall(line)
        stop = threading.Event()
        while forever:
            connection.sendall(forever)
            stop.wait(0 if len(forever) > 100 else 0.02)
        stop.wait(0 if lines else 1.5)

    return behave


@pytest.mark.parametrize(
    ("behave", "kind", "said"),
    [
        (say(b"554 Go away\r\n"), SinkRejected, "answered 554"),
        (say(b"421 Busy\r\n"), SinkError, "answered 421"),
        (say(b"nonsense\r\n"), SinkError, "answered -1"),
        (say(forever=b"250-" + b"x" * 900 + b"\r\n"), SinkError, "cannot talk to"),
        (say(b"220 Hi\r\n", b"250 Hi\r\n", b"250 OK\r\n", b""), SinkTimeout, "no answer from"),
    ],
    ids=["no", "busy", "nonsense", "flood", "end in the middle"],
)
def test_an_odd_server_is_understood(behave: Any, kind: type[SinkError], said: str) -> None:
    """Nothing that it says fills the memory, and the error says what is known."""
    with odd_server(behave) as port, pytest.raises(SinkError, match=said) as caught:
        local(port).emit(delivery())
    assert type(caught.value) is kind
    assert caught.value.__suppress_context__


def test_a_server_that_has_no_tls_for_a_while_is_tried_again() -> None:
    """What it offers and then refuses with 4xx may be there later."""
    with (
        odd_server(say(b"220 Hi\r\n", b"250-Hi\r\n250 STARTTLS\r\n", b"454 Later\r\n")) as port,
        pytest.raises(SinkError, match="answered 454") as caught,
    ):
        Email("127.0.0.1", port, **MAIL).emit(delivery())
    assert type(caught.value) is SinkError


@pytest.mark.parametrize("behave", [say(), say(forever=b"2")], ids=["hang", "dribble"])
def test_a_slow_server_is_left_in_time(behave: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing holds us beyond the deadline."""
    monkeypatch.setattr(email_sink, "_TIMEOUT", 0.5)
    with odd_server(behave) as port, pytest.raises(SinkError, match="cannot talk to") as caught:
        local(port).emit(delivery())
    assert type(caught.value) is SinkError


def test_no_server_at_all_may_be_tried_again() -> None:
    """Nothing was sent."""
    with odd_server(say()) as port:
        pass
    with pytest.raises(SinkError, match=r"cannot talk to the mail server 127.0.0.1") as caught:
        local(port).emit(delivery())
    assert type(caught.value) is SinkError


def test_an_address_of_ipv6_is_introduced_as_one() -> None:
    """We say an address instead of a name that somebody would have to look up."""
    heard: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"220 Hi\r\n")
        heard.append(connection.recv(1_000))
        connection.sendall(b"550 No\r\n")
        heard.append(connection.recv(1_000))
        connection.sendall(b"550 No\r\n")

    try:
        with odd_server(behave, "::1") as port, pytest.raises(SinkError):
            Email("::1", port, tls=False, **MAIL).emit(delivery())
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert heard[0] == b"ehlo [IPv6:::1]\r\n"


# --- settings ---


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("host", ""),
        ("host", "a b"),
        ("host", None),
        ("port", 0),
        ("port", "25"),
        ("port", 65_536),
        ("sender", "nobody"),
        ("sender", None),
        ("sender", "a@b\r\nBcc: c@d"),
        ("recipients", "ops@example.org"),
        ("recipients", []),
        ("recipients", None),
        ("recipients", ["a@b", "x\n@y"]),
        ("username", "bot"),
        ("password", PASSWORD),
        ("tls", False),
    ],
)
def test_a_wrong_setting_is_named(setting: str, value: Any) -> None:
    """The error says which and shows no password."""
    given: dict[str, Any] = {"host": "mail.example.org", "port": 587, **MAIL, setting: value}
    with pytest.raises(ConfigError, match=rf"^(\w+ and )?{setting} ") as caught:
        Email(given.pop("host"), given.pop("port"), **given)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("password", ["pässword", "pass\nword", 12345678])
def test_a_password_is_text_that_can_be_sent(password: Any) -> None:
    """The error does not show it."""
    with pytest.raises(ConfigError, match=r"^password must be text of ASCII characters$"):
        Email("mail.example.org", 587, username="bot", password=password, **MAIL)


def test_the_password_shows_nowhere() -> None:
    """Not in repr, and the redactor knows it."""
    sink = Email("mail.example.org", 587, username="bot", password=PASSWORD, **MAIL)
    assert repr(sink) == "Email(mail.example.org:587)"
    assert PASSWORD not in Redactor().text(f"what about {PASSWORD} here")
