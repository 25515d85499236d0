"""The example for Flask shows all that a service gets."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.integrations.bots import example, observed
from tests.traces.recorded import last, shape

SECRET = "ghp_" + "fake" * 9


@pytest.fixture(scope="module")
def program() -> ModuleType:
    """The example, loaded as a server does."""
    return example("flask_app")


def test_the_example_shows_trace_context_and_redaction(program: ModuleType) -> None:
    """A request has user, route, step and id, and a key in its URL is not kept."""
    with observed() as seen:
        answer = program.app.test_client().get(f"/orders/4?token={SECRET}", headers={"X-User": "42"})
        assert answer.get_json() == {"order": 4, "share": 25}
        answer.close()
        kept = last("42")
        assert (kept.command, kept.status) == ("GET /orders/<int:order_id>", "ok")
        assert shape(kept) == [("Look it up", None)]
        [line] = seen.lines(msg="order shown")
        assert (line["trace_id"], line["user_id"]) == (answer.headers["X-Request-ID"], "42")
        assert SECRET not in repr(kept.to_dict())
        seen.shows_none_of(SECRET)


def test_a_repeated_failure_of_the_example_is_one_alert(program: ModuleType) -> None:
    """Flask answers and logs by itself: that line has the context, and the trace the exception."""
    with observed() as seen:
        for _ in range(2):
            answer = program.app.test_client().get("/orders/0", headers={"X-User": "42"})
            answer.close()
            assert answer.status_code == 500
        kept = last("42")
        assert (kept.status, kept.error and kept.error.type) == ("error", "ZeroDivisionError")
        assert [line["logger"] for line in seen.stacks()] == ["shop"] * 2
        assert seen.stacks()[1]["trace_id"] == kept.trace_id
        assert len(seen.alerts()) == 1


def test_rows_that_are_written_later_belong_to_their_request(program: ModuleType) -> None:
    """The trace is open until the last one is sent."""
    with observed() as seen:
        answer = program.app.test_client().get("/report", headers={"X-User": "42"})
        assert (answer.text, seen.ends()) == ("0\n1\n2\n", [])
        answer.close()
        assert [line["trace_id"] for line in seen.lines(msg="row")] == [last("42").trace_id] * 3
        assert seen.ends() == [("GET /report", "ok")]


def test_a_client_that_keeps_the_context_of_a_request_works(program: ModuleType) -> None:
    """Tests of Flask programs look at the request afterwards."""
    from flask import request

    with observed(), program.app.test_client() as client:
        client.get("/orders/4")
        assert request.view_args == {"order_id": 4}


def test_a_program_that_is_not_observed_is_left_alone() -> None:
    """Signals come from all applications of a process."""
    from flask import Flask

    other = Flask("other")
    other.add_url_rule("/", view_func=lambda: str(1 // 0))
    with observed() as seen:
        assert other.test_client().get("/").status_code == 500
        assert (len(seen.stacks()), seen.ends()) == (1, [])
