"""
Build sinks from URLs, as one line of configuration holds them.

    https://discord.com/api/webhooks/...   https://hooks.slack.com/services/...   as the services show them
    discord://TOKEN@CHANNEL   telegram://TOKEN@CHAT   pagerduty://KEY   pagerduty://KEY@HOST
    discord+URL   slack+URL   alertmanager+URL   webhook+URL   webhook+https://SECRET@HOST/...   apprise+URL
    smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS&to=ADDRESS&to=...   console:

Any other scheme is looked for among the entry points of `GROUP`. URLs hold secrets,
so no error quotes one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from ...errors import ConfigError
from ...lazy import from_entry_point
from ..delivery import AlertSink
from .alertmanager import Alertmanager
from .bridge import Apprise
from .discord import DiscordChannel, DiscordWebhook
from .email import Email
from .local import Console
from .pagerduty import PagerDuty
from .slack import SlackWebhook
from .telegram import TelegramChat
from .webhook import Webhook

#: Entry points of this group are functions from a URL to a sink; their names are schemes.
GROUP: Final = "obskit.alert_sinks"

_SCHEME: Final = re.compile(r"([a-z][a-z0-9.-]{0,30})[+:]", re.IGNORECASE)
#: Services whose own URLs are known by their host.
_HOSTS: Final[Mapping[str, Callable[[str], AlertSink]]] = {
    **dict.fromkeys(
        ("discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"), DiscordWebhook
    ),
    **dict.fromkeys(("hooks.slack.com", "hooks.slack-gov.com"), SlackWebhook),
}


def sinks_from(text: str, *, setting: str) -> list[AlertSink]:
    """
    Build the sinks that the URLs in *text*, separated by spaces, ask for.

    Raises:
        ConfigError: For the first URL that is wrong; names *setting* and the number of the URL.
    """
    sinks = []
    for number, url in enumerate(text.split(), 1):
        try:
            sinks.append(sink_from(url))
        except ConfigError as error:
            raise ConfigError(f"{setting}, URL {number}: {error}") from None
    return sinks


def sink_from(url: str) -> AlertSink:
    """
    Build the sink that *url* asks for.

    >>> sink_from("https://hooks.slack.com/services/T0/B0/not-a-real-token")
    SlackWebhook(https://hooks.slack.com/***)
    """
    found = _SCHEME.match(url)
    if not found:
        raise ConfigError("it must begin with a scheme, such as https: or discord:")
    scheme = found[0].lower()
    if scheme in ("http:", "https:"):
        return _by_host(url)
    if scheme in _BUILDERS:
        return _BUILDERS[scheme](url[found.end() :].removeprefix("//"))
    name = found[1].lower()
    if (sink := from_entry_point(GROUP, name, url)) is not None:
        return cast("AlertSink", sink)
    known = ", ".join(_BUILDERS)
    raise ConfigError(f"it must begin with one of {known}, or with the name of an installed sink; got {name}")


def _by_host(url: str) -> AlertSink:
    from urllib.parse import urlsplit

    try:
        build = _HOSTS[urlsplit(url).hostname or ""]
    except (ValueError, KeyError):
        names = ", ".join(f"{scheme}https:" for scheme in _BUILDERS if scheme.endswith("+"))
        raise ConfigError(f"it must say what answers there, as one of {names}") from None
    return build(url)


def _pair(rest: str, form: str) -> tuple[str, str]:
    """Split at the first ``@``; no token has one, but the name of a Telegram chat begins with it."""
    left, at, right = rest.partition("@")
    if not at:
        raise ConfigError(f"it must have the form {form}")
    return left, right


def _pagerduty(rest: str) -> PagerDuty:
    key, at, host = rest.partition("@")
    return PagerDuty(key, base_url=f"https://{host}") if at else PagerDuty(key)


def _webhook(url: str) -> Webhook:
    """Take the part before ``@`` for the secret, percent-encoded where base64 needs it."""
    from urllib.parse import unquote

    scheme, slashes, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    secret, at, host = authority.rpartition("@")
    return Webhook(f"{scheme}{slashes}{host}{slash}{path}", unquote(secret) if at else None)


def _smtp(rest: str) -> Email:
    from urllib.parse import parse_qs, unquote, urlsplit

    try:
        parts = urlsplit(f"smtp://{rest}")
        host, port, asked = parts.hostname or "", parts.port or 587, parse_qs(parts.query)
    except ValueError:
        raise ConfigError("it must have the form smtp://USER:PASSWORD@HOST:PORT?from=...&to=...") from None
    return Email(
        host,
        port,
        sender=asked.get("from", [""])[0],
        recipients=asked.get("to", []),
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=asked.get("tls") != ["false"],
    )


#: By scheme: behind ``+`` stands a URL, behind ``:`` the parts that the sink needs.
_BUILDERS: Final[Mapping[str, Callable[[str], AlertSink]]] = {
    "alertmanager+": Alertmanager,
    "apprise+": Apprise,
    "console:": lambda _: Console(),
    "discord+": DiscordWebhook,
    "discord:": lambda rest: DiscordChannel(*_pair(rest, "discord://TOKEN@CHANNEL")),
    "pagerduty:": _pagerduty,
    "slack+": SlackWebhook,
    "smtp:": _smtp,
    "telegram:": lambda rest: TelegramChat(*_pair(rest, "telegram://TOKEN@CHAT")),
    "webhook+": _webhook,
}
