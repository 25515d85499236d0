"""A trace as a page: complete, harmless, and alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given

from obskit.traces import Cause, ErrorInfo, ExecutionTrace, Step, to_html
from tests.programs import program
from tests.traces.test_model import traces
from tests.traces.test_view import sample

HOSTILE = [
    "<script>document.title='pwned'</script>",
    "</title></style></svg><script>document.title='pwned'</script>",
    "<img src='http://127.0.0.1:9/a' onerror=\"document.title='pwned'\">",
    '"><svg onload=document.title="pwned">',
    "' onfocus=document.title='pwned' autofocus '",
    "<style>@import 'http://127.0.0.1:9/b';</style>",
    "<iframe src=http://127.0.0.1:9/c></iframe><base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/d'>",
    "javascript:document.title='pwned'",
    "<!--", "]]>", "&lt;b&gt;", "\ud800\x00\u202e", "${document.title='pwned'}{{7*7}}",
]  # fmt: skip
TAGS = set(
    "html head meta title style body h1 h2 dl dt dd p ul li a details summary pre span svg rect".split()
)


class Page(HTMLParser):
    """Takes down the tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str | None] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down a tag."""
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        """Take down a text."""
        self.text += data


def hostile() -> ExecutionTrace:
    """Make a trace in which everything tries to be markup."""
    trace = sample(0)
    trace.command = trace.user_id = trace.correlation_id = trace.started_at = " ".join(HOSTILE)
    causes = tuple(Cause(text, text, "cause") for text in HOSTILE)
    trace.error = ErrorInfo(" ".join(HOSTILE), " ".join(HOSTILE), "\n".join(HOSTILE), causes)
    trace.links = {text: text for text in HOSTILE} | {
        '"><script>': 'https://x/"><script>document.title="pwned"'
    }
    trace.attributes = {text: [text] for text in HOSTILE}
    for text in HOSTILE:
        step = Step(text, text, None)
        step.details, step.error = {text: text}, ErrorInfo(text, text, "")
        trace.steps.append(step)
    return trace


@given(traces())
def test_any_trace_is_a_page_of_our_own_tags(trace: ExecutionTrace) -> None:
    """Whatever is in it, nothing of it becomes markup."""
    page = to_html(trace)
    page.encode()
    assert Page(page).tags <= TAGS
    assert not {name for name in Page(page).names if name.startswith("on") or name in ("style", "src")}


def test_what_tries_to_be_markup_is_shown_as_text() -> None:
    """People see what was typed."""
    page = Page(to_html(hostile()))
    assert page.tags <= TAGS
    for text in HOSTILE[:11]:
        assert text in page.text
    assert page.links == ['https://x/"><script>document.title="pwned"']


def test_a_page_shows_what_a_person_looks_for() -> None:
    """Facts, error with its chain and traceback, links, attributes, and the steps with their times."""
    trace = sample(2)
    trace.status = "error"
    trace.error = ErrorInfo("OSError", "gone", "File x", (Cause("KeyError", "k", "cause"),))
    trace.links["Run"] = "https://example.org/7"
    trace.attributes["guild"] = "g-1"
    trace.dropped = {"steps": 3}
    trace.steps[1].started_ms, trace.steps[1]._duration_ms = 250.0, 1_000.0
    trace.steps[1].status = "running"
    inner = Step("Inner", "f" * 16, trace.steps[1].id)
    trace.steps.append(inner)
    page = to_html(trace)
    for wanted in ("OSError: gone", "cause: KeyError: k", "File x", "g-1", "3 steps", "running, 1.0 s"):
        assert wanted in Page(page).text
    assert 'x="20.000%" width="80.000%"' in page
    assert "in1" in page
    assert Page(page).links == ["https://example.org/7"]


def test_a_trace_without_anything_is_a_page_too() -> None:
    """There is no heading above nothing."""
    page = Page(to_html(sample(0)))
    assert page.tags == {"html", "head", "meta", "title", "style", "body", "h1", "dl", "dt", "dd"}


def test_the_page_without_its_data_is_small() -> None:
    """A page costs under 30 kB, and a step a few hundred bytes."""
    assert len(to_html(sample(0)).encode()) < 30_000
    assert len(to_html(sample(100)).encode()) - len(to_html(sample(0)).encode()) < 100 * 800


# --- in a browser ---


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Chromium without a window, and without anything that it would do by itself."""
    chromium, driver = program("chromium"), program("chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"):
        options.add_argument(f"--{switch}")
    options.add_argument("--disable-background-networking")
    options.add_argument("--disable-component-update")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.get("data:,")
    yield chrome
    chrome.quit()


def show(browser: Any, trace: ExecutionTrace, folder: Path) -> set[str]:
    """Open the page of *trace*; returns what was asked for besides the page itself."""
    path = folder / "trace.html"
    path.write_text(to_html(trace), encoding="utf-8")
    browser.get_log("performance")
    browser.get(path.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        cast("str", event["params"]["request"]["url"])
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert path.as_uri() in asked
    return asked - {path.as_uri()}


@pytest.mark.slow
def test_a_browser_runs_nothing_and_asks_for_nothing(browser: Any, tmp_path: Path) -> None:
    """The hostile trace is only text: no script, no request, no complaint about the policy."""
    trace = hostile()
    assert show(browser, trace, tmp_path) == set()
    assert "pwned" in browser.title  # it is a part of what the user typed
    assert browser.title != "pwned"
    assert browser.find_elements("css selector", "script, img, iframe, base") == []
    assert [entry for entry in browser.get_log("browser") if "127.0.0.1" in entry["message"]] == []
    assert len(browser.find_elements("css selector", "details.step")) == len(HOSTILE)


@pytest.mark.slow
def test_a_browser_shows_the_waterfall_by_day_and_by_night(browser: Any, tmp_path: Path) -> None:
    """The policy lets our own style through, bars lie where they should, and colours follow the reader."""
    trace = sample(2)
    trace.steps[1].started_ms, trace.steps[1]._duration_ms = 250.0, 1_000.0
    assert show(browser, trace, tmp_path) == set()
    bar, row = (
        browser.find_elements("css selector", f"details.step {name}")[1].rect for name in ("rect", "svg")
    )
    assert (bar["x"] - row["x"]) / row["width"] == pytest.approx(0.2, abs=0.02)
    assert bar["width"] / row["width"] == pytest.approx(0.8, abs=0.02)

    def brightness() -> int:
        colour = browser.find_element("css selector", "body").value_of_css_property("background-color")
        return int(re.findall(r"\d+", colour)[0])

    for scheme, is_bright in (("light", True), ("dark", False)):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        assert (brightness() > 128) is is_bright
    assert len(browser.get_screenshot_as_png()) > 5_000


@pytest.mark.slow
def test_a_step_opens_with_the_keyboard(browser: Any, tmp_path: Path) -> None:
    """Tab goes from step to step, Enter opens one."""
    show(browser, sample(2), tmp_path)
    browser.switch_to.active_element.send_keys("\ue004")
    focused = browser.switch_to.active_element
    assert focused.tag_name == "summary"
    focused.send_keys("\ue007")
    assert browser.find_element("css selector", "details.step").get_attribute("open") is not None
    assert browser.find_element("css selector", "details.step dd").is_displayed()
