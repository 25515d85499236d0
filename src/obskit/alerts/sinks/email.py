"""
Tell people by mail.

A message keeps its ``Message-ID`` when it is sent again, so mailboxes can drop the
second one, and all messages about one incident are one thread. Text is plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ...errors import ConfigError
from ...http import is_loopback
from ...redaction import register_secret
from ...settings import flag, several, whole_number, wrong
from ..delivery import Delivery
from ._layout import PLAIN, layout, title

if TYPE_CHECKING:
    from email.message import EmailMessage

    from ._smtp import MailServer

_SUBJECT: Final = 150
_TEXT: Final = 16_000
#: Seconds for one mail: servers that check mail take their time, but the lease must outlast it.
_TIMEOUT: Final = 25.0
_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(\.[\w-]+)*", re.ASCII)
_HOST: Final = re.compile(r"[\w.:-]+", re.ASCII)
_NO_NAME: Final = re.compile(r"[^\w-]", re.ASCII)
_CREDENTIAL: Final = re.compile(r"[ -~]+")


class Email:
    """
    Sends mail through a server.

    Args:
        host: Of the mail server.
        port: 465 for TLS from the first byte; on any other port, such as 587, STARTTLS.
        sender: An address.
        recipients: One or more addresses.
        username: None to hand in mail without a login.
        password: Goes with *username*.
        tls: False for a server on this machine only. The certificate is verified; a
            private authority is trusted where ``SSL_CERT_FILE`` names it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        recipients: Iterable[str],
        username: str | None = None,
        password: str | None = None,
        tls: bool = True,
    ) -> None:
        self._sender = _address("sender", sender)
        self._recipients = _addresses(recipients)
        _check_server(host, port, tls)
        _check_login(username, password)
        self._settings = (host, port, tls, username, password)
        if password is not None:
            register_secret(password, "mail_password")

    def emit(self, delivery: Delivery, /) -> None:
        """Send *delivery* to all recipients."""
        from ._smtp import send_mail

        send_mail(self._server(), self._message(delivery), timeout=_TIMEOUT)

    def preview(self, delivery: Delivery, /) -> str:
        """Write down the mail that `emit` sends, its text not yet encoded."""
        message = self._message(delivery)
        headers = [f"{name}: {value}" for name, value in message.items()]
        return "\n".join([*headers, "", *message.get_content().splitlines()])

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _server(self) -> MailServer:
        from ._smtp import MailServer

        host, port, tls, username, password = self._settings
        return MailServer(host=host, port=port, tls=tls, username=username, password=password)

    def _message(self, delivery: Delivery) -> EmailMessage:
        from datetime import UTC, datetime
        from email.message import EmailMessage
        from email.policy import SMTP

        domain = self._sender.rpartition("@")[2]
        # Seven bits pass every server, whatever extensions it has.
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Subject"] = title(delivery, _SUBJECT, PLAIN)
        message["Date"] = datetime.fromtimestamp(delivery.time_ns // 1_000_000_000, UTC)
        message["Message-ID"] = f"<{delivery.token}@{domain}>"
        message["In-Reply-To"] = message["References"] = f"<{_NO_NAME.sub('-', delivery.key)[:40]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes, please
        message.set_content(layout(delivery, PLAIN, _TEXT))
        return message

    def __repr__(self) -> str:
        return f"Email({self._settings[0]}:{self._settings[1]})"


def _address(setting: str, text: object) -> str:
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        raise wrong(setting, "a mail address such as bot@example.com", text)
    return text


def _addresses(recipients: Iterable[str]) -> list[str]:
    addresses = [_address("recipients", each) for each in several("recipients", recipients, "mail addresses")]
    if not addresses:
        raise ConfigError("recipients must be one or more mail addresses, got none")
    return addresses


def _check_server(host: object, port: object, tls: object) -> None:
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise ConfigError("host must be the name of a mail server, without user name, scheme and port")
    whole_number("port", port, most=65_535)
    if not flag("tls", tls) and not is_loopback(host):
        raise ConfigError(f"tls may be False for a server on this machine only, got {host}")


def _check_login(username: object, password: object) -> None:
    if (username is None) != (password is None):
        raise ConfigError("username and password go together: give both or neither")
    for setting, text in (("username", username), ("password", password)):
        if text is not None and (not isinstance(text, str) or not _CREDENTIAL.fullmatch(text)):
            raise ConfigError(f"{setting} must be text of ASCII characters")
