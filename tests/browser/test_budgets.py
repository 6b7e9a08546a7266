"""Budgets on the pages: what is told as it happens, how they stand, and what a run may cost."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.chat import ChatPage
from tests.browser.complaints import Complaints
from tests.drills.server import Chatter

_PATIENCE_MS = 60_000
Make = Callable[..., str]


@pytest.fixture
def a_budget(page: Page, in_browser_thread: Any) -> Iterator[Make]:
    """One on the person at the page, which refuses nothing; it goes with the test."""
    made: list[str] = []
    chat = ChatPage(page)

    def budget(name: str, cap: int, **fields: Any) -> str:
        on = {"scope": "user", "of": chat.get("auth/me/")["id"], "period": "day"}
        counts = {"unit": "tokens", "cap": str(cap), "active": False}
        made.append(chat.post("budgets/", {"name": name, **on, **counts, **fields})["id"])
        return made[-1]

    yield budget
    for one in made:
        in_browser_thread(lambda one=one: delete(chat, one))


def delete(chat: ChatPage, budget: str) -> None:
    cookies = chat.page.context.cookies()
    token = next(str(one["value"]) for one in cookies if one["name"] == "csrftoken")
    headers = {"X-CSRFToken": token, "Referer": chat.page.url}
    assert chat.page.request.delete(f"/api/v1/budgets/{budget}/", headers=headers).ok


def notices(page: Page) -> Locator:
    return page.locator("#notices[role=status] > .notice")


def test_what_is_used_of_budgets_is_told_on_open_pages_until_it_is_closed(
    chat: ChatPage, a_budget: Make, site: Chatter
) -> None:
    page = chat.page
    live = page.context.new_page()
    live.goto("/analytics/live/")
    before = spent_by(a_budget, chat)
    first = a_budget("Purse", before + 10)
    a_budget("Wallet <b>", (before + 100) * 2, warn_at=[40])
    a_budget("Chest", 10**9)
    chat.ask("say 100 words")
    for shown in (page, live):
        expect(notices(shown)).to_have_count(2)
        purse = notices(shown).filter(has_text="Purse")
        expect(purse).to_contain_text(
            re.compile(r"^[1-9]\d{2,}% of the budget .* is used, 0 tokens left")
        )
        expect(notices(shown).filter(has_text="“Wallet <b>”")).to_contain_text(" tokens left")

    page.get_by_role("button", name="Close the notice of Purse").click()
    expect(notices(page)).to_have_count(1)
    expect(page.get_by_role("button", name="Close the notice of Wallet <b>")).to_be_focused()
    expect(notices(live)).to_have_count(1)  # in the other window, too
    page.keyboard.press("Enter")
    expect(notices(page)).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()

    third = a_budget("Third", before + 20)  # so much is used already
    expect(notices(page)).to_contain_text(["Third"])
    page.reload()
    expect(notices(page)).to_contain_text(["Third"])  # nobody closed it; the others stay closed
    notices(page).get_by_role("link", name="See the budget").click()
    page.wait_for_url(f"**/budgets/#budget-{third}")
    row = page.locator(f"#budget-{third}")
    expect(row).to_contain_text("100% reached")
    expect(page.locator(f"#budget-{first}")).to_contain_text("100% reached")
    expect(row.locator("[data-label='At most']")).to_have_text(f"{before + 20:,} tokens")


def test_notices_that_were_closed_stay_closed_among_those_of_hundreds(
    chat: ChatPage, a_budget: Make
) -> None:
    page = chat.page
    before = spent_by(a_budget, chat)
    chat.ask("say 10 words")
    a_budget("Purse", before + 1)
    page.get_by_role("button", name="Close the notice of Purse").click()
    page.evaluate(
        """(name) => {
            const others = Array.from({ length: 500 }, (_, at) => `budget-${at}`);
            const closed = JSON.parse(localStorage.getItem(name));
            localStorage.setItem(name, JSON.stringify([...closed, ...others]));
        }""",
        "chatter.budgets.closed",
    )
    a_budget("Wallet", before + 1)
    page.get_by_role("button", name="Close the notice of Wallet").click()
    a_budget("Chest", before + 1)
    page.reload()
    expect(notices(page)).to_contain_text(["Chest"])
    expect(notices(page)).to_have_count(1)


def spent_by(a_budget: Make, chat: ChatPage) -> int:
    """What the person at the page has used today, as a budget that is made now counts it."""
    budget = a_budget("Measure", 10**12)
    return int(chat.get(f"budgets/{budget}/")["now"]["spent"])


@pytest.mark.slow
def test_what_was_crossed_while_the_page_was_away_is_told_when_it_is_back(
    chat: ChatPage, a_budget: Make, site: Chatter, complaints: Complaints
) -> None:
    complaints.expect_server_gone()
    before = spent_by(a_budget, chat)
    a_budget("Purse", before + 10)
    site.kill()
    expect(chat.page.locator("#connection")).to_contain_text("Connection lost")
    site.start()
    chat.post("chat/", {"message": "say 50 words", "mode": "wait"})
    expect(notices(chat.page)).to_contain_text(["Purse"], timeout=_PATIENCE_MS)


def test_the_chat_tells_what_an_answer_of_what_is_chosen_may_cost(chat: ChatPage) -> None:
    told = chat.page.locator("#forecast")
    chat.ask("say 10 words")
    expect(told).to_have_text(
        re.compile(r"^An answer: about \$\S+, [\d,]+ tokens \(mean of [\d,]+ runs?\); at most \$")
    )
    chat.page.get_by_label("Model", exact=True).select_option("demo:understudy")
    expect(told).to_contain_text("no bound is known: demo:understudy has no price")
    expect(chat.page.get_by_label("Answered by")).to_have_attribute("aria-describedby", "forecast")


def test_who_runs_a_workflow_in_the_back_office_sees_figures_as_everywhere(
    chat: ChatPage,
) -> None:
    nodes: list[dict[str, Any]] = [{"id": one, "type": one} for one in ("start", "model", "end")]
    edges = [{"source": "start", "target": "model"}, {"source": "model", "target": "end"}]
    nodes[1]["config"] = {"max_tokens": 200}
    graph = {"nodes": nodes, "edges": edges}
    made = chat.post("definitions/", {"name": "Letter", "graph": graph})
    page = chat.page
    page.goto(f"/admin/workflows/workflowdefinition/{made['id']}/run/")
    tokens = page.locator(".graph-forecast").get_by_role("row", name="Tokens").locator("td").nth(2)
    expect(tokens).to_have_text(re.compile(r"^\d{1,3}(,\d{3})+$"))
    page.get_by_label("Parameters:").fill("{}")
    page.get_by_role("button", name="Forecast with these parameters").click()
    expect(tokens).to_be_visible()
    page.get_by_label("Input:").fill('{"message": "say 5 words"}')
    page.get_by_role("button", name="Run", exact=True).dblclick()
    page.wait_for_url("**/executions/*/")
    assert len(chat.get(f"executions/?definition={made['id']}")["results"]) == 1
