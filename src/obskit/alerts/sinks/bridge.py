"""
Reach the services that Apprise knows (extra ``apprise``): https://github.com/caronc/apprise.

Apprise delivers; what to send again and when is decided by obskit, so a message
that some services have is sent again to the others only. Its plug-ins quote text
in the syntax of their service, so the text is defused and short of each limit.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConfigError, MissingExtra, SinkError
from ...http import long_parts
from ...redaction import register_secret
from ...settings import several
from ..delivery import Delivery, Kind
from ..model import Severity
from ._layout import RELAYED, defused, layout, title, trace_id, units

if TYPE_CHECKING:
    from apprise.plugins.base import NotifyBase

_TEXT: Final = 8_000
_TITLE: Final = 150
#: Characters that a message needs to have parts.
_SHORT: Final = 1_000
#: Messages remembered that only some of the services have.
_MAX_PARTIAL: Final = 1_000
_TYPES: Final = {Severity.CRITICAL: "failure", Severity.ERROR: "failure", Severity.WARNING: "warning"}
#: Loggers that tell URLs with the tokens in them.
_TALKATIVE: Final = ("apprise", "urllib3.connectionpool", "urllib3.util.retry")


class Apprise:
    """
    Notifies services by way of Apprise.

    Args:
        urls: Of services, as Apprise takes them. They hold tokens, so they are secrets.
    """

    def __init__(self, urls: str | Iterable[str]) -> None:
        try:
            with _quiet():
                import apprise
        except ImportError:
            raise MissingExtra("Apprise", package="apprise", extra="apprise") from None
        # One thread, ours, so that what is logged in it can be kept quiet.
        asset = apprise.AppriseAsset(async_mode=False, interpret_emojis=False)
        given = several("urls", [urls] if isinstance(urls, str) else urls, "URLs of Apprise")
        self._services = [_service(url, number, asset) for number, url in enumerate(given, 1)]
        if not self._services:
            raise ConfigError("urls must be one or more URLs of Apprise, got none")
        self._missing: OrderedDict[str, list[NotifyBase]] = OrderedDict()  # by token of the message

    def emit(self, delivery: Delivery, /) -> None:
        """Notify the services that do not have *delivery* yet."""
        missing = self._missing.pop(delivery.token, self._services)
        with _quiet():
            missing = [service for service in missing if not _notified(service, delivery)]
        if missing:
            self._missing[delivery.token] = missing
            if len(self._missing) > _MAX_PARTIAL:
                self._missing.popitem(last=False)
            raise SinkError(f"Apprise did not reach {len(missing)} of {len(self._services)} services")

    def preview(self, delivery: Delivery, /) -> str:
        """Write down what each service is given."""
        texts = ["\n".join(filter(None, _texts(service, delivery))) for service in self._services]
        return "\n\n".join(texts)

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def __repr__(self) -> str:
        return f"Apprise({len(self._services)} services)"


def _service(url: object, number: int, asset: Any) -> NotifyBase:
    import apprise

    with _quiet():
        service = apprise.Apprise.instantiate(url, asset=asset) if isinstance(url, str) else None
    if service is None:
        raise ConfigError(f"urls must be URLs that Apprise takes, number {number} is not")
    for secret in long_parts(str(url)):
        register_secret(secret, "apprise")
    return service


def _notified(service: NotifyBase, delivery: Delivery) -> bool:
    heading, text = _texts(service, delivery)
    is_over = delivery.kind is Kind.RECOVERY
    try:
        return bool(
            service.notify(
                body=text,
                title=heading,
                notify_type="success" if is_over else _TYPES[delivery.alert.severity],
                body_format="text",
            )
        )
    except Exception:  # a plug-in may be anybody's and raise anything
        return False


def _texts(service: NotifyBase, delivery: Delivery) -> tuple[str, str]:
    """Write title and text within the limits of *service*; one without titles gets none."""
    heading = title(delivery, min(service.title_maxlen, _TITLE)) if service.title_maxlen > 0 else ""
    most = min(service.body_maxlen, _TEXT)
    return heading, layout(delivery, RELAYED, most) if most >= _SHORT else _in_short(delivery, most)


def _in_short(delivery: Delivery, most: int) -> str:
    """Write *delivery* as a text message: what happened, and where to look."""
    trace = defused(trace_id(delivery))
    return f"{title(delivery, most - units(trace) - 1)} {trace}".strip()[:most]


_QUIET: Final = threading.local()


def _may_be_told(_: logging.LogRecord) -> bool:
    return not getattr(_QUIET, "is_asked_for", False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' log lines of this thread, which quote URLs, from everybody."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_may_be_told)
    _QUIET.is_asked_for = True
    try:
        yield
    finally:
        _QUIET.is_asked_for = False
