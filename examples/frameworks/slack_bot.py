"""A Slack app on Bolt: the call of `observe` is all that it needs."""

from __future__ import annotations

import os

from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

import obskit
from obskit.integrations.slack_bolt import observe

log = obskit.get_logger("bot")


def acknowledge(ack: Ack) -> None:
    """Answer within the three seconds that Slack waits."""
    log.info("acknowledged")
    ack("On it.")


def deploy(respond: Respond) -> None:
    """Do the work of `/deploy`, which always fails."""
    with obskit.step("Connect"):
        log.info("connecting")
        raise ConnectionError("the host is down")


def build(token: str, signing_secret: str, api: str = WebClient.BASE_URL) -> App:
    """Build the app."""
    app = App(client=WebClient(token, base_url=api), signing_secret=signing_secret)
    app.command("/deploy")(ack=acknowledge, lazy=[deploy])
    observe(app)
    return app


if __name__ == "__main__":
    obskit.configure(service="bot", alert_level="error")
    build(os.environ["SLACK_BOT_TOKEN"], os.environ["SLACK_SIGNING_SECRET"]).start(3000)
