"""
Hand one mail to a server, within one deadline, over TLS that is verified.

Imported with the first mail, since smtplib loads the network. Its errors quote what
the server said, which may be anything, so only status codes leave this module.
"""

from __future__ import annotations

import contextlib
import smtplib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ...clock import SYSTEM_CLOCK
from ...errors import SinkError, SinkRejected, SinkTimeout
from ...http import DeadlineSocket

if TYPE_CHECKING:
    from email.message import EmailMessage
    from socket import socket

#: Where TLS begins with the first byte (RFC 8314); elsewhere STARTTLS asks for it.
_IMPLICIT_TLS = 465


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and who hands it in."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def send_mail(server: MailServer, message: EmailMessage, *, timeout: float) -> None:
    """
    Send *message* to its recipients; it is sent where the server took it for one of them.

    Args:
        server: Where to.
        message: With all its headers.
        timeout: Seconds for all of it.

    Raises:
        SinkError: If it was not sent and may be tried again.
        SinkTimeout: If no answer came, so it may have been sent.
        SinkRejected: If the server refused it for good.
    """
    is_under_way = False
    try:
        with _Session(server, timeout) as session:
            session.log_in()
            is_under_way = True
            session.send_message(message)
    except Exception as error:
        raise _failure(error, server, is_under_way) from None


class _Session(smtplib.SMTP):
    """A conversation with a server that ends at one deadline."""

    def __init__(self, server: MailServer, timeout: float) -> None:
        from socket import create_connection

        self._server = server
        self._deadline_ns = SYSTEM_CLOCK.monotonic_ns() + int(timeout * 1e9)
        self._wire = create_connection((server.host, server.port), timeout)
        try:
            # Not the name of this machine: finding it may ask a resolver, and it is nobody's business.
            super().__init__(local_hostname=_address_literal(self._wire))
            self._begin()
        except BaseException:
            self._wire.close()
            raise

    def _begin(self) -> None:
        is_implicit = self._server.tls and self._server.port == _IMPLICIT_TLS
        self._talk(encrypted=is_implicit)
        code, said = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        self.ehlo_or_helo_if_needed()
        if self._server.tls and not is_implicit:
            code, said = self.docmd("STARTTLS")
            if code != 220:
                raise smtplib.SMTPNotSupportedError
            self._talk(encrypted=True)
            self.ehlo()  # what was said before anybody could have said

    def _talk(self, *, encrypted: bool) -> None:
        """Go on with the socket, whatever came in before over an unencrypted one is forgotten."""
        if encrypted:
            from ssl import create_default_context

            self._wire = create_default_context().wrap_socket(self._wire, server_hostname=self._server.host)
        self.sock = cast("socket", DeadlineSocket(self._wire, self._deadline_ns))
        self.file = None

    def log_in(self) -> None:
        """Say who we are, where the server is to know."""
        if self._server.username is not None:
            self.login(self._server.username, self._server.password or "")

    def __exit__(self, *_: object) -> None:
        """Leave without waiting for an answer."""
        with contextlib.suppress(Exception):
            self.putcmd("QUIT")
        self._wire.close()


def _address_literal(sock: socket) -> str:
    address: str = sock.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _failure(error: Exception, server: MailServer, is_under_way: bool) -> SinkError:
    """Tell what *error* means for the mail."""
    codes = _codes(error)
    if codes:
        said = f"the mail server {server} answered {max(codes)}"
        if min(codes) < 500:
            return SinkError(said)
        return SinkRejected(said, revoked=isinstance(error, smtplib.SMTPAuthenticationError))
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return SinkRejected(f"the mail server {server} offers no TLS, or no login, that we know")
    if is_under_way:
        return SinkTimeout(f"no answer from the mail server {server}: {type(error).__name__}")
    return SinkError(f"cannot talk to the mail server {server}: {type(error).__name__}")


def _codes(error: Exception) -> list[int]:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []
