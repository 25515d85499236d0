"""
Hand one mail to a server, within one deadline, over TLS that is verified.

Imported with the first mail, since smtplib loads the network. Its errors quote what
the server said, which may be anything, so only status codes leave this module.
"""

from __future__ import annotations

import contextlib
import smtplib
from typing import TYPE_CHECKING, Any, cast

from ...clock import Deadline
from ...errors import SinkError, SinkRejected, SinkTimeout
from ...http import TimedReader, set_limit

if TYPE_CHECKING:
    from email.message import EmailMessage
    from socket import socket

#: Where TLS begins with the first byte (RFC 8314); elsewhere STARTTLS asks for it.
_IMPLICIT_TLS = 465


def send_mail(
    message: EmailMessage, host: str, port: int, *, tls: bool, login: tuple[str, str] | None, timeout: float
) -> None:
    """
    Send *message* to its recipients; it is sent where the server took it for one of them.

    Args:
        message: With all its headers.
        host: Of the server.
        port: Of the server.
        tls: False to talk without TLS.
        login: User name and password; None for a server that wants none.
        timeout: Seconds for all of it.

    Raises:
        SinkError: If it was not sent and may be tried again.
        SinkTimeout: If no answer came, so it may have been sent.
        SinkRejected: If the server refused it for good.
    """
    from ssl import create_default_context

    is_implicit = tls and port == _IMPLICIT_TLS
    is_under_way = False
    try:
        with (
            _TLSSession(host, port, timeout, context=create_default_context())
            if is_implicit
            else _Session(host, port, timeout)
        ) as session:
            if tls and not is_implicit:
                session.starttls(context=create_default_context())
            if login is not None:
                session.login(*login)
            is_under_way = True
            session.send_message(message)
    except Exception as error:
        raise _failure(error, f"{host}:{port}", is_under_way) from None


class _Session(smtplib.SMTP):
    """A conversation with a server that ends at one deadline."""

    def __init__(self, host: str, port: int, timeout: float, **tls: Any) -> None:
        self._deadline = Deadline(timeout)
        # Not the name of this machine: finding it may ask a resolver, and it is nobody's business.
        super().__init__(host, port, local_hostname="", timeout=timeout, **tls)
        address: str = cast("socket", self.sock).getsockname()[0]
        self.local_hostname = f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def send(self, s: Any) -> None:
        """See `smtplib.SMTP`."""
        if self.sock is not None:
            set_limit(self.sock, self._deadline)
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """See `smtplib.SMTP`, which begins a new file with TLS: what came in before is forgotten."""
        if self.file is None:
            self.file = TimedReader(cast("socket", self.sock), self._deadline).makefile("rb")
        return super().getreply()

    def __exit__(self, *_: object) -> None:
        """Leave without waiting for an answer."""
        with contextlib.suppress(Exception):
            self.putcmd("QUIT")
        self.close()


class _TLSSession(_Session, smtplib.SMTP_SSL):
    """One that is encrypted from the first byte."""


def _failure(error: Exception, server: str, is_under_way: bool) -> SinkError:
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
