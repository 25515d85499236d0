"""An app on Bolt for Python is observed by one line."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt import Ack, App, BoltRequest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.signature import SignatureVerifier

import obskit
from obskit.errors import ConfigError
from obskit.integrations.slack_bolt import _name_of, observe
from tests.integrations.bots import Observed, example, observed
from tests.servers import scripted_server
from tests.traces.recorded import last

TOKEN = "xoxb-" + "123456789012-" * 2 + "fake" * 6
SIGNING_SECRET = "fake" * 8
WHO = {"user": {"id": "42"}, "team": {"id": "5"}, "channel": {"id": "7"}}


@pytest.fixture
def seen() -> Iterator[Observed]:
    """What comes out of the app."""
    with observed("debug") as seen:
        yield seen


def new_app(**options: Any) -> App:
    """Return an app that is observed before it has any listener."""
    app = App(
        signing_secret=SIGNING_SECRET,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="5", bot_token=TOKEN),
        **options,
    )
    observe(app)
    observe(app)  # once more changes nothing
    return app


def command(name: str) -> str:
    """Return the body with which Slack tells of a slash command."""
    fields = {
        "command": name,
        "user_id": "42",
        "team_id": "5",
        "channel_id": "7",
        "trigger_id": f"1.2.{name}",
    }
    return urlencode(fields)


def interaction(**fields: Any) -> str:
    """Return the body with which Slack tells of a button, a view or a shortcut."""
    return urlencode({"payload": json.dumps({**WHO, **fields})})


def signed(body: str) -> dict[str, str]:
    """Return the headers with which Slack sends *body*."""
    now = str(int(time.time()))
    return {
        "content-type": "application/json" if body.startswith("{") else "application/x-www-form-urlencoded",
        "x-slack-signature": SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=now, body=body)
        or "",
        "x-slack-request-timestamp": now,
    }


def send(app: App, *bodies: str) -> list[int]:
    """Send *bodies* to *app* and wait until it has done all that they ask for; returns the status of each."""
    answers = [app.dispatch(BoltRequest(body=body, headers=signed(body))).status for body in bodies]  # type: ignore[arg-type]
    runner = app.listener_runner
    runner.listener_executor.shutdown()
    runner.lazy_listener_runner.executor.shutdown()  # type: ignore[attr-defined]
    return answers


def test_the_example(seen: Observed) -> None:
    """A command and its lazy work have context and trace, errors one traceback, repeats no second alert."""
    with scripted_server() as slack:
        slack.answers[0] = (200, {}, b'{"ok": true, "team_id": "5", "user_id": "99", "bot_id": "9"}')
        app = example("slack_bot").build(TOKEN, SIGNING_SECRET, f"{slack.url}/api/")
        assert send(app, *[command("/deploy")] * 3) == [200] * 3
    assert sorted(seen.ends()) == [("/deploy", "ok")] * 3 + [("/deploy deploy", "error")] * 3
    (acknowledged, *_) = seen.lines(msg="acknowledged")
    (connecting, *_) = seen.lines(msg="connecting")
    assert (connecting["cmd"], connecting["user_id"], connecting["channel_id"]) == (
        "/deploy deploy", "42", "7",
    )  # fmt: skip
    assert connecting["correlation_id"] == acknowledged["correlation_id"]
    assert [line["error"] for line in seen.stacks()] == ["ConnectionError: the host is down"] * 3
    (alert,) = seen.alerts()
    assert alert.message == "/deploy deploy failed"
    assert alert.trace_id in {line["trace_id"] for line in seen.stacks()}
    assert last().duration_ms > 0
    assert seen.lines(level="error", logger="slack_bolt.App") == []
    seen.shows_none_of(TOKEN, SIGNING_SECRET)


def test_what_middleware_binds_reaches_listeners_and_ends_with_the_request(seen: Observed) -> None:
    """Also in the threads of Bolt, and however many requests a thread serves."""
    app = new_app()

    @app.use
    def plan(next: Callable[[], None]) -> None:  # noqa: A002 - a name of Bolt
        obskit.set_context(plan="pro")
        next()

    def ask(ack: Ack) -> None:
        obskit.get_logger().info("asked")
        ack()

    def work() -> None:
        obskit.get_logger().info("worked")

    app.command("/ask")(ack=ask, lazy=[work])
    send(app, command("/ask"))
    assert {line["plan"] for line in [*seen.lines(msg="asked"), *seen.lines(msg="worked")]} == {"pro"}
    assert "plan" not in obskit.get_context()


@pytest.mark.parametrize("process_before_response", [False, True])
def test_error_handlers_still_get_the_error(seen: Observed, process_before_response: bool) -> None:
    """The error is logged once, also where Bolt runs listeners in the thread of the request."""
    app, taken = new_app(process_before_response=process_before_response), list[str]()

    @app.command("/fail")
    def fail(ack: Ack) -> None:
        raise LookupError("no")

    assert send(app, command("/fail")) == [500]
    assert [line["msg"] for line in seen.stacks()] == ["/fail failed"]
    app = new_app(process_before_response=process_before_response)
    app.command("/fail")(fail)
    app.error(lambda error: taken.append(str(error)))
    send(app, command("/fail"))
    assert taken == ["no"]
    assert len(seen.stacks()) == 2


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (interaction(type="block_actions", actions=[{"action_id": "yes", "type": "button"}]), "yes"),
        (interaction(type="view_submission", view={"callback_id": "form", "type": "modal"}), "form"),
        (interaction(type="shortcut", callback_id="open"), "open"),
        (
            json.dumps({"type": "event_callback", "event_id": "E1", "event": {"type": "app_mention"}}),
            "app_mention",
        ),
    ],
)
def test_requests_are_named_for_what_the_user_did(seen: Observed, body: str, name: str) -> None:
    """Each kind of request says it in a place of its own."""
    app = new_app()
    for listen in (app.action("yes"), app.view("form"), app.shortcut("open"), app.event("app_mention")):
        listen(lambda ack: ack())
    assert send(app, body) == [200]
    assert seen.ends() == [(name, "ok")]


def test_a_request_that_names_nothing_is_named_for_its_type() -> None:
    """Whatever Slack may send one day."""
    assert (_name_of({"type": "new"}), _name_of({})) == ("new", "request")


def test_an_asynchronous_app_is_observed_alike(seen: Observed) -> None:
    """Listeners and lazy functions are coroutines of the same context."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="5", bot_token=TOKEN)

    async def run() -> None:
        app = AsyncApp(signing_secret=SIGNING_SECRET, authorize=authorize)
        observe(app)
        done = asyncio.Event()

        async def ask(ack: AsyncAck) -> None:
            await ack()
            obskit.get_logger().info("asked")

        async def work() -> None:
            done.set()
            raise LookupError("no")

        app.command("/ask")(ack=ask, lazy=[work])
        request = AsyncBoltRequest(body=command("/ask"), headers=signed(command("/ask")))  # type: ignore[arg-type]
        assert (await app.async_dispatch(request)).status == 200
        await done.wait()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    asyncio.run(run())
    assert sorted(seen.ends()) == [("/ask", "ok"), ("/ask work", "error")]
    assert [line["user_id"] for line in seen.lines(msg="asked")] == ["42"]
    assert [line["error"] for line in seen.stacks()] == ["LookupError: no"]


def test_only_apps_are_observed() -> None:
    """What cannot be observed is refused when it is given."""
    with pytest.raises(ConfigError, match="got str"):
        observe("app")  # type: ignore[arg-type]
