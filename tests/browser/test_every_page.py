"""What holds on every page: the content policy, basics of accessibility, the width of a phone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIRequestContext, BrowserContext, Page, expect

from tests.browser.chat import ChatPage, over
from tests.browser.complaints import Complaints
from tests.definitions.graphs import asks, graph

PAGES = (
    "/chat/",
    "conversation",
    "/executions/",
    "execution",
    "/approvals/",
    "/schedules/",
    "/schedules/new/",
    "/experiments/",
    "/experiments/new/",
    "/account/password/",
    "/account/tokens/",
    "/compliance/",
    "/budgets/",
    "budget-calls",
    "/webhooks/",
    "/analytics/?by=template",
    "/analytics/models/?by=model&range=24h",
    "/analytics/tools/",
    "/analytics/conversations/",
    "/analytics/live/",
    "/analytics/conversations/rows/",
    "/analytics/messages/",
    "/analytics/ratings/",
    "/model-calls/",
    "/tool-calls/",
    "nodes",
    "schedule",
    "incoming",
    "endpoint",
    "experiment",
    "experiment-form",
    "exposures",
    "/nowhere/",
)
BACK_OFFICE = (
    "/admin/",
    "/admin/llms/modelcall/",
    "/admin/workflows/workflowexecution/",
    "/admin/audit/auditentry/",
    "/admin/conversations/conversation/",
    "/admin/workflows/workflowdefinition/",
    "/admin/triggers/schedule/",
)
DESK, PHONE = 1280, 390  # pixels
ANNOUNCER = "[aria-live=polite]"
ONCE = ("html[lang]", "h1:visible", "main")
BASICS = (*ONCE, ANNOUNCER)
_PATIENCE_MS = 90_000  # the report of compliance asks every address
_ASKS = {"id": "ask", "type": "approval", "config": {"question": "{{input.message}}"}}
_INLINE = re.compile(
    r"<style\b|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\bsrc=)(?![^>]*application/json)",
    re.I,
)
# What people and models write begins with any heading they like.
_AXE = {"resultTypes": ["violations"], "rules": {"heading-order": {"enabled": False}}}
_UNDESCRIBED = """() => [...document.querySelectorAll("[aria-describedby]")]
  .filter((one) => !one.getAttribute("aria-describedby").split(/\\s+/)
    .some((id) => document.getElementById(id)?.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 200))"""
# The composer lights its frame in place of the field's own outline.
_LIGHT = """() => document.querySelector(".composer")
  && getComputedStyle(document.querySelector(".composer")).borderTopColor"""
_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const frame = one.matches(".composer textarea") && one.closest(".composer");
  const light = frame ? getComputedStyle(frame).borderTopColor
    : one === document.body || style.outlineStyle !== "none" ? "lit" : null;
  return [one.outerHTML.slice(0, 120), light];
}"""
_WIDER = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (one) => {
    for (let up = one.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  };
  return [...document.body.querySelectorAll("*")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .filter((one) => one.getBoundingClientRect().right > width + 1 && !scrolls(one))
    .map((one) => one.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def places(browser, site, signed_in, in_browser_thread) -> dict[str, str]:
    """Where a conversation with everything in it is, and its first run."""

    def talk() -> dict[str, str]:
        with browser.new_context(base_url=site.url, storage_state=signed_in) as context:
            chat = ChatPage(context.new_page()).open()
            chat.ask(
                "say exactly: # A heading\n\n| a | table |\n|---|---|\n| with | "
                + "averylongword" * 12
                + " |\n\n```python\n"
                + "x = 'a long line of code' " * 12
                + "\n```\n\n- and a list"
            )
            chat.ask("think about the sea")
            chat.ask("please fail")
            execution = chat.messages[1]["execution"]
            return {
                **_named_at_length(context.request, site.url),
                "conversation": f"/chat/{chat.conversation}/",
                "execution": f"/executions/{execution}/",
            }

    return in_browser_thread(talk)


def _named_at_length(request: APIRequestContext, home: str) -> dict[str, str]:
    """Where a schedule and webhooks are whose names and addresses have no place to break."""
    token = next(
        one["value"] for one in request.storage_state()["cookies"] if "csrf" in one["name"]
    )
    name, short = "averylongword" * 19, {"name": "averylongword" * 7}
    workflow = {"name": name, "graph": graph(_ASKS, edges=["start>ask", "ask.approved>end"])}

    def made(door: str, **body: Any) -> Any:
        headers = {"X-CSRFToken": token, "Referer": home}
        answer = request.post(f"/api/v1/{door}", data=body, headers=headers)
        assert answer.ok, answer.text()
        return answer.json()

    runs = {"definition": made("definitions/", **workflow)["id"]}
    for _ in range(2):  # two that ask the same
        made(f"definitions/{runs['definition']}/execute/", input={"message": name})
    # Not in force: it stays for tests of other pages, and would refuse models without a price.
    budget = {"scope": "all", "unit": "usd", "cap": "1000", "period": "month", "active": False}
    counted = f"/budgets/{made('budgets/', name=name, **budget)['id']}/calls/?of=all"
    variants = [{"name": "a", "control": True}, {"name": "averylongword" * 6}]
    doors: dict[str, tuple[str, dict[str, Any]]] = {
        "/schedules/": ("schedules/", {"kind": "interval", "every_s": 3600, **runs}),
        "/webhooks/in/": ("webhooks/incoming/", {**short, **runs}),
        "/webhooks/out/": ("webhooks/endpoints/", {**short, "url": f"https://example.org/{name}"}),
        "/experiments/": (
            "experiments/",
            {"primary": "cost", "variants": variants, **short, **runs},
        ),
    }
    found = [
        f"{page}{made(door, **{'name': name, **body})['id']}/"
        for page, (door, body) in doors.items()
    ]
    named = dict(zip(("schedule", "incoming", "endpoint", "experiment"), found, strict=True))
    nodes = f"/analytics/definitions/{runs['definition']}/"
    talks = {"definition": made("definitions/", name=name, graph=graph(asks()))["id"]}
    live = made("experiments/", primary="event:bought", variants=variants, **short, **talks)["id"]
    made(f"experiments/{live}/start/")
    made("chat/", message=name, mode="background", **talks)
    return {
        **named,
        "nodes": nodes,
        "budget-calls": counted,
        "experiment-form": f"{named['experiment']}edit/",
        "exposures": f"/experiments/{live}/exposures/",
    }


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there to see on a page with everything folded out, at a desk and then on a phone."""

    policy: str
    source: str
    basics: dict[str, int]
    barriers: list[str]
    undescribed: list[str]
    repeated_ids: list[str]
    focus: dict[str, str | None]
    unlit: str | None
    desk: int
    width: int
    wider: list[str]
    complaints: Complaints


@pytest.fixture(scope="module", params=PAGES)
def seen(request, places, browser, site, signed_in, in_browser_thread) -> Seen:
    """A page takes a second to load, so it is loaded once and looked at in every way."""

    def look() -> Seen:
        with browser.new_context(
            base_url=site.url, storage_state=signed_in, reduced_motion="reduce"
        ) as context:
            complaints = Complaints()
            complaints.listen(context)
            complaints.expect("404")
            page = context.new_page()
            answer = page.goto(places.get(request.param, request.param), wait_until="networkidle")
            _everything_opened(page)
            at_a_desk = _at_a_desk(page)
            page.set_viewport_size({"width": PHONE, "height": 844})
            page.wait_for_load_state("networkidle")
            complaints.collect(context)
            return Seen(
                policy=answer.headers["content-security-policy"],
                source=answer.text(),
                **at_a_desk,
                width=page.evaluate("document.documentElement.scrollWidth"),
                wider=page.evaluate(_WIDER),
                complaints=complaints,
            )

    return in_browser_thread(look)


def _at_a_desk(page: Page) -> dict[str, Any]:
    page.evaluate("document.activeElement.blur()")
    unlit = page.evaluate(_LIGHT)
    counted = {what: page.locator(what).count() for what in BASICS}
    desk = page.evaluate("document.documentElement.scrollWidth")
    barriers, repeated = _barriers(page), _repeated_ids(page)
    focus = {}
    for _ in range(12):
        page.keyboard.press("Tab")
        where, lit = page.evaluate(_FOCUS)
        focus[where] = lit
    return {
        "unlit": unlit,
        "desk": desk,
        "basics": counted,
        "barriers": barriers,
        "undescribed": page.evaluate(_UNDESCRIBED),
        "repeated_ids": repeated,
        "focus": focus,
    }


def test_nothing_is_inline_and_nothing_complains(seen: Seen) -> None:
    assert "default-src 'self'" in seen.policy
    assert "unsafe" not in seen.policy
    assert not _INLINE.findall(seen.source)
    seen.complaints.settle()


def test_the_basics_of_accessibility(seen: Seen) -> None:
    assert {what: seen.basics[what] for what in ONCE} == dict.fromkeys(ONCE, 1)
    assert seen.basics[ANNOUNCER] >= 1
    assert seen.barriers == []
    assert seen.undescribed == []
    assert seen.repeated_ids == []


def test_where_the_focus_is_can_be_seen(seen: Seen) -> None:
    assert len(seen.focus) > 3
    assert [where for where, lit in seen.focus.items() if not lit or lit == seen.unlit] == []


def test_nothing_is_wider_than_a_desk(seen: Seen) -> None:
    assert seen.desk <= DESK


def test_nothing_is_wider_than_a_phone(seen: Seen) -> None:
    assert seen.width <= PHONE
    assert seen.wider == []


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/nowhere/"])
def test_a_browser_keeps_no_page_for_whoever_goes_back_after_signing_out(
    page: Page, path: str, places: dict[str, str]
) -> None:
    answer = page.request.get(places.get(path, path), timeout=_PATIENCE_MS)
    assert (answer.status, "no-store" in answer.headers.get("cache-control", "")) == (200, True)


def test_the_login_page_has_nothing_inline(stranger: Page) -> None:
    answer = stranger.goto("/login/", wait_until="networkidle")
    assert not _INLINE.findall(answer.text())
    assert _barriers(stranger) == []
    expect(stranger.locator("h1")).to_have_count(1)


def test_the_answer_is_told_to_screen_readers(chat: ChatPage) -> None:
    chat.ask("say exactly: # Heard\n\n**all** of `it`\n\n- [here](https://chatter.example)")
    told = chat.page.locator("#announcer[aria-live=polite]")
    expect(told).to_have_text(re.compile(r"^Answer: Heard\s+all of it\s+here \(\d"))


def test_the_list_is_a_drawer_on_a_phone(phone: Page, places: dict[str, str]) -> None:
    chat = ChatPage(phone).open()
    expect(chat.list).to_be_hidden()
    opener = phone.get_by_role("button", name="Conversations")
    opener.tap()
    expect(chat.list).to_be_visible()
    expect(phone.get_by_role("button", name="Close the list")).to_be_focused()
    phone.keyboard.press("Escape")
    expect(chat.list).to_be_hidden()
    expect(opener).to_be_focused()
    opener.tap()
    chat.list.get_by_role("link").nth(1).tap()
    phone.wait_for_url("**/chat/*/")
    over(ChatPage(phone).ready().answers.first)


@pytest.mark.parametrize("path", BACK_OFFICE)
def test_the_back_office_keeps_the_policy_too(page: Page, path: str, places) -> None:
    answer = page.goto(path, wait_until="networkidle")
    assert answer.status == 200
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_the_api_documentation_opens_and_asks_nobody_else(page: Page, complaints) -> None:
    complaints.expect("cdn.redoc.ly")  # a logo that Redoc insists on, and our policy refuses
    assert page.goto("/api/docs/", wait_until="networkidle").status == 200
    expect(page.locator("body")).to_contain_text("/api/v1/chat/")


def test_what_is_chosen_is_seen_where_a_reader_has_colours_of_their_own(
    open_context: Callable[..., BrowserContext],
) -> None:
    page = open_context(forced_colors="active").new_page()
    page.goto("/executions/?status=failed")
    chosen = page.get_by_role("navigation", name="Filter by status").locator("[aria-current]")
    colour = "(one) => getComputedStyle(one).backgroundColor"
    assert chosen.evaluate(colour) != page.locator("html").evaluate(colour)


def test_the_code_of_an_error_is_as_dark_as_its_words(chat: ChatPage) -> None:
    told = chat.ask("please fail").locator(".notice.bad")
    expect(told.locator("code")).to_have_css("opacity", "1")
    ink = told.evaluate("(one) => getComputedStyle(one).color")
    expect(told.locator("code")).to_have_css("color", ink)


def test_a_theme_is_kept(page: Page) -> None:
    page.goto("/executions/")
    toggle = page.get_by_role("button", name="Theme: auto. Change theme")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    toggle.click()
    page.get_by_role("button", name="Theme: light. Change theme").click()
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark. Change theme")).to_be_visible()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert light != dark


def _everything_opened(page: Page) -> None:
    """Fold out whatever can be folded out."""
    page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
    page.wait_for_load_state("networkidle")


def _barriers(page: Page) -> list[str]:
    """What axe says would keep people out, and where."""
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in Axe().run(page, options=_AXE).response["violations"]
        for node in one["nodes"]
    ]


def _repeated_ids(page: Page) -> list[str]:
    return page.evaluate(
        """() => {
          const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
          return ids.filter((id, at) => ids.indexOf(id) !== at);
        }"""
    )
