"""The pages of analytics in the browser: live figures, charts, and the same in tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.approvals.desk import letter
from tests.browser.chat import ChatPage
from tests.browser.complaints import Complaints
from tests.browser.site import PASSWORD, USERNAME
from tests.drills.server import Chatter

RUNS = 50

# What is written on canvases: the labels of axes.
_WRITTEN = """
  window.written = [];
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
    written.push(String(text));
    return write.call(this, text, ...where);
  };
"""

# How much the text of an element stands out from what is painted below it.
_CONTRAST = """(one) => {
  const paper = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const below = [];
  for (let up = one; up; up = up.parentElement) below.unshift(getComputedStyle(up).backgroundColor);
  const light = (colours) => {
    for (const colour of colours) {
      paper.fillStyle = colour;
      paper.fillRect(0, 0, 1, 1);
    }
    const [red, green, blue] = [...paper.getImageData(0, 0, 1, 1).data]
      .map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const [dark, bright] = [light(below), light([...below, getComputedStyle(one).color])].sort();
  return bright / dark;
}"""
_READABLE = 4.5  # by the guidelines of WCAG


@contextmanager
def script(home: str) -> Iterator[httpx2.Client]:
    """The API, with a token."""
    with httpx2.Client(base_url=home) as client:
        told = client.post(
            "/api/v1/auth/token/", json={"username": USERNAME, "password": PASSWORD, "name": "bot"}
        )
        client.headers["Authorization"] = f"Token {told.json()['token']}"
        yield client


def start_runs(home: str) -> None:
    with script(home) as client:
        for _ in range(RUNS):
            body = {"message": "say 120 words", "mode": "background"}
            assert client.post("/api/v1/chat/", json=body).status_code == 202


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)


def _hours(page: Page) -> set[int]:
    """This one, and those that half a minute may lead to."""
    return {page.evaluate(f"new Date(Date.now() + {s}000).getHours()") for s in (-60, 0, 60)}


def behind(page: Page, name: str) -> tuple[int, int]:
    """What a live figure says, and how many rows there are where it leads."""
    text, address = page.locator(f"a[data-live={name}]").evaluate(
        "(one) => [one.textContent, one.getAttribute('href')]"
    )
    count, next_page = 0, f"/api/v1{address.replace('of=all', 'page_size=200')}"
    while next_page:
        told = page.request.get(next_page).json()
        count, next_page = count + len(told["results"]), told["next"]
    return number(text), count


def test_the_live_chart_is_of_now_from_the_first_moment(page: Page) -> None:
    page.add_init_script(_WRITTEN)
    page.goto("/analytics/live/")
    page.wait_for_function("(written) => written.length > 60", arg=page.evaluate_handle("written"))
    times = [one for one in page.evaluate("written") if re.search(r"[:A-Z]", one)]
    assert {one[:2] for one in times} <= {f"{hour:02}" for hour in _hours(page)}


def test_the_live_dashboard_follows_fifty_runs_of_a_script(page: Page, site) -> None:
    page.goto("/analytics/live/")
    calls = page.locator("[data-live=calls]")
    expect(calls).not_to_have_text("–")
    before = number(calls.inner_text())
    start_runs(site.url)
    expect(page.locator("#running tr").first).to_be_visible()
    expect(page.locator("#running tr").first).to_contain_text("Universal chat")
    expect(calls).to_have_text(str(before + RUNS), timeout=60_000)
    expect(page.locator("[data-live=running]")).to_have_text("0")
    page.get_by_text("The last minutes, as a table").click()
    newest = page.locator("#minutes tr").first.locator("td").first
    expect(newest).to_have_text("0")
    told = [number(one) for one in page.locator("#minutes tr td:nth-child(2)").all_inner_texts()]
    assert max(told) > 0
    expect(page.locator("#nothing-running")).to_be_visible()
    for name in ("running", "queued", "waiting", "calls", "ended", "failed"):
        said, found = behind(page, name)
        assert said == found, name
    assert behind(page, "tokens")[1] == behind(page, "cost")[1] >= before + RUNS
    page.locator("a[data-live=calls]").click()
    expect(page.locator("h1")).to_have_text("Model calls")
    expect(page.locator("tbody tr").first).to_contain_text("demo:chatter-demo")
    page.locator("tbody tr").first.locator("[data-label=Run] a").click()
    page.wait_for_url("**/executions/*/")
    page.goto("/analytics/models/?by=model&range=24h")
    total = page.locator(".tiles div", has_text="Calls").locator("dd").first
    assert number(total.inner_text()) >= before + RUNS
    expect(page.locator(".chart canvas").first).to_be_visible()
    page.get_by_text("Step by step, as a table").click()
    expect(page.locator("details tbody tr").last).to_be_visible()
    steps = page.locator("details tbody td:nth-child(2)").all_inner_texts()
    assert sum(number(one) for one in steps) == number(total.inner_text())


def test_the_live_page_says_what_it_does_not_show_and_leaves_the_focus_where_it_is(
    page: Page, site: Chatter
) -> None:
    page.goto("/analytics/live/")
    more = page.locator("#more-running")
    expect(page.locator("[data-live=waiting]")).to_have_text("0")
    expect(more).to_be_hidden()
    with script(site.url) as client:
        body = {"graph": letter(), "input": {"message": "hello"}, "mode": "background"}
        told = [client.post("/api/v1/workflows/execute/", json=body).json() for _ in range(22)]
        expect(page.locator("[data-live=waiting]")).to_have_text("22")
        expect(page.locator("#running tr")).to_have_count(20)
        expect(more).to_contain_text("The newest 20 of 22;")
        assert behind(page, "waiting") == (22, 22)
        newest = page.locator("#running tr").first
        newest.get_by_role("link").focus()
        lasted = newest.locator("[data-label=For]")
        expect(lasted).not_to_have_text(lasted.inner_text())
        expect(newest.get_by_role("link")).to_be_focused()
        for run in told:
            client.post(f"/api/v1/executions/{run['execution']['id']}/cancel/")


@pytest.mark.slow
def test_the_live_page_says_when_nobody_tells_it_anything_and_draws_nothing_then(
    page: Page, site: Chatter, complaints: Complaints
) -> None:
    complaints.expect_server_gone()
    page.goto("/analytics/live/")
    note, running = page.locator("#connection"), page.locator("[data-live=running]")
    expect(running).to_have_text("0")
    expect(note).to_be_hidden()
    page.get_by_text("The last minutes, as a table").click()
    newest = page.locator("#minutes tr").first.locator("td").first
    expect(newest).to_have_text("0")
    site.kill()
    expect(note).to_contain_text("Connection lost. Trying again… The figures are those of ")
    expect(newest).to_have_text("–")
    expect(running).to_have_text("0")
    site.start()
    expect(note).to_be_hidden(timeout=60_000)
    expect(newest).to_have_text("0")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_busiest_hour_can_be_read(chat: ChatPage, scheme: Any) -> None:
    chat.ask("Hello")
    chat.page.emulate_media(color_scheme=scheme)
    chat.page.goto("/analytics/conversations/")
    assert chat.page.locator(".hours .shade-5 a").first.evaluate(_CONTRAST) >= _READABLE
