"""A trace is shown within the limit of the service, and nothing in it is markup."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.errors import ConfigError
from obskit.traces import ErrorInfo, ExecutionTrace, Step, render, to_html
from tests.sinks.test_lines import struck
from tests.traces.test_model import traces

STYLES = ("text", "discord", "slack", "telegram")


def size(text: str, style: str) -> int:
    """Count as the service does."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 if style == "telegram" else len(text)


def sample(steps: int = 3) -> ExecutionTrace:
    """Make a finished trace with steps of growing duration."""
    trace = ExecutionTrace(
        "ab" * 16, "/diagnose", user_id="42", correlation_id=None, started_at="2026-01-02T03:04:05.6+00:00"
    )
    trace.status = "ok"
    trace._duration_ms = 1_250.0
    for number in range(steps):
        step = Step(f"Step {number}", f"{number:016x}", None)
        step.status = "ok"
        step._duration_ms = float(number)
        trace.steps.append(step)
    return trace


@given(trace=traces(), limit=st.integers(100, 4_000), style=st.sampled_from(STYLES))
def test_no_view_exceeds_its_limit(trace: ExecutionTrace, limit: int, style: str) -> None:
    """Whatever the trace holds, the service will take it."""
    text = render(trace, limit=limit, style=style)
    assert size(text, style) <= limit
    text.encode()


@given(trace=traces(), limit=st.integers(200, 1_000), style=st.sampled_from(STYLES))
def test_an_error_is_shown_however_small_the_room(trace: ExecutionTrace, limit: int, style: str) -> None:
    """What failed is what people look for."""
    trace.error = ErrorInfo(type="OSError", message="disk gone", stack="")
    assert "OSError: disk gone" in render(trace, limit=limit, style=style)


@given(trace=traces(), limit=st.integers(150, 1_000), style=st.sampled_from(STYLES))
def test_no_step_is_left_out_silently(trace: ExecutionTrace, limit: int, style: str) -> None:
    """What is shown and what is said to be left out are all steps that there were."""
    for step in trace.steps:
        step.name, step.details, step.error = "STEP", {}, None
    trace.command, trace.error = "/x", None
    trace.links.clear()
    text = render(trace, limit=limit, style=style)
    said = re.search(r"… (\d+) more step", text)
    assert text.count("STEP") + (int(said[1]) if said else 0) == trace.step_count


@given(trace=traces(), style=st.sampled_from(STYLES))
def test_a_view_always_names_the_trace(trace: ExecutionTrace, style: str) -> None:
    """The id that is needed to find the log is there in full."""
    assert trace.trace_id in render(trace, limit=4_000, style=style)


def test_a_view_shows_what_a_person_asks_for() -> None:
    """Command, outcome, time, steps with their details, error and link."""
    trace = sample(2)
    trace.status = "error"
    trace.error = ErrorInfo(type="OSError", message="gone", stack="")
    trace.links["View Run"] = "https://example.org/runs/7"
    trace.steps[0].details = {"repository": "shop", "tries": 2}
    trace.steps[1].status = "error"
    trace.steps[1].error = trace.error
    inner = Step("Inner", "f" * 16, trace.steps[1].id)
    trace.steps.append(inner)
    assert render(trace).splitlines() == [
        "❌ /diagnose error (1.2 s)",
        f"Trace: {'ab' * 16}",
        "Started: 2026-01-02 03:04:05 UTC",
        "✅ Step 0 (0 ms) repository=shop, tries=2",
        "❌ Step 1 (1 ms) — OSError: gone",
        "\u2003⏳ Inner (0 ms)",
        "Error: OSError: gone",
        "View Run: https://example.org/runs/7",
    ]


def test_of_too_many_steps_the_telling_ones_stay() -> None:
    """Failed, slowest and last steps are shown; the rest is counted."""
    trace = sample(60)
    trace.dropped["steps"] = 5
    trace.steps[30].status = "error"
    trace.steps[10]._duration_ms = 9_000.0
    trace.steps[30].error = ErrorInfo(type="OSError", message="very " * 100, stack="")
    text = render(trace, limit=500)
    for wanted in ("❌ Step 30", "Step 10 (9.0 s)", "Step 59", "Step 58"):
        assert wanted in text
    shown = sum("Step " in line for line in text.splitlines())
    assert f"… {65 - shown} more steps" in text


@pytest.mark.parametrize(
    ("style", "hostile"),
    [
        ("discord", ["@everyone", "<@1>", "<@&1>", "```", "[x](http://evil)", "**b**", "||s||"]),
        ("slack", ["<!channel>", "<@U1>", "<http://evil|x>", "*b*", "`c`"]),
        ("telegram", ["@someone", "/start now", "#tag"]),
    ],
)
def test_nothing_in_a_trace_is_markup_or_a_mention(style: str, hostile: list[str]) -> None:
    """What a user typed is shown, not obeyed."""
    trace = sample(1)
    trace.command = trace.steps[0].name = " ".join(hostile)
    trace.error = ErrorInfo(type="E", message=" ".join(hostile), stack="")
    trace.links[" ".join(hostile)] = "https://example.org/"
    text = render(trace, style=style)
    for item in hostile:
        assert item not in text


