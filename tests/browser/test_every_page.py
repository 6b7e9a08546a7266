"""What holds on every page: the content policy, basics of accessibility, the width of a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat import ChatPage, over

PAGES = (
    "/chat/",
    "conversation",
    "/executions/",
    "execution",
    "/approvals/",
    "/schedules/",
    "/schedules/new/",
    "/account/tokens/",
    "/webhooks/",
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
_INLINE = re.compile(
    r"<style\b|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\bsrc=)(?![^>]*application/json)",
    re.I,
)
_UNNAMED = """() => [...document.querySelectorAll("input, textarea, select, button, a, summary")]
  .filter((one) => one.type !== "hidden" && one.checkVisibility())
  .filter((one) => !(one.labels?.length || one.ariaLabel || one.getAttribute("aria-labelledby")
    || one.title || one.innerText?.trim()))
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
                "conversation": f"/chat/{chat.conversation}/",
                "execution": f"/executions/{execution}/",
            }

    return in_browser_thread(talk)


@pytest.fixture(params=PAGES)
def place(request, places, complaints) -> str:
    complaints.expect("404")
    return places.get(request.param, request.param)


def test_nothing_is_inline_and_nothing_complains(page: Page, place: str) -> None:
    answer = page.goto(place, wait_until="networkidle")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not _INLINE.findall(answer.text())
    _everything_opened(page)


def test_the_login_page_has_nothing_inline(stranger: Page) -> None:
    answer = stranger.goto("/login/", wait_until="networkidle")
    assert not _INLINE.findall(answer.text())
    assert stranger.evaluate(_UNNAMED) == []
    expect(stranger.locator("h1")).to_have_count(1)


def test_the_basics_of_accessibility(page: Page, place: str) -> None:
    page.goto(place, wait_until="networkidle")
    _everything_opened(page)
    assert page.locator("html[lang]").count() == 1
    assert page.locator("h1:visible").count() == 1
    assert page.locator("main").count() == 1
    assert page.evaluate(_UNNAMED) == []
    assert page.locator("[aria-live=polite]").count() >= 1
    assert _repeated_ids(page) == []
    page.evaluate("document.activeElement.blur()")
    unlit = page.evaluate(_LIGHT)
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        where, lit = page.evaluate(_FOCUS)
        assert lit and lit != unlit, f"no sign of the focus on {where}"
        seen.add(where)
    assert len(seen) > 3


def test_the_answer_is_told_to_screen_readers(chat: ChatPage) -> None:
    chat.ask("say exactly: heard")
    expect(chat.page.locator("#announcer[aria-live=polite]")).to_contain_text("Answer: heard")


def test_nothing_is_wider_than_a_phone(phone: Page, place: str) -> None:
    phone.goto(place, wait_until="networkidle")
    _everything_opened(phone)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.evaluate(_WIDER) == []


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


def _repeated_ids(page: Page) -> list[str]:
    return page.evaluate(
        """() => {
          const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
          return ids.filter((id, at) => ids.indexOf(id) !== at);
        }"""
    )
