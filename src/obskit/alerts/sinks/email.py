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
from ...settings import flag, secret, several, whole_number, wrong
from ..delivery import Delivery
from ._layout import PLAIN, plain, title

if TYPE_CHECKING:
    from email.message import EmailMessage

_SUBJECT: Final = 150
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
        given = several("recipients", recipients, "mail addresses")
        if not given:
            raise ConfigError("recipients must be one or more mail addresses, got none")
        self._recipients = [_address("recipients", each) for each in given]
        self._host, self._port, self._tls = _server(host, port, tls)
        self._login = _login(username, password)

    def emit(self, delivery: Delivery, /) -> None:
        """Send *delivery* to all recipients."""
        from ._smtp import send_mail

        message = self._message(delivery)
        send_mail(message, self._host, self._port, tls=self._tls, login=self._login, timeout=_TIMEOUT)

    def preview(self, delivery: Delivery, /) -> str:
        """Write down the mail that `emit` sends, its text not yet encoded."""
        message = self._message(delivery)
        headers = [f"{name}: {value}" for name, value in message.items()]
        return "\n".join([*headers, "", *message.get_content().splitlines()])

    def close(self) -> None:
        """Do nothing: no connection is kept."""

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
        message.set_content(plain(delivery))
        return message

    def __repr__(self) -> str:
        return f"Email({self._host}:{self._port})"


def _address(setting: str, text: object) -> str:
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        raise wrong(setting, "a mail address such as bot@example.com", text)
    return text


def _server(host: object, port: object, tls: object) -> tuple[str, int, bool]:
    name = secret("host", host, _HOST, "the name of a mail server, without user name, scheme and port")
    is_encrypted = flag("tls", tls)
    if not is_encrypted and not is_loopback(name):
        raise ConfigError(f"tls may be False for a server on this machine only, got {name}")
    return name, whole_number("port", port, most=65_535), is_encrypted


def _login(username: object, password: object) -> tuple[str, str] | None:
    if username is None and password is None:
        return None
    if username is None or password is None:
        raise ConfigError("username and password go together: give both or neither")
    login = (
        secret("username", username, _CREDENTIAL, "text of ASCII characters"),
        secret("password", password, _CREDENTIAL, "text of ASCII characters"),
    )
    register_secret(login[1], "mail_password")
    return login