def test_a_line_break_in_a_name_does_not_make_a_line() -> None:
    """One step is one line."""
    trace = sample(1)
    trace.steps[0].name = "a\nb\r\u2028c\u202e"
    assert "✅ a b c  (0 ms)" in render(trace)


def test_the_slowest_and_the_last_step_stay_among_many_that_failed() -> None:
    """Failures do not crowd out where the time went and where it ended."""
    trace = sample(100)
    for step in trace.steps:
        step.status = "error"
    trace.steps[50]._duration_ms = 9_000.0
    text = render(trace, limit=300)
    assert "Step 50 (9.0 s)" in text
    assert "Step 99" in text


@pytest.mark.parametrize("label", ["# big", "> quoted", "-# small", "- item"])
def test_a_label_does_not_format_its_line(label: str) -> None:
    """What begins a line in Discord is escaped there."""
    trace = sample(0)
    trace.links[label] = "https://example.org/"
    assert render(trace, style="discord").splitlines()[-1] == f"\\{label}: https://example.org/"


def test_a_link_cannot_end_early() -> None:
    """Characters that would break out of an address are encoded."""
    trace = sample(0)
    trace.links["Run"] = "https://example.org/a)b|c`d/@everyone"
    assert "https://example.org/a%29b%7Cc%60d/%40everyone" in render(trace, style="discord")


def test_the_smallest_view_still_names_the_trace() -> None:
    """At the smallest limit command, id and error share the room."""
    trace = sample(20)
    trace.command = "/a-rather-long-command with options"
    trace.error = ErrorInfo(type="ValueError", message="x" * 500, stack="")
    text = render(trace, limit=100)
    assert trace.trace_id in text
    assert len(text) <= 100


def test_a_long_time_is_shown_in_minutes() -> None:
    """Nobody reads 600,000 ms."""
    trace = sample(0)
    trace._duration_ms = 600_000.0
    assert "(10.0 min)" in render(trace)


def test_a_wrong_style_or_limit_names_the_choices() -> None:
    """Set-up errors say what is taken."""
    with pytest.raises(ConfigError, match="style must be one of text, discord, slack, telegram, got 'html'"):
        render(sample(), style="html")
    with pytest.raises(ConfigError, match="limit must be a whole number of at least 100, got 99"):
        render(sample(), limit=99)


@given(
    failed=st.integers(0, 39),
    slowest=st.integers(0, 39),
    limit=st.integers(400, 2_000),
    style=st.sampled_from(STYLES),
    message=st.text("<*@x\U0001f600", max_size=2_000),
)
def test_the_failed_the_slowest_and_the_last_step_are_always_shown(
    failed: int, slowest: int, limit: int, style: str, message: str
) -> None:
    """However long everything else is, these three have room."""
    trace = sample(40)
    trace.command = message
    trace.error = ErrorInfo(type="OSError", message=message, stack="")
    trace.links = {f"{number}{message}": "https://example.org/" + "x" * 100 for number in range(10)}
    for number, step in enumerate(trace.steps):
        step.details = {"message": message}
        step.error = ErrorInfo(type="OSError", message=message, stack="") if number == failed else None
    trace.steps[failed].status = "error"
    trace.steps[slowest]._duration_ms = 9_000.0
    text = render(trace, limit=limit, style=style)
    for number in (failed, slowest, 39):
        assert re.search(rf"Step {number}\b", text)


def test_a_step_that_failed_counts_more_than_one_that_still_runs() -> None:
    """What went wrong is the first thing that people look for."""
    trace = sample(10)
    for step in trace.steps[5:]:
        step.status = "running"
    trace.steps[1].status = "error"
    trace.error = ErrorInfo(type="OSError", message="x" * 300, stack="")
    assert "❌ Step 1" in render(trace, limit=300)


@pytest.mark.parametrize("show", [render, to_html])
def test_a_thread_may_record_while_the_trace_is_shown(show: Callable[[ExecutionTrace], str]) -> None:
    """A bot that shows how far a command is does not wait for its threads."""
    for place in range(1, 1_000):
        trace = ExecutionTrace("1" * 32, "/x", started_at="2026-01-02T03:04:05.000000+00:00")
        trace.steps = [Step(f"step {number}", f"{number}") for number in range(3)]
        late = Step("late", "3")
        if not struck(lambda: show(trace), lambda: trace.steps.append(late), place):  # noqa: B023
            break
    assert place > 50
