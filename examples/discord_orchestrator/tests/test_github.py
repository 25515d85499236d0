"""
The GitHub side of the bot against the stand-in, over HTTP.
"""

from __future__ import annotations

import re
from dataclasses import replace
from threading import Event

import pytest

from orchestrator import github as client_module
from orchestrator.config import Config
from orchestrator.github import GitHub
from orchestrator.observability import CommandFailed
from standins import GitHubStandIn, Plan
from standins.server import Reply

LIMITED = {"X-RateLimit-Remaining": "0"}


@pytest.fixture
def closing() -> Event:
    """Set when the bot is to stop waiting."""
    return Event()


@pytest.fixture
def client(config: Config, closing: Event) -> GitHub:
    """The bot's client, which waits only briefly between two looks."""
    return GitHub(config, closing=closing, first_pause=0.001)


def test_a_dispatch_that_tells_the_run_needs_no_search(client: GitHub, github: GitHubStandIn) -> None:
    """
    Where GitHub answers 200, the run is known at once.
    """
    run = client.dispatch({"target": "api"}, "abc")
    assert run.id == 17_000_000_000
    assert run.url.endswith("/actions/runs/17000000000")
    assert [request.method for request in github.requests] == ["POST"]


def test_a_dispatch_that_tells_nothing_is_an_error(client: GitHub, github: GitHubStandIn) -> None:
    """
    An old GitHub Enterprise server starts the run but answers 204, so there is nothing to wait for.
    """
    github.plans.append(Plan(tells_id=False))
    with pytest.raises(CommandFailed, match="does not tell which run"):
        client.dispatch({}, "abc")


def test_an_unchanged_run_is_asked_for_conditionally(client: GitHub, github: GitHubStandIn) -> None:
    """
    Looks at a run that has not changed carry its ETag, and their 304 costs nothing.
    """
    github.plans.append(Plan(polls=5))
    run = client.wait(client.dispatch({}, "abc"))
    assert (run.status, run.conclusion) == ("completed", "success")
    looks = [request for request in github.requests if request.method == "GET"]
    assert len(looks) == 5
    assert [("if-none-match" in look.headers) for look in looks] == [False, True, True, True, True]


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "action_required", "stale"])
def test_the_conclusion_is_told_as_it_is(client: GitHub, github: GitHubStandIn, conclusion: str) -> None:
    """
    A run is over when it is completed, whatever became of it.
    """
    github.plans.append(Plan(conclusion=conclusion))
    assert client.wait(client.dispatch({}, "abc")).conclusion == conclusion


def test_trouble_while_waiting_is_sat_out(client: GitHub, github: GitHubStandIn) -> None:
    """
    A limit or an outage that passes does not lose the run.
    """
    run = client.dispatch({}, "abc")
    again = {"Retry-After": "0"}
    github.script("run", Reply(502), Reply(429, {}, again), Reply(403, {}, again), Reply(503, None))
    assert client.wait(run).conclusion == "success"


def test_trouble_that_stays_ends_the_wait_with_what_is_known(
    client: GitHub, github: GitHubStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The bot does not ask for ever: the user's answer can be edited for a quarter of an hour.
    """
    monkeypatch.setattr(client_module, "_PATIENCE", 0.05)
    run = client.dispatch({}, "abc")
    github.script("run", *[Reply(502)] * 50)
    assert client.wait(run) == run
    assert 1 < len(github.requests) < 20


def test_a_run_that_is_gone_is_an_error(client: GitHub, github: GitHubStandIn) -> None:
    """
    What does not pass by itself is not waited for.
    """
    run = client.dispatch({}, "abc")
    github.script("run", Reply(404, {"message": "Not Found"}))
    with pytest.raises(CommandFailed, match="GitHub does not know"):
        client.wait(run)


def test_closing_ends_the_wait_with_what_is_known(
    client: GitHub, github: GitHubStandIn, closing: Event
) -> None:
    """
    A bot that is stopped reports the run as it saw it last.
    """
    run = client.dispatch({}, "abc")
    closing.set()
    assert client.wait(run) == run


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, {"message": "Bad credentials"}), "does not accept the bot's token"),
        (Reply(403, {"message": "Resource not accessible"}), "not allowed to do this"),
        (Reply(403, {"message": "API rate limit exceeded"}, LIMITED), "limits our requests"),
        (Reply(403, {"message": "secondary rate limit"}, {"Retry-After": "7"}), "limits our requests"),
        (Reply(404, {"message": "Not Found"}), "does not know what the bot asks for"),
        (Reply(410, {"message": "Gone"}), "GitHub refused the request"),
        (Reply(422, {"message": "No ref found"}), "refused the branch or the inputs"),
        (Reply(429, {"message": "Too many requests"}, {"Retry-After": "nonsense"}), "limits our requests"),
        (Reply(301, None, {"Location": "https://example.com/"}), "GitHub refused the request"),
        (Reply(500, ["not", "an", "object"]), "GitHub has trouble"),
    ],
)
def test_what_github_refuses_is_told_in_plain_words(
    client: GitHub, github: GitHubStandIn, reply: Reply, words: str
) -> None:
    """
    The user reads what it means; status and message stay in the cause, for the team.
    """
    github.script("dispatch", reply)
    with pytest.raises(CommandFailed, match=words) as failed:
        client.dispatch({}, "abc")
    assert re.match(rf"GitHub answered {reply.status}:", str(failed.value.cause))
    assert not re.search(r"\d", str(failed.value))
    assert len(github.requests) == 1


def test_a_limit_without_a_time_is_given_a_minute(client: GitHub, github: GitHubStandIn) -> None:
    """
    GitHub wants that where it does not say how long; what it says is believed up to two minutes.
    """
    waits = {"": 60.0, "7": 7.0, "86400": 120.0}
    for asked, wait in waits.items():
        github.script("dispatch", Reply(429, {}, {"Retry-After": asked} if asked else {}))
        with pytest.raises(CommandFailed) as failed:
            client.dispatch({}, "abc")
        assert failed.value.retry_after == wait


def test_a_github_that_cannot_be_reached_is_told_without_its_url(config: Config, closing: Event) -> None:
    """
    No address with what it holds gets into an error.
    """
    unreachable = replace(config, github_api="http://127.0.0.1:9")
    with pytest.raises(CommandFailed, match="GitHub does not answer") as failed:
        GitHub(unreachable, closing=closing).dispatch({}, "abc")
    assert failed.value.cause == "NewConnectionError"


def test_the_steps_that_failed_are_named(client: GitHub, github: GitHubStandIn) -> None:
    """
    The team reads which step it was without opening the run.
    """
    github.plans.append(Plan(conclusion="failure", failing_step="Run tests"))
    assert client.failed_steps(client.wait(client.dispatch({}, "abc"))) == "Run tests"
